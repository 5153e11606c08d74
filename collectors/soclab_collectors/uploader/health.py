"""The uploader's own row of measurement ``collector``, uploaded like any other line."""

from __future__ import annotations

import logging
import resource
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soclab_collectors.line_protocol import field_set, series
from soclab_collectors.spool.folder import measure_backlog
from soclab_collectors.spool.segment import spool_folders
from soclab_collectors.unit_name import of_this_host
from soclab_collectors.uploader.host import host_fields

if TYPE_CHECKING:
    from soclab_collectors.clock import Clock
    from soclab_collectors.spool import SpoolWriter
    from soclab_collectors.spool.boots import BootDates
    from soclab_collectors.uploader.loop import Uploader
    from soclab_collectors.uploader.quarantine import Quarantine

_LOG = logging.getLogger(__name__)

NAME: Final = "uploader"  # its folder in the spool
UNDATED_LOG_INTERVAL_S: Final = 3600.0
_STATM: Final = Path("/proc/self/statm")


class HealthPublisher(threading.Thread):
    """Writes a row at a fixed interval, also while the server is away."""

    def __init__(
        self,
        directory: Path,
        site: str,
        uploader: Uploader,
        spool: SpoolWriter,
        clock: Clock,
        boots: BootDates,
        quarantine: Quarantine,
        interval_s: float,
    ) -> None:
        super().__init__(name="health", daemon=True)
        self._directory = directory
        self._series = series("collector", {"site": site, "instrument": of_this_host(NAME)})
        self._uploader = uploader
        self._spool = spool
        self._clock = clock
        self._boots = boots
        self._quarantine = quarantine
        self._interval_s = interval_s
        self._stopped = threading.Event()
        self._next_undated_log = 0.0

    def run(self) -> None:
        """Publish until stopped."""
        while not self._stopped.wait(self._interval_s):
            self.publish()

    def publish(self) -> None:
        """Write one row."""
        try:
            fields = self._fields()
        except OSError as error:  # the upload loop logs it with its remedy
            _LOG.debug("no row on the uploader: %s", error)
            return
        self._spool.append(f"{self._series} {field_set(fields)}", self._clock.now())

    def stop(self) -> None:
        """Write a last row and end the thread."""
        self._stopped.set()
        self.join()
        self.publish()

    def _fields(self) -> dict[str, float]:
        dated = self._boots.known()
        backlogs = [measure_backlog(f, dated) for f in spool_folders(self._directory)]
        undated_bytes = sum(b.undated_bytes for b in backlogs)
        if undated_bytes and time.monotonic() >= self._next_undated_log:
            self._next_undated_log = time.monotonic() + UNDATED_LOG_INTERVAL_S
            boots = sorted(frozenset().union(*(b.undated_boots for b in backlogs)))
            _LOG.error(
                "%d bytes wait for a date: the clock was never right in boot %s."
                " Run: soclab-uploader date BOOT_ID --started TIME",
                undated_bytes,
                ", ".join(boots),
            )
        usage = resource.getrusage(resource.RUSAGE_SELF)
        resident_pages = int(_STATM.read_text(encoding="ascii").split()[1])
        return {
            "up": float(self._uploader.up),
            "spool_bytes": float(sum(b.bytes for b in backlogs)),
            "spool_age_s": max((b.age_s for b in backlogs), default=0.0),
            "undated_bytes": float(undated_bytes),
            "uploaded_total": float(self._uploader.uploaded_total),
            "uploads_failed_total": float(self._uploader.failed_total),
            "quarantined_total": float(self._quarantine.lines_total),
            "quarantine_bytes": float(self._quarantine.size()),
            "dropped_total": float(self._spool.dropped_lines + self._quarantine.lost_total),
            "clock_synced": float(self._clock.synced()),
            "memory_bytes": float(resident_pages * resource.getpagesize()),
            "cpu_s": usage.ru_utime + usage.ru_stime,
            **host_fields(self._directory),
        }
