"""What an instrument hands over: values of one measurement at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Stamp(NamedTuple):
    """A moment, on a clock that is not lying.

    ``time_ns`` counts from the Unix epoch when ``boot_id`` is None. Otherwise it counts from the
    start of that boot (CLOCK_BOOTTIME) and only the uploader can turn it into a date, later.
    """

    time_ns: int
    boot_id: str | None = None


class Reading(NamedTuple):
    """Values of one measurement; units and signs are those of ``measurements.CONTRACT``.

    The unit adds the tags ``site``, ``battery`` and ``instrument``; ``tags`` holds only others.
    """

    measurement: str
    fields: Mapping[str, float | str]
    stamp: Stamp
    tags: Mapping[str, str] = {}
