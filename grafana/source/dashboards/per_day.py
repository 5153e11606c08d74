"""Sums by day, from minutes: whole days, however much of the first is in the range."""

from __future__ import annotations

from typing import Final

from soclab_collectors.measurements import BUCKET_ROLLUP

from grafana.source.dashboard import text_variable
from grafana.source.flux import OF_BATTERY, chosen, keep, query, stored

TIME_ZONE: Final = text_variable("timezone", "Days in", "UTC")
"""Where days begin; a variable, since Grafana before 10 does not tell queries the viewer's zone."""

IMPORTS: Final = ("date", "timezone")
# Only the last step knows the zone: with ``option location`` nothing is left to the engine.
ZONE: Final = 'zone = timezone.location(name: "${timezone}")'
WHOLE_DAYS: Final = (
    "range(start: date.truncate(t: v.timeRangeStart, unit: 1d, location: zone),"
    " stop: v.timeRangeStop)"
)
SIGNED: Final = 'r.battery == "${battery}" and r._value'
"""Where values are compared, the engine compares tags for every value, too: no patterns then."""


def by_day(fn: str) -> str:
    """Return steps to a row for each day: quarters of an hour first, which the engine can do.

    Every time zone's day consists of whole quarters.
    """
    quarters = f'aggregateWindow(every: 15m, fn: {fn}, createEmpty: false, timeSrc: "_start")'
    days = quarters.replace("15m", "1d").replace(")", ", location: zone)")
    return f"{quarters}\n    |> {days}"


def in_and_out(measurement: str, field: str) -> str:
    """Return what went into the one chosen battery and, below zero, out of it, for each day.

    An hourly quantity is summed: Wh from W, Ah from A.
    """
    parts = [
        f"""
{name} =
    {stored(measurement, field, variables=(), bucket=BUCKET_ROLLUP, within=WHOLE_DAYS, only=only)}
    |> {by_day("sum")}
    |> set(key: "direction", value: "{name}")
"""
        for name, only in (("into", f"{SIGNED} > 0.0"), ("out", f"{SIGNED} < 0.0"))
    ]
    return query(
        ZONE,
        *parts,
        f"""
        union(tables: [into, out])
            |> filter(fn: (r) => {chosen("site", "instrument")})
            |> map(fn: (r) => ({{r with _value: r._value / 60.0}}))
            |> keep(columns: ["_time", "_value", "instrument", "direction"])
        """,
        imports=IMPORTS,
    )


def total(measurement: str, field: str) -> str:
    """Return the sum of an hourly quantity that is never below zero, for each day."""
    read = stored(measurement, field, variables=OF_BATTERY, bucket=BUCKET_ROLLUP, within=WHOLE_DAYS)
    return query(
        ZONE,
        f"{read}\n    |> {by_day('sum')}",
        "    |> map(fn: (r) => ({r with _value: r._value / 60.0}))",
        f"    |> {keep('instrument')}",
        imports=IMPORTS,
    )


def counter(measurement: str, field: str) -> str:
    """Return how far a device's own counter of the day came, for each day."""
    read = stored(
        measurement,
        field,
        variables=OF_BATTERY,
        bucket=BUCKET_ROLLUP,
        stat="max",
        within=WHOLE_DAYS,
    )
    return query(
        ZONE,
        f"{read}\n    |> {by_day('max')}",
        f"    |> {keep('instrument')}",
        imports=IMPORTS,
    )
