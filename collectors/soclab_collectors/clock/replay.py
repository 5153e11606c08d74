"""A clock for recordings: it maps what arrives to the moments at which it was recorded.

The player and the collector share a *timeline* file, mapped into the memory of both::

    8 bytes   magic "SOCLABT1"
    int64     number of rows n
    int64     cursor: rows taken so far
    float64   speed-up; infinity plays as fast as the wire allows
    int64[n]  recorded time of every row, ns since the Unix epoch, strictly increasing

A polled instrument takes a row at every tick and the player answers with the values of the row
last taken. A publishing instrument takes a row whenever a publication arrives; the player never
sends more rows than it can send again if the collector dies, so a row keeps its own time.
"""

from __future__ import annotations

import math
import mmap
import time
from typing import TYPE_CHECKING, Final

from soclab_collectors.errors import ConfigError
from soclab_collectors.reading import Stamp

if TYPE_CHECKING:
    from pathlib import Path

MAGIC: Final = b"SOCLABT1"
_HEADER_WORDS: Final = 4  # magic, n, cursor, speed: eight bytes each
_IDLE_S: Final = 0.2


class Timeline:
    """The shared file: recorded times and the cursor that collector and player agree on."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("r+b") as file:
                memory = memoryview(mmap.mmap(file.fileno(), 0))
        except (OSError, ValueError) as error:
            raise ConfigError(
                "clock.timeline", f"cannot map {path}: {error}", "Start the player first."
            ) from error
        if bytes(memory[:8]) != MAGIC:
            raise ConfigError(
                "clock.timeline", f"{path} is no timeline", "Name the file that the player wrote."
            )
        self._integers = memory.cast("q")
        self._floats = memory.cast("d")

    @property
    def rows(self) -> int:
        """Number of rows in the recording."""
        return self._integers[1]

    @property
    def speed(self) -> float:
        """How many recorded seconds pass in one real second."""
        return self._floats[3]

    @property
    def cursor(self) -> int:
        """Number of rows taken so far."""
        return self._integers[2]

    def time_ns(self, row: int) -> int:
        """Return the recorded time of a row; rows outside the recording take the nearest."""
        return self._integers[_HEADER_WORDS + max(0, min(row, self.rows - 1))]

    def take(self) -> int:
        """Take the next row and return its index (the last one again once all are taken)."""
        row = self.cursor
        if row < self.rows:
            self._integers[2] = row + 1
        return row


class ReplayClock:
    """Stamps with recorded times; see the module for how rows and arrivals are matched."""

    def __init__(self, path: Path) -> None:
        self._timeline = Timeline(path)
        self._polled = False

    def synced(self) -> bool:
        """Return True: recorded times are as good as they were."""
        return True

    def stamp(self) -> Stamp:
        """Return the time of the row polled last, or take the next published row."""
        if self._polled:
            return self.now()
        return Stamp(self._timeline.time_ns(self._timeline.take()))

    def now(self) -> Stamp:
        """Return the time of the row taken last."""
        return Stamp(self._timeline.time_ns(self._timeline.cursor - 1))

    def pause(self, seconds: float) -> None:
        """Wait for the time that these recorded seconds take at this speed."""
        if math.isfinite(self._timeline.speed):
            time.sleep(seconds / self._timeline.speed)

    def ticker(self, interval_s: float) -> ReplayTicker:  # noqa: ARG002  the recording has its own
        """Return a ticker that steps through the recording row by row."""
        self._polled = True
        return ReplayTicker(self._timeline)


class ReplayTicker:
    """One tick per recorded row, paced by the speed-up; silent after the last row."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._first_row = timeline.cursor
        self._started = time.monotonic()

    def wait(self) -> int:
        """Wait for the next row; a recording never misses one."""
        while self._timeline.cursor >= self._timeline.rows:
            time.sleep(_IDLE_S)
        row = self._timeline.cursor
        recorded_ns = self._timeline.time_ns(row) - self._timeline.time_ns(self._first_row)
        due = self._started + recorded_ns / 1e9 / self._timeline.speed
        remaining_s = due - time.monotonic()
        if remaining_s > 0:
            time.sleep(remaining_s)
        self._timeline.take()
        return 0
