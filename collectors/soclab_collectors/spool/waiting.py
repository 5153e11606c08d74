"""Lines that wait in memory while the disk takes none."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

# What waits while the disk is full: hours of a 1 Hz instrument, little of a Pi's memory.
WAITING_BYTES: Final = 2 << 20


class Line(NamedTuple):
    """One line, newline included, and the boot that its timestamp counts from, if any."""

    data: bytes
    boot_id: str | None


class WaitingLines:
    """A bounded queue; the bound costs the oldest lines, or new ones if ``refuse_new``."""

    def __init__(self, *, refuse_new: bool) -> None:
        self._refuse_new = refuse_new
        self._lines: deque[Line] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, line: Line) -> int:
        """Let a line wait; return how many lines that costs."""
        if self._refuse_new and self._bytes + len(line.data) > WAITING_BYTES:
            return 1
        self._lines.append(line)
        self._bytes += len(line.data)
        dropped = 0
        while self._bytes > WAITING_BYTES:
            self._forget_oldest()
            dropped += 1
        return dropped

    def hand_over(self, write: Callable[[Line], None]) -> None:
        """Write lines, oldest first; one that raises OSError goes on waiting, with the rest."""
        while self._lines:
            write(self._lines[0])
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        self._bytes -= len(self._lines.popleft().data)
