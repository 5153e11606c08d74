"""Sums by day, from minutes: whole days, however much of the first is in the range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.source.dashboard import text_variable
from grafana.source.flux import query, stored

if TYPE_CHECKING:
    from collections.abc import Sequence

TIME_ZONE: Final = text_variable("timezone", "Days in", "UTC")
"""Where days begin; a variable, since Grafana before 10 does not tell queries the viewer's zone."""

OF_BATTERY: Final = ("site", "battery", "instrument")
IMPORTS: Final = ("date", "timezone")
ZONE: Final = 'option location = timezone.location(name: "${timezone}")'
WHOLE_DAYS: Final = (
    "range(start: date.truncate(t: v.timeRangeStart, unit: 1d), stop: v.timeRangeStop)"
)


def signed_sums(measurement: str, field: str, kinds: Sequence[tuple[str, str, float]]) -> str:
    """Return sums of an hourly quantity for each day: Wh from W, Ah from A.

    ``kinds`` holds a name, a condition on ``_value`` and a factor of each. Quarters of an hour
    first: the storage engine sums those, and every time zone's day consists of them.
    """
    parts = [
        f"""
{name} =
    {
            stored(
                measurement,
                field,
                variables=OF_BATTERY,
                bucket="rollup_1m",
                within=WHOLE_DAYS,
                only=condition,
            )
        }
    |> aggregateWindow(every: 15m, fn: sum, createEmpty: false, timeSrc: "_start")
    |> aggregateWindow(every: 1d, fn: sum, createEmpty: false, timeSrc: "_start")
    |> map(fn: (r) => ({{r with _value: r._value * {factor!r} / 60.0, direction: "{name}"}}))
"""
        for name, condition, factor in kinds
    ]
    together = (
        f"union(tables: [{', '.join(name for name, _, _ in kinds)}])"
        if len(kinds) > 1
        else kinds[0][0]
    )
    return query(
        ZONE,
        *parts,
        f"""
        {together}
            |> group(columns: ["instrument", "direction"])
            |> keep(columns: ["_time", "_value", "instrument", "direction"])
        """,
        imports=IMPORTS,
    )


def counter(measurement: str, field: str) -> str:
    """Return how far a device's own counter of the day came, for each day."""
    read = stored(
        measurement,
        field,
        variables=OF_BATTERY,
        bucket="rollup_1m",
        stat="max",
        within=WHOLE_DAYS,
    )
    return query(
        ZONE,
        f"""
        {read}
            |> aggregateWindow(every: 15m, fn: max, createEmpty: false, timeSrc: "_start")
            |> aggregateWindow(every: 1d, fn: max, createEmpty: false, timeSrc: "_start")
            |> keep(columns: ["_time", "_value", "instrument"])
        """,
        imports=IMPORTS,
    )
