"""The true state of charge over time: what the virtual plant knows, or a recording's reference."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from soclab_simulators.replay.recording import Reference


class Truth(Protocol):
    """Where the true state of charge comes from."""

    def at(self, time_s: float) -> float | None:
        """Return the true state of charge in percent at a Unix time; None where unknown."""


class PlantTruth:
    """Follows the log that the virtual plant writes: lines of Unix time and state of charge."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset = 0
        self._times: list[float] = []
        self._soc: list[float] = []

    def at(self, time_s: float) -> float | None:
        """Return the value interpolated between the two entries around this time."""
        self._follow()
        return interpolate(self._times, self._soc, time_s)

    def _follow(self) -> None:
        try:
            with self._log.open("rb") as log:
                log.seek(self._offset)
                whole, newline, _ = log.read().rpartition(b"\n")
        except FileNotFoundError:  # the plant has not started
            return
        self._offset += len(whole) + len(newline)
        for line in whole.splitlines():
            time_s, soc = line.split(b",")
            self._times.append(float(time_s))
            self._soc.append(100.0 * float(soc))


class RecordedTruth:
    """The reference of a recording, where there is one."""

    def __init__(self, reference: Reference | None) -> None:
        self._times = [] if reference is None else (reference.times_ns / 1e9).tolist()
        self._soc = [] if reference is None else (100.0 * reference.soc).tolist()

    def at(self, time_s: float) -> float | None:
        """Return the value within the time that the reference covers."""
        if not self._times or not self._times[0] <= time_s <= self._times[-1]:
            return None
        return interpolate(self._times, self._soc, time_s)


def interpolate(times: list[float], values: list[float], time: float) -> float | None:
    """Return the value at ``time``, the nearest one outside; None if there is none at all."""
    if not times:
        return None
    after = bisect.bisect_left(times, time)
    if after == 0:
        return values[0]
    if after == len(times):
        return values[-1]
    share = (time - times[after - 1]) / (times[after] - times[after - 1])
    return values[after - 1] + share * (values[after] - values[after - 1])
