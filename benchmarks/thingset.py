"""How many publication lines a second the charge controller's reader takes, and a replay plays.

Run: .venv/bin/python -m benchmarks.thingset
"""

from __future__ import annotations

import asyncio
import math
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from soclab_collectors.clock.replay import ReplayClock
from soclab_collectors.clock.system import SystemClock
from soclab_collectors.instruments.thingset.config import ThingSetConfig
from soclab_collectors.instruments.thingset.instrument import ThingSetInstrument
from soclab_simulators.replay import PublishedReplay, Recording, create_timeline
from soclab_simulators.thingset import ThingSetSimulator
from soclab_simulators.thingset.device import ThingSetDevice
from soclab_simulators.wire.pty_port import PtyPort

from benchmarks.figure import figure

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES: Final = 20_000
CHUNK_LINES: Final = 8  # as they arrive from a pty


class Memory:
    """A serial line that has everything at once."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def open(self) -> None:
        """Do nothing."""

    def write(self, data: bytes) -> None:
        """Do nothing."""

    def read(self, _most: int, _timeout_s: float) -> bytes:
        """Return the next chunk."""
        return next(self._chunks, b"")

    def close(self) -> None:
        """Do nothing."""


def recording(rows: int) -> Recording:
    """Return rows that differ."""
    number = np.arange(rows)
    absent = np.full(rows, np.nan)
    return Recording(
        name="benchmark",
        times_ns=(1_600_000_000 + number) * 1_000_000_000,
        battery_v=(10_000 + number % 4999) / 1000,
        battery_a=(number % 10_007 - 5000) / 1000,
        temperature_c=np.full(rows, 25.0),
        stage=np.ones(rows, dtype=np.int64),
        solar_w=absent,
        load_w=absent,
        soc=absent,
    )


def read_from_memory(generation: str) -> float:
    """Return lines a second from bytes to readings, by processor time."""
    device = ThingSetDevice(generation, crc=generation == "D")
    lines = [device.publication(s) for s in recording(LINES).snapshots(0, LINES)]
    chunks = [b"".join(lines[i : i + CHUNK_LINES]) for i in range(0, LINES, CHUNK_LINES)]
    config = ThingSetConfig(name="mppt", battery="b", path="/dev/null")
    instrument = ThingSetInstrument(config, SystemClock("trusted"), Memory(iter(chunks)))
    instrument.open()
    started = time.process_time()
    readings = sum(len(instrument.read()) for _ in chunks)
    assert readings >= LINES, "every line gives at least one reading"
    return LINES / (time.process_time() - started)


def replay() -> tuple[float, float, float]:
    """Return rows a second of a replay over a pty, and what each side could do alone.

    Both sides are threads of this process here, so they share one core.
    """
    with tempfile.TemporaryDirectory() as folder:
        port = PtyPort(Path(folder) / "serial" / "by-id" / "mppt")
        port.plug()
        played = recording(LINES)
        path = Path(folder) / "mppt.timeline"
        timeline = create_timeline(path, played.times_ns, math.inf)
        simulator = ThingSetSimulator(PublishedReplay(played, timeline, port), port, decimals=3)
        reader_s: list[float] = []

        def read() -> None:
            config = ThingSetConfig(name="mppt", battery="b", path=str(port.path))
            instrument = config.create(ReplayClock(path))
            instrument.open()
            while not timeline.finished:
                instrument.read()
            reader_s.append(time.thread_time())
            instrument.close()

        async def play() -> float:
            reader = threading.Thread(target=read)
            started, cpu_s = time.monotonic(), time.thread_time()
            player = asyncio.create_task(simulator.run())
            reader.start()
            while not timeline.finished:
                await asyncio.sleep(0.01)
            took_s = time.monotonic() - started
            player_s.append(time.thread_time() - cpu_s)
            player.cancel()
            reader.join()
            return took_s

        player_s: list[float] = []
        took_s = asyncio.run(play())
        port.unplug()
    return LINES / took_s, LINES / reader_s[0], LINES / player_s[0]


def main() -> None:
    """Print the figures."""
    for generation in "ABCD":
        rate = read_from_memory(generation)
        figure(f"ThingSet generation {generation}: lines read", rate, "lines/s", at_least=10_000)
    together, reader, player = replay()
    figure("replay over a pty, both sides on one core", together, "rows/s")
    figure("replay: reader alone, by processor time", reader, "rows/s", at_least=8_000)
    figure("replay: player alone, by processor time", player, "rows/s", at_least=8_000)


if __name__ == "__main__":
    main()
