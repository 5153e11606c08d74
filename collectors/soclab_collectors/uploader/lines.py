"""Lines as bytes: counted, dated and checked for what only a power cut writes."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

NUL: Final = "NUL bytes: power failed while it was written"
NOT_UTF8: Final = "not UTF-8: power failed while it was written"
CUT_OFF: Final = "cut off: it has no end"
NO_TIME: Final = "no timestamp to turn into a date"

# Measurement and tags, a space, the name of the first field; all with their escapes.
_KIND: Final = re.compile(rb"(?:\\.|[^ \\])* (?:\\.|[^=\\])*", re.DOTALL)


class Refused(NamedTuple):
    """A line that is not to be stored, and why."""

    line: bytes
    reason: str


def skip_lines(data: bytes, start: int, lines: int) -> tuple[int, int]:
    """Return where the next ``lines`` lines end, and how many there really are."""
    found = 0
    while found < lines:
        newline = data.find(b"\n", start)
        if newline < 0:
            break
        start = newline + 1
        found += 1
    return start, found


def split_lines(data: bytes) -> list[bytes]:
    """Return the lines without their ends."""
    lines = data.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def by_kind(lines: list[bytes]) -> list[bytes]:
    """Bring lines of one series and field together, each kind in its order.

    What is wrong with a line is mostly wrong with all of its kind: a type, a name.
    """
    return sorted(lines, key=lambda line: m[0] if (m := _KIND.match(line)) else line)


def without_broken(data: bytes) -> tuple[bytes, list[Refused]]:
    """Return the whole lines, and those that InfluxDB would take although they are garbage.

    It stores NUL bytes and broken UTF-8 as names, which then break queries.
    """
    if not data or (data.endswith(b"\n") and b"\0" not in data and _is_utf8(data)):
        return data, []
    good, broken = [], []
    lines = data.split(b"\n")
    if tail := lines.pop():
        broken.append(Refused(tail, NUL if b"\0" in tail else CUT_OFF))
    for line in lines:
        if b"\0" in line:
            broken.append(Refused(line, NUL))
        elif not _is_utf8(line):
            broken.append(Refused(line, NOT_UTF8))
        else:
            good.append(line + b"\n")
    return b"".join(good), broken


def dated(data: bytes, started_ns: int) -> tuple[bytes, list[Refused]]:
    """Turn time since a boot that began at ``started_ns`` into Unix time, in every line."""
    good, broken = [], []
    for line in split_lines(data):
        head, _, stamp = line.rpartition(b" ")
        if head and stamp.isdigit():
            good.append(b"%b %d\n" % (head, started_ns + int(stamp)))
        else:
            broken.append(Refused(line, NO_TIME))
    return b"".join(good), broken


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
