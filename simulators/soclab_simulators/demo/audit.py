"""Every accepted reading against what InfluxDB returns: lost and duplicated are counted, not felt.

Two readings of one series at one time are one point to InfluxDB, so a reading stored twice can
only show as a point that nobody accepted (at another time or in another series).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from soclab_simulators.demo.archive import Archive, split_line
from soclab_simulators.demo.stored import stored_rows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from soclab_simulators.demo.stored import StoredRow

# name=value, where a value is a number or a quoted text in which quotes are escaped
_FIELD: Final = re.compile(r'((?:[^,=\\]|\\.)+)=("(?:[^"\\]|\\.)*"|[^,]+)')
# Any other backslash is a backslash.
_ESCAPED_IN_NAME: Final = re.compile(r"\\([,= ])")
_ESCAPED_IN_TEXT: Final = re.compile(r'\\(["\\])')

Fields = dict[str, float | str]


class Audit(NamedTuple):
    """The result, in readings (lines of the spool)."""

    accepted: int
    stored: int
    waiting: int
    lost: int
    duplicated: int


def audit(url: str, token: str, bucket: str, archives: Path, run: Path, spool: Path) -> Audit:
    """Compare what was accepted since ``run`` began with what the bucket holds for that time.

    Parameters
    ----------
    url, token, bucket
        Where to ask, with a token that can read.
    archives, run
        The archives of this and earlier demos, and the one of this demo among them.
    spool
        The spool, whose lines wait for the server and are not lost.
    """
    confirmed: dict[tuple[str, int], Fields] = {}
    first_ns: int | None = None
    for segment in Archive(run).new_segments():
        for _, _, time_ns in segment.lines():
            first_ns = time_ns if first_ns is None else min(first_ns, time_ns)
    if first_ns is None:
        return Audit(0, 0, 0, 0, 0)
    for segment in Archive(archives).new_segments():
        for key, fields, time_ns in segment.lines():
            if time_ns >= first_ns:
                confirmed.setdefault((key, time_ns), {}).update(parse_fields(fields))
    waiting = _waiting(spool).keys() - confirmed.keys()
    last_ns = max(time_ns for _, time_ns in confirmed)
    rows = stored_rows(url, token, bucket, first_ns, last_ns)
    stored, duplicated = compare(confirmed, waiting, rows)
    return Audit(
        accepted=len(confirmed) + len(waiting),
        stored=stored,
        waiting=len(waiting),
        lost=len(confirmed) - stored,
        duplicated=duplicated,
    )


def compare(
    confirmed: dict[tuple[str, int], Fields],
    waiting: set[tuple[str, int]],
    rows: Iterable[StoredRow],
) -> tuple[int, int]:
    """Return how many confirmed readings are stored with their values, and the points too many.

    A reading in ``waiting`` may be stored already: the answer of the server may be under way.
    """
    stored = duplicated = 0
    for row in rows:
        key = (row.series, row.time_ns)
        if key in confirmed:
            stored += row.fields == confirmed[key]
        elif key not in waiting:
            duplicated += 1
    return stored, duplicated


def parse_fields(fields: str) -> Fields:
    """Return the fields of a line as names and values."""
    return {
        _ESCAPED_IN_NAME.sub(r"\1", name): _value(value) for name, value in _FIELD.findall(fields)
    }


def _value(text: str) -> float | str:
    if text.startswith('"'):
        return _ESCAPED_IN_TEXT.sub(r"\1", text[1:-1])
    return float(text)


def _waiting(spool: Path) -> dict[tuple[str, int], Fields]:
    """Return the lines in the spool; the last one of an open segment may be half written."""
    found: dict[tuple[str, int], Fields] = {}
    for path in spool.glob("*/*.lp*"):
        for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
            key, fields, time_ns = split_line(line)
            found[key, time_ns] = parse_fields(fields)
    return found
