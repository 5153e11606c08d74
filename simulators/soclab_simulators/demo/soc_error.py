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


def soc_errors(points: Iterable[SocPoint], truth: Truth) -> dict[str, dict[str, float | None]]:
    """Return, by method, the errors against the truth, and the last value and uncertainty.

    Errors are root mean square, largest and last one; None where the truth is not known.
    """
    by_method: dict[str, list[SocPoint]] = {}
    for point in sorted(points, key=lambda p: p.time_s):
        by_method.setdefault(point.method, []).append(point)
    return {method: _summary(found, truth) for method, found in sorted(by_method.items())}


def _summary(points: list[SocPoint], truth: Truth) -> dict[str, float | None]:
    pairs = ((point.soc_pct, truth.at(point.time_s)) for point in points)
    errors = [soc_pct - true_pct for soc_pct, true_pct in pairs if true_pct is not None]
    squares = sum(error * error for error in errors)
    return {
        "rmse_pct": round(math.sqrt(squares / len(errors)), 4) if errors else None,
        "max_error_pct": round(max(map(abs, errors)), 4) if errors else None,
        "final_error_pct": round(errors[-1], 4) if errors else None,
        "sigma_pct": round(points[-1].sigma_pct, 4),
        "soc_pct": round(points[-1].soc_pct, 4),
    }
