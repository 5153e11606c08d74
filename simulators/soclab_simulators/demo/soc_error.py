"""How far each method's state of charge is from the truth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from soclab_simulators.demo.truth import Truth


class SocPoint(NamedTuple):
    """One computed state of charge."""

    method: str
    time_s: float
    soc_pct: float
    sigma_pct: float


def soc_errors(points: Iterable[SocPoint], truth: Truth) -> dict[str, dict[str, float]]:
    """Return, by method, root mean square, largest and last error and the last uncertainty."""
    by_method: dict[str, list[tuple[SocPoint, float]]] = {}
    for point in sorted(points, key=lambda p: p.time_s):
        true_pct = truth.at(point.time_s)
        if true_pct is not None:
            by_method.setdefault(point.method, []).append((point, point.soc_pct - true_pct))
    return {method: _summary(errors) for method, errors in sorted(by_method.items())}


def _summary(errors: list[tuple[SocPoint, float]]) -> dict[str, float]:
    last, last_error = errors[-1]
    return {
        "rmse_pct": round(math.sqrt(sum(e * e for _, e in errors) / len(errors)), 4),
        "max_error_pct": round(max(abs(e) for _, e in errors), 4),
        "final_error_pct": round(last_error, 4),
        "sigma_pct": round(last.sigma_pct, 4),
    }
