"""Time as collectors see it: an injected clock, so that no module asks the system by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from soclab_collectors.reading import Stamp


class Clock(Protocol):
    """Stamps readings and paces polling."""

    def stamp(self) -> Stamp:
        """Return the moment of a reading that has just arrived. Call once per arrival."""

    def now(self) -> Stamp:
        """Return the present moment; unlike ``stamp`` it never advances a replayed recording."""

    def synced(self) -> bool:
        """Tell whether dates can be trusted."""

    def pause(self, seconds: float) -> None:
        """Wait; a replay at N-fold speed waits an N-th of it."""

    def ticker(self, interval_s: float) -> Ticker:
        """Return the ticker that paces a polled instrument."""


class Ticker(Protocol):
    """Paces polling on deadlines, so that sampling does not drift."""

    def wait(self) -> int:
        """Wait for the next deadline; return how many were missed because the last was late."""
