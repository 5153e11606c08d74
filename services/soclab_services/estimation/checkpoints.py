"""States of a stream from the last hours: where to begin again when late data arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from soclab_services.estimation.stream import Stream

EVERY_S: Final = 3600.0
KEPT: Final = 48


class Checkpoints:
    """States of one stream, each with the time (s) of its newest sample, in order."""

    def __init__(self, every_s: float = EVERY_S, kept: int = KEPT) -> None:
        self._every_s = every_s
        self._kept = kept
        self._states: list[tuple[float, bytes]] = []

    def note(self, stream: Stream) -> None:
        """Keep the state of a stream, unless the newest is not old enough."""
        newest_s = self._states[-1][0] if self._states else -float("inf")
        if stream.last_s >= newest_s + self._every_s:
            self._states.append((stream.last_s, stream.dump()))
            del self._states[: -self._kept]

    def before(self, time_s: float) -> tuple[float, bytes] | None:
        """Return the newest state that knows nothing of this time, and forget those that do.

        Its own time comes first: samples after it have to be fed again. None if no state is
        that old.
        """
        while self._states and self._states[-1][0] >= time_s:
            self._states.pop()
        return self._states[-1] if self._states else None
