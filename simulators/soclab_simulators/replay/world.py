"""A recording as what a simulated lab measures; each device goes through it at its own pace."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from soclab_simulators.replay.recording import read_recording
from soclab_simulators.replay.source import PolledReplay, PublishedReplay
from soclab_simulators.replay.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soclab_simulators.wire.pty_port import PtyPort


class ReplayWorld:
    """One recording for all devices.

    Parameters
    ----------
    file
        The recording.
    timelines
        Folder with the file ``NAME.timeline`` of every device.
    """

    def __init__(self, file: Path, timelines: Path) -> None:
        self._recording = read_recording(file)
        self._timelines = timelines

    def source(self, name: str, kind: str, port: PtyPort | None) -> PolledReplay:
        """Return the recording as one device shows it; a charge controller publishes it."""
        timeline = Timeline(self._timelines / f"{name}.timeline")
        if kind == "thingset" and port is not None:
            return PublishedReplay(self._recording, timeline, port)
        return PolledReplay(self._recording, timeline)

    def follow_load(self, commanded_a: Callable[[], float | None]) -> None:
        """Ignore it: what was recorded has happened."""

    async def run(self) -> None:
        """Wait for ever: the collectors set the pace."""
        await asyncio.Event().wait()
