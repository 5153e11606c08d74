"""Says what happens: in the journal, and through the spool in the data.

Rows carry the time since boot, which the uploader turns into dates once the clock is right: without
a network it often is not, and asking the kernel whether it is would take a system call that the
unit can do without.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from soclab_collectors.clock.system import boot_id
from soclab_collectors.line_protocol import field_set, series
from soclab_collectors.reading import Stamp
from soclab_collectors.unit_name import of_this_host

if TYPE_CHECKING:
    from soclab_collectors.spool import SpoolWriter
    from soclab_collectors.wlan.observe import Seen

_LOG = logging.getLogger(__name__)

NAME: Final = "wlan"  # its folder in the spool, and the kind of its events


class Reporter:
    """Counts and tells.

    Parameters
    ----------
    site
        Tag of all rows.
    spool
        Where rows go.
    """

    def __init__(self, site: str, spool: SpoolWriter) -> None:
        tags = {"site": site, "instrument": of_this_host(NAME)}
        self._events = series("event", {**tags, "kind": NAME})
        self._rows = series("collector", tags)
        self._spool = spool
        self._boot_id = boot_id()
        self._errors_total = 0
        self._repairs_total = 0

    def event(self, level: int, text: str, *, repair: bool = False) -> None:
        """Write one line into the journal and one into the data."""
        _LOG.log(level, "%s", text)
        self._repairs_total += repair
        self._append(f"{self._events} {field_set({'text': text})}")

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
            "cpu_s": time.process_time(),
        }
        self._append(f"{self._rows} {field_set(fields)}")

    def _append(self, line: str) -> None:
        since_boot_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        self._spool.append(line, Stamp(since_boot_ns, self._boot_id))
