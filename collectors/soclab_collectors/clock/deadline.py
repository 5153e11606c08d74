"""Polling on deadlines: reading n is due at start + n·interval, however long reading takes."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

# A deadline that passed less than this part of an interval ago is still met: without it a loop
# that takes exactly one interval would skip every other reading.
SLACK: Final = 0.1


class DeadlineTicker:
    """Waits for the next deadline; deadlines that passed meanwhile are skipped, not caught up.

    Parameters
    ----------
    interval_s
        Seconds from one deadline to the next.
    monotonic, sleep
        The clock it lives by, to be replaced in tests.
    """

    def __init__(
        self,
        interval_s: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._interval_s = interval_s
        self._monotonic = monotonic
        self._sleep = sleep
        self._start = monotonic()
        self._next = 0

    def wait(self) -> int:
        """Wait for the next deadline and return the number of deadlines missed before it."""
        elapsed = (self._monotonic() - self._start) / self._interval_s
        due = max(self._next, math.ceil(elapsed - SLACK))
        missed = due - self._next
        self._next = due + 1
        remaining_s = (due - elapsed) * self._interval_s
        if remaining_s > 0:
            self._sleep(remaining_s)
        return missed
