"""Lines of units: measurement ``collector`` over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.source.flux import history
from grafana.source.panels import PLAIN, Json, Panel, by_hue, series

if TYPE_CHECKING:
    from collections.abc import Sequence

UNITS: Final = ("site", "instrument")


def line(
    title: str,
    field: str,
    unit: str,
    what: str,
    normal: str,
    *,
    fn: str = "mean",
    stat: str = "mean",
    after: Sequence[str] = (),
    thresholds: Json = PLAIN,
    minimum: float | None = 0,
) -> Panel:
    """Return a field of each unit; ``after`` works on the windows."""
    return series(
        title,
        history("collector", field, variables=UNITS, fn=fn, stat=stat, after=after),
        what=what,
        normal=normal,
        unit=unit,
        thresholds=thresholds,
        show_thresholds=thresholds is not PLAIN,
        minimum=minimum,
        overrides=by_hue(),
    )


def rate(title: str, field: str, unit: str, what: str, normal: str, per: str = "1s") -> Panel:
    """Return how fast a counter grows; a restart, where it falls to zero, shows as a gap."""
    return line(
        title,
        field,
        unit,
        what,
        normal,
        fn="last",
        stat="max",
        after=[f"derivative(unit: {per}, nonNegative: true)"],
    )
