"""Says what happens: in the journal, and through the spool in the data."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from soclab_collectors.line_protocol import field_set, series

if TYPE_CHECKING:
    from soclab_collectors.clock import Clock
    from soclab_collectors.spool import SpoolWriter
    from soclab_collectors.wlan.observe import Seen

_LOG = logging.getLogger(__name__)

NAME: Final = "wlan"  # its folder in the spool, its tag ``instrument`` and the kind of its events


class Reporter:
    """Counts and tells.

    Parameters
    ----------
    site
        Tag of all rows.
    spool, clock
        Where rows go and when they are from.
    """

    def __init__(self, site: str, spool: SpoolWriter, clock: Clock) -> None:
        tags = {"site": site, "instrument": NAME}
        self._events = series("event", {**tags, "kind": NAME})
        self._rows = series("collector", tags)
        self._spool = spool
        self._clock = clock
        self._errors_total = 0
        self._repairs_total = 0

    def event(self, level: int, text: str, *, repair: bool = False) -> None:
        """Write one line into the journal and one into the data."""
        _LOG.log(level, "%s", text)
        self._repairs_total += repair
        self._spool.append(f"{self._events} {field_set({'text': text})}", self._clock.now())

    def row(self, seen: Seen, *, up: bool) -> None:
        """Write one row of measurement ``collector``."""
        self._errors_total += not up
        backlog_bytes, backlog_age_s = self._spool.backlog()
        fields = {
            "up": float(up),
            "duration_s": seen.connect_s,
            "errors_total": float(self._errors_total),
            "repairs_total": float(self._repairs_total),
            "dropped_total": float(self._spool.dropped_lines),
            "spool_bytes": float(backlog_bytes),
            "spool_age_s": backlog_age_s,
            "clock_synced": float(self._clock.synced()),
            "cpu_s": time.process_time(),
        }
        self._spool.append(f"{self._rows} {field_set(fields)}", self._clock.now())
