"""What the Pi's files say was measured, and what InfluxDB says: point by point."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.molecule.system.tests.lab import SPOOL

if TYPE_CHECKING:
    from tests.molecule.system.tests.lab import Lab

# series, field, nanoseconds
Point = tuple[str, str, int]

_LINE = re.compile(r"^([^ ]+) (.+) (\d+)$")
_FIELD = re.compile(r'([^=,]+)=("(?:[^"\\]|\\.)*"|[^,]*)')


def measured(lab: Lab) -> dict[Point, str]:
    """Return every point in the archive and the spool of the Pi, with its value.

    Segments of a boot whose clock was not yet right count from the start of that boot.
    """
    text = lab.run(
        "pi",
        f'cd {SPOOL}; for f in _boots/*.json; do echo "#boot $(basename $f .json) $(cat $f)"; done;'
        f" find {SPOOL} -name '*.lp*' -o -name '*.boot*' | grep -v _quarantine |"
        ' while read f; do echo "#file $f"; cat "$f"; done',
    )
    boots: dict[str, int] = {}
    points: dict[Point, str] = {}
    offset: int | None = 0
    for line in text.splitlines():
        if line.startswith("#boot "):
            _, name, content = line.split(" ", 2)
            found = re.search(r"(\d{15,})", content)
            if found:
                boots[name] = int(found[1])
        elif line.startswith("#file "):
            boot = re.search(r"\d{12,}(?:-\d+)?\.([0-9a-f-]{36})\.boot", line)
            offset = boots.get(boot[1]) if boot else 0
        elif (match := _LINE.match(line)) and offset is not None:
            series, fields, stamp = match.groups()
            for name, value in _FIELD.findall(fields):
                points[series, name, int(stamp) + offset] = value
    return points


def stored(lab: Lab) -> dict[Point, str]:
    """Return every point of bucket raw, with its value."""
    rows = lab.query(
        'from(bucket: "raw") |> range(start: 0)'
        " |> toString() |> group()"
        " |> map(fn: (r) => ({r with ns: int(v: r._time)}))"
        ' |> drop(columns: ["_start", "_stop", "_time"])'
    )
    points: dict[Point, str] = {}
    for row in rows:
        tags = sorted(
            (name, value)
            for name, value in row.items()
            if value and name not in {"", "result", "table", "ns"} and not name.startswith("_")
        )
        series = ",".join([row["_measurement"], *(f"{name}={value}" for name, value in tags)])
        points[series, row["_field"], int(row["ns"])] = row["_value"]
    return points


def same(on_pi: str, in_database: str) -> bool:
    """Tell whether a field of line protocol and a value of a query are the same."""
    if on_pi.startswith('"'):
        return on_pi[1:-1] == in_database
    return float(on_pi) == float(in_database)
