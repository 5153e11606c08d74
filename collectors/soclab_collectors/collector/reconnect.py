"""How long to wait before a device that is gone is looked for again."""

from __future__ import annotations

from typing import Final

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 10.0  # a replugged cable should not cost more readings than this


class Backoff:
    """Doubles the wait with every failure; no jitter, since one unit has its device to itself."""

    def __init__(self) -> None:
        self._next_s = FIRST_WAIT_S

    def wait_s(self) -> float:
        """Return how long to wait this time."""
        wait_s = self._next_s
        self._next_s = min(2 * wait_s, LONGEST_WAIT_S)
        return wait_s

    def reset(self) -> None:
        """Start again from the shortest wait."""
        self._next_s = FIRST_WAIT_S
