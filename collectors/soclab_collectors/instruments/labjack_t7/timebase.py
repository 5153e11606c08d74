"""When a scan was taken: the T7's own clock counts scans, ours says when they arrive."""

from __future__ import annotations

from typing import Final

from soclab_collectors.reading import Stamp

# Two crystals drift by some 20 µs per second. Within this window that is less than the network
# jitters, and the luckiest packet of a window has waited hardly at all.
_WINDOW_S: Final = 20.0


class TimeBase:
    """Places scan n at origin + n / rate, where origin follows the earliest arrivals.

    A packet can arrive late but never early, so the smallest difference between arrival and scan
    count is closest to the truth. Scans keep their exact distance; a burst uses one origin.
    """

    def __init__(self, scan_rate_hz: float) -> None:
        self._ns_per_scan = 1e9 / scan_rate_hz
        self._scans_per_window = _WINDOW_S * scan_rate_hz
        self._boot_id: str | None = None
        self._window_end = 0.0
        self._earliest: int | None = None
        self._earliest_before: int | None = None

    def arrived(self, scans: int, stamp: Stamp) -> None:
        """Note that scans up to this count had arrived at this moment."""
        origin = stamp.time_ns - round(scans * self._ns_per_scan)
        if self._earliest is None or stamp.boot_id != self._boot_id:
            self._boot_id = stamp.boot_id
            self._earliest, self._earliest_before = origin, None
            self._window_end = scans + self._scans_per_window
        elif scans >= self._window_end:
            self._earliest_before, self._earliest = self._earliest, origin
            self._window_end = scans + self._scans_per_window
        else:
            self._earliest = min(self._earliest, origin)

    @property
    def origin_ns(self) -> int:
        """Return the moment of scan 0 as it is known now."""
        if self._earliest is None:
            raise RuntimeError("nothing has arrived yet")
        if self._earliest_before is None:
            return self._earliest
        return min(self._earliest, self._earliest_before)

    def stamp(self, scan: float, origin_ns: int | None = None) -> Stamp:
        """Return the moment of a scan."""
        origin = self.origin_ns if origin_ns is None else origin_ns
        return Stamp(origin + round(scan * self._ns_per_scan), self._boot_id)
