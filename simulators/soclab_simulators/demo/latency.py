"""From a reading's timestamp to the moment at which the server had confirmed it."""

from __future__ import annotations

import statistics
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from soclab_simulators.demo.archive import Segment

_RECENT: Final = 2_000  # readings: some minutes of the demo


class Latencies:
    """Latencies of every reading, all of them and the recent ones.

    Parameters
    ----------
    since_s
        Readings that an earlier demo left in the spool are older and tell nothing.
    replayed
        Whether timestamps are those of a recording: then the time from the closing of a
        reading's segment is what can be told.
    """

    def __init__(self, since_s: float, *, replayed: bool) -> None:
        self._since_s = since_s
        self._replayed = replayed
        self._all: list[float] = []
        self._recent: deque[float] = deque(maxlen=_RECENT)

    @property
    def readings(self) -> int:
        """How many readings were confirmed."""
        return len(self._all)

    def add(self, segment: Segment) -> None:
        """Note every reading of a confirmed segment."""
        for _, _, time_ns in segment.lines():
            taken_s = segment.closed_s if self._replayed else time_ns / 1e9
            if taken_s < self._since_s:
                continue
            latency_s = segment.confirmed_s - taken_s
            self._all.append(latency_s)
            self._recent.append(latency_s)

    def overall(self) -> dict[str, float | None]:
        """Return median and 99th percentile of the whole run."""
        return percentiles(self._all)

    def recent(self) -> dict[str, float | None]:
        """Return median and 99th percentile of the last minutes."""
        return percentiles(list(self._recent))


def percentiles(values: list[float]) -> dict[str, float | None]:
    """Return ``p50`` and ``p99``; None without values."""
    if len(values) < 2:
        return dict.fromkeys(("p50", "p99"), values[0] if values else None)
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49], 3), "p99": round(cuts[98], 3)}
