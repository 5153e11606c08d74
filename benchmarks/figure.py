"""How every benchmark prints a figure: one line, goal and measured side by side.

``benchmarks/run.py`` gathers these lines, so nothing else may begin with the same mark.
"""

from __future__ import annotations

MARK = "figure:"


def figure(
    name: str,
    measured: float,
    unit: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> None:
    """Print one figure, with its goal if it has one."""
    if at_most is not None:
        goal, reached = f"≤ {_number(at_most)} {unit}", measured <= at_most
    elif at_least is not None:
        goal, reached = f"≥ {_number(at_least)} {unit}", measured >= at_least
    else:
        goal, reached = "no goal", True
    verdict = "" if reached else "  NOT REACHED"
    print(f"{MARK} {name:<58} goal {goal:<18} measured {_number(measured)} {unit}{verdict}")


def _number(value: float) -> str:
    """Return three significant digits, with thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
