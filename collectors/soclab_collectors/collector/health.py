"""What a unit knows of itself, published as measurement ``collector`` while it runs."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from soclab_collectors.line_protocol import field_set, series
from soclab_collectors.logs import Outage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from soclab_collectors.clock import Clock
    from soclab_collectors.spool import SpoolWriter

_LOG = logging.getLogger(__name__)


class Health:
    """Counters of one unit; logs once when its device goes down and once when it is back."""

    def __init__(self, name: str) -> None:
        self._outage = Outage(_LOG)
        self._name = name
        self.up = False
        self.duration_s = 0.0
        self.readings_total = 0
        self.errors_total = 0
        self.missed_total = 0

    def went_up(self) -> None:
        """Note a reading; the first one after an outage is logged."""
        self.up = True
        self._outage.end(f"{self._name}: readings arrive again")

    def went_down(self, reason: str) -> None:
        """Note that the device cannot be reached; only the first time is logged."""
        self.errors_total += 1
        self.up = False
        if not self._outage.lasts:
            self._outage.begin(f"{self._name}: down: {reason}; trying again until it is back")

    def fields(self) -> dict[str, float | str]:
        """Return the fields of measurement ``collector`` that the unit itself knows."""
        return {
            "up": float(self.up),
            "duration_s": self.duration_s,
            "readings_total": self.readings_total,
            "errors_total": self.errors_total,
            "missed_total": self.missed_total,
            "cpu_s": time.process_time(),
        }


class HealthPublisher(threading.Thread):
    """Writes the counters into the spool at a fixed interval, also while the device is away.

    It lives on a thread of its own because reading a device may take long; that the unit as such
    is alive is systemd's watchdog to judge, which the reading loop feeds.
    """

    def __init__(
        self,
        health: Health,
        instrument_counters: Callable[[], Mapping[str, float]],
        spool: SpoolWriter,
        clock: Clock,
        tags: Mapping[str, str],
        interval_s: float,
    ) -> None:
        super().__init__(name="health", daemon=True)
        self._health = health
        self._instrument_counters = instrument_counters
        self._spool = spool
        self._clock = clock
        self._series = series("collector", tags)
        self._interval_s = interval_s
        self._stopped = threading.Event()

    def run(self) -> None:
        """Publish until stopped."""
        while not self._stopped.wait(self._interval_s):
            self.publish()

    def publish(self) -> None:
        """Write one row."""
        backlog_bytes, backlog_age_s = self._spool.backlog()
        fields = {
            **self._instrument_counters(),
            **self._health.fields(),
            "dropped_total": self._spool.dropped_lines,
            "spool_bytes": backlog_bytes,
            "spool_age_s": backlog_age_s,
            "clock_synced": float(self._clock.synced()),
        }
        self._spool.append(f"{self._series} {field_set(fields)}", self._clock.now())

    def stop(self) -> None:
        """Write a last row and end the thread."""
        self._stopped.set()
        self.join()
        self.publish()
