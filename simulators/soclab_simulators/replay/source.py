"""Recordings as sources for simulated devices: one for devices that are polled, one for others."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from soclab_simulators.replay.recording import Recording
    from soclab_simulators.replay.timeline import Timeline
    from soclab_simulators.source import Snapshot
    from soclab_simulators.wire.pty_port import PtyPort

_LOG = logging.getLogger(__name__)

# All rows on the way must fit into what a reader discards when it opens the port: a line of the
# longest generation is below 500 bytes, a tty holds 4095. A device that publishes less fits more.
ROWS_ON_THE_WAY: Final = 8
ROWS_AHEAD: Final = 512  # taken from the columns at once
# A batch that takes longer may have met a collector that was replaced meanwhile.
LONGEST_BATCH_S: Final = 0.05
STALLED_AFTER_S: Final = 5.0
IDLE_S: Final = 0.05


class PolledReplay:
    """Shows the row that the collector took at its last tick."""

    lossless = True

    def __init__(self, recording: Recording, timeline: Timeline) -> None:
        self._recording = recording
        self._timeline = timeline

    def snapshot(self) -> Snapshot:
        """Return the row taken last, the first one before that."""
        return self._recording.snapshot(max(self._timeline.cursor - 1, 0))

    async def publication(self) -> Snapshot:
        """Never return: a polled device does not publish."""
        never: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()
        return await never


class PublishedReplay(PolledReplay):
    """Publishes row by row, so that each arrives once and is stamped with its own time.

    The collector takes a row whenever a publication arrives, so the next publication that it
    reads must be the row at the cursor. Hence nothing more is sent until all that was sent has
    been taken; and when a collector opens the port, which discards what was on its way, the
    recording goes on from the cursor.

    Parameters
    ----------
    recording, timeline
        What to play, and how far the collector has come.
    port
        The line it is played on.
    rows_on_the_way
        How many rows may be sent before the first of them is taken.
    """

    def __init__(
        self,
        recording: Recording,
        timeline: Timeline,
        port: PtyPort,
        rows_on_the_way: int = ROWS_ON_THE_WAY,
    ) -> None:
        super().__init__(recording, timeline)
        self._port = port
        self._rows_on_the_way = rows_on_the_way
        self._opening = -1
        self._sent = timeline.cursor
        self._batch_end = self._sent
        self._batch_until = 0.0
        self._ahead: list[Snapshot] = []
        self._ahead_from = 0
        self._paced_from: tuple[float, int] | None = None

    async def publication(self) -> Snapshot:
        """Wait until a row may and shall be sent, and return it; after the last, never return."""
        while True:
            await self._wait_for_listener()
            if self._sent < self._timeline.rows and self._may_send():
                wait_s = self._due_in_s(self._sent)
                if wait_s <= 0:
                    self._sent += 1
                    return self._row(self._sent - 1)
                await asyncio.sleep(min(wait_s, IDLE_S))
            else:
                await self._wait_until_taken()

    def _row(self, row: int) -> Snapshot:
        if not 0 <= row - self._ahead_from < len(self._ahead):
            self._ahead_from = row
            self._ahead = self._recording.snapshots(row, row + ROWS_AHEAD)
        return self._ahead[row - self._ahead_from]

    async def _wait_for_listener(self) -> None:
        while not self._port.listening:
            await asyncio.sleep(IDLE_S)
        if self._port.openings != self._opening:
            self._opening = self._port.openings
            self._sent = self._batch_end = self._timeline.cursor

    def _may_send(self) -> bool:
        now = time.monotonic()
        if self._sent == self._timeline.cursor:
            self._batch_end = self._sent + self._rows_on_the_way
            self._batch_until = now + LONGEST_BATCH_S
        return self._sent < self._batch_end and now < self._batch_until

    def _due_in_s(self, row: int) -> float:
        if not math.isfinite(self._timeline.speed):
            return 0.0
        times_ns = self._recording.times_ns
        if self._paced_from is None:
            self._paced_from = time.monotonic(), int(times_ns[row])
        started, from_ns = self._paced_from
        recorded_s = (int(times_ns[row]) - from_ns) / 1e9
        return started + recorded_s / self._timeline.speed - time.monotonic()

    async def _wait_until_taken(self) -> None:
        """Wait until the collector has taken all that was sent, or was replaced."""
        started, warned = time.monotonic(), False
        opening = self._port.openings
        while self._port.openings == opening and self._port.listening:
            waited_s = time.monotonic() - started
            if self._timeline.cursor == self._sent < self._timeline.rows:
                return
            if waited_s < IDLE_S:
                # A timer of the loop takes a millisecond at least; a tenth of it halves the time
                # that both sides wait for each other, and starves nobody.
                time.sleep(0.0001)
                await asyncio.sleep(0)
                continue
            if waited_s > STALLED_AFTER_S and not warned and self._timeline.cursor != self._sent:
                warned = True
                _LOG.warning(
                    "%s: the collector has taken %d of %d rows sent and no more for %.0f s",
                    self._recording.name,
                    self._timeline.cursor,
                    self._sent,
                    waited_s,
                )
            await asyncio.sleep(IDLE_S)
