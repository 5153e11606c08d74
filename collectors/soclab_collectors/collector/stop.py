"""SIGTERM and SIGINT end a unit between two readings, never inside one."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class StopUnit(Exception):  # noqa: N818  not an error
    """The unit was asked to stop."""


class Stopper:
    """Interrupts waiting at once; everything else is finished first."""

    def __init__(self) -> None:
        self._requested = False
        self._waiting = False
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._requested = True
        if self._waiting:
            raise StopUnit

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Mark a stretch in which the unit only waits; raises StopUnit if it was asked to stop."""
        self._waiting = True
        try:
            if self._requested:
                raise StopUnit
            yield
        finally:
            self._waiting = False
