"""Pieces of Flux that the queries of panels are made of.

Three rules make a year of data open quickly: what is read is chosen by the width of the range
(rollups for long ones), windows are the storage engine's work (nothing between ``filter`` and
``aggregateWindow``), and everything else happens to the few rows that are left.
"""

from __future__ import annotations

from textwrap import dedent, indent
from typing import TYPE_CHECKING, Final

from soclab_collectors.measurements import BUCKET_DERIVED, BUCKET_RAW, BUCKET_ROLLUP, CONTRACT

from grafana.source.palette import HUES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDE: Final = "12h"
"""Ranges beyond this read minutes instead of readings."""

SHORTEST_STATE: Final = "1m"

IN_RANGE: Final = "range(start: v.timeRangeStart, stop: v.timeRangeStop)"
JUST_NOW: Final = "range(start: date.sub(d: 3m, from: v.timeRangeStop), stop: v.timeRangeStop)"
"""Longer than any instrument is silent, and than the rollup is late. Needs package date."""
IS_WIDE: Final = f"wide = int(v: v.timeRangeStop) - int(v: v.timeRangeStart) > int(v: {WIDE})"
SECOND: Final = "1000000000.0"
"""In nanoseconds, as int(v: time) counts."""
OF_BATTERY: Final = ("site", "battery", "instrument")
ONE_INSTRUMENT: Final = "r.instrument == instrument"
"""Condition within a function of an instrument."""


def query(*parts: str, imports: Iterable[str] = ()) -> str:
    """Return a query of these parts, in this order."""
    head = [f'import "{name}"' for name in sorted(set(imports))]
    return "\n".join([*head, *filter(None, (dedent(part).strip() for part in parts))])


def chosen(*variables: str) -> str:
    """Return the condition that tags are what the dashboard's variables of that name say."""
    return " and ".join(f"r.{name} =~ /^${{{name}:regex}}$/" for name in variables)


def stored(
    measurement: str,
    *fields: str,
    variables: Sequence[str],
    bucket: str = "",
    within: str = IN_RANGE,
    stat: str = "mean",
    only: str = "",
) -> str:
    """Return what reads fields of one measurement; by default from the bucket it is written to."""
    bucket = bucket or CONTRACT[measurement].bucket
    named = " or ".join(f'r._field == "{field}"' for field in fields)
    named = f"({named})" if len(fields) > 1 else named
    first = f'r._measurement == "{measurement}" and {named}'
    if bucket == BUCKET_ROLLUP:
        first += f' and r.stat == "{stat}"'
    conditions = " and ".join(filter(None, [chosen(*variables), only]))
    return "\n    |> ".join(
        [
            f'from(bucket: "{bucket}")',
            within,
            f"filter(fn: (r) => {first})",
            *([f"filter(fn: (r) => {conditions})"] if conditions else []),
        ]
    )


def by_width(
    measurement: str,
    *fields: str,
    variables: Sequence[str],
    stat: str = "mean",
    only: str = "",
) -> str:
    """Return what reads minutes where ``wide`` is true and readings where it is not."""
    if CONTRACT[measurement].bucket == BUCKET_DERIVED:
        raise ValueError(f"{measurement} has no minutes")
    minutes, readings = (
        indent(
            stored(measurement, *fields, variables=variables, bucket=b, stat=stat, only=only),
            "    ",
        )
        for b in (BUCKET_ROLLUP, BUCKET_RAW)
    )
    return f"if wide then\n{minutes}\nelse\n{readings}"


def windows(fn: str = "mean", *, every: str = "v.windowPeriod", empty: bool = True) -> str:
    """Return what makes one value of each window; an empty one shows as a gap in the line."""
    return f"aggregateWindow(every: {every}, fn: {fn}, createEmpty: {str(empty).lower()})"


def keep(*columns: str) -> str:
    """Return what leaves time, value and these columns: each more would be a label in legends."""
    names = ", ".join(f'"{name}"' for name in ("_time", "_value", *columns))
    return f"keep(columns: [{names}])"


def readings(
    measurement: str,
    field: str,
    *steps: str,
    variables: Sequence[str] = OF_BATTERY,
    name: str = "line",
    stat: str = "mean",
) -> str:
    """Return a function ``line`` of an instrument: what it read, and what ``steps`` make of it."""
    read = by_width(measurement, field, variables=variables, stat=stat, only=ONE_INSTRUMENT)
    follow = "\n    |> ".join([f"{name}_read(instrument: instrument)", *steps])
    return (
        f"{name}_read = (instrument) =>\n{indent(read, '    ')}\n{name} = (instrument) =>\n    "
        + (follow.replace("\n    |>", "\n        |>"))
    )


def history(
    measurement: str,
    field: str,
    *,
    variables: Sequence[str] = OF_BATTERY,
    fn: str = "mean",
    stat: str = "mean",
    after: Sequence[str] = (),
) -> str:
    """Return lines for the instruments, each in its colour; ``after`` works on the windows."""
    steps = [windows(fn), keep("instrument"), *after]
    return coloured(readings(measurement, field, *steps, variables=variables, stat=stat))


def present(measurement: str, field: str, *, variables: Sequence[str] = OF_BATTERY) -> str:
    """Return what instruments said last before the range ends; nothing if that is long before.

    A number of an hour ago, big on a wall, would pass for one of now.
    """
    minutes, readings = (
        stored(measurement, field, variables=variables, bucket=bucket, within=JUST_NOW)
        for bucket in (BUCKET_ROLLUP, BUCKET_RAW)
    )
    return query(
        "past = int(v: now()) - int(v: v.timeRangeStop) > int(v: 1d)  // readings may be gone",
        f"values =\nif past then\n{indent(minutes, '    ')}\nelse\n{indent(readings, '    ')}",
        f"values\n    |> last()\n    |> {keep('instrument')}",
        imports=["date"],
    )


def state_lines(
    measurement: str, field: str, *, variables: Sequence[str] = OF_BATTERY, fn: str = "max"
) -> str:
    """Return the states of the instruments, of ``fn`` (max or min) in windows of a minute or more.

    A window without data ends a state, so none may be shorter than the time between two readings.
    """
    read = by_width(measurement, field, variables=variables, stat=fn)
    return query(
        IS_WIDE,
        f"""
        step = if int(v: v.windowPeriod) < int(v: {SHORTEST_STATE}) then
            {SHORTEST_STATE}
        else
            v.windowPeriod
        """,
        f"values =\n{indent(read, '    ')}",
        f"values\n    |> {windows(fn, every='step')}\n    |> {keep('instrument')}",
    )


def coloured(*parts: str, imports: Iterable[str] = ()) -> str:
    """Return a query of ``line(instrument)`` for every instrument, with its colour as ``hue``.

    That is the instrument's place among all, so that it is the same in every panel. Each is read
    for itself: sorting lines out after reading all at once takes ten times as long.
    """
    return query(
        IS_WIDE, NAMES, *parts, LINES, imports=["array", "influxdata/influxdb/schema", *imports]
    )


_MEASURED: Final = " or ".join(
    f'r._measurement == "{name}"' for name in ("battery", "charger", "collector", "load", "solar")
)
NAMES: Final = f"""
names =
    (if wide then
        schema.tagValues(
            bucket: "{BUCKET_ROLLUP}",
            tag: "instrument",
            predicate: (r) => ({_MEASURED}) and r.stat == "mean",
            start: v.timeRangeStart,
        )
    else
        schema.tagValues(
            bucket: "{BUCKET_RAW}",
            tag: "instrument",
            predicate: (r) => {_MEASURED},
            start: v.timeRangeStart,
        ))
        |> findColumn(fn: (key) => true, column: "_value")
"""
LINES: Final = f"""
hue = (instrument) =>
    string(v: length(arr: array.filter(arr: names, fn: (x) => x < instrument)) % {len(HUES)})
union(tables: array.map(
    arr: array.concat(arr: names, v: ["-", "-"]),
    fn: (x) => line(instrument: x) |> set(key: "hue", value: hue(instrument: x)),
))
"""
