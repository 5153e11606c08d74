"""A recording arrives through the wire exactly once, with its values and its times."""

import asyncio
import math
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from soclab_simulators.replay import PublishedReplay, Recording, create_timeline
from soclab_simulators.thingset import ThingSetSimulator
from soclab_simulators.wire.pty_port import PtyPort

READER = Path(__file__).with_name("replay_reader.py")


def recording(rows):
    """Return rows whose values tell them apart, at irregular times."""
    randomly = np.random.default_rng(7)
    number = np.arange(rows)
    absent = np.full(rows, np.nan)
    return Recording(
        name="made up",
        times_ns=1_600_000_000_000_000_000
        + np.cumsum(randomly.integers(1, 20, rows)) * 1_000_000_000,
        battery_v=(10_000 + number % 4999) / 1000,
        battery_a=(number % 10_007 - 5000) / 1000,
        temperature_c=(number % 300) / 10,
        stage=number % 4,
        solar_w=absent,
        load_w=absent,
        soc=absent,
    )


def expected_lines(played):
    columns = (played.times_ns, played.battery_v, played.battery_a, played.temperature_c)
    return [
        f"{t} {v!r} {i!r} {c!r}"
        for t, v, i, c in zip(*(column.tolist() for column in columns), strict=True)
    ]


class Playback:
    """The player in this process and the collector in another."""

    def __init__(self, folder, rows, speed=math.inf, generation="A"):
        self.recording = recording(rows)
        self.port = PtyPort(folder / "serial" / "by-id" / "usb-Libre_Solar")
        self.port.plug()
        self.timeline_path = folder / "mppt.timeline"
        self.timeline = create_timeline(self.timeline_path, self.recording.times_ns, speed)
        self.output = folder / "read.txt"
        source = PublishedReplay(self.recording, self.timeline, self.port)
        self.simulator = ThingSetSimulator(
            source, self.port, generation=generation, decimals=3, extra=("Bat_degC",)
        )
        self.reader = None

    def start_reader(self):
        arguments = [sys.executable, READER, self.port.path, self.timeline_path, self.output]
        self.reader = subprocess.Popen([str(a) for a in arguments])

    def stop_reader(self):
        self.reader.send_signal(signal.SIGKILL)
        self.reader.wait()

    def lines(self):
        return self.output.read_text().splitlines() if self.output.exists() else []

    def play(self, meanwhile):
        async def main():
            player = asyncio.create_task(self.simulator.run())
            await meanwhile()
            player.cancel()
            await asyncio.gather(player, return_exceptions=True)

        try:
            asyncio.run(main())
        finally:
            if self.reader is not None:
                self.stop_reader()
            self.port.unplug()

    async def until(self, condition, patience_s=60):
        deadline = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < deadline, f"{self.timeline.cursor} rows, then nothing"
            await asyncio.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("generation", "rows"), [("A", 50_000), ("D", 5_000)])
def test_every_row_arrives_once_with_its_value_and_time(tmp_path, generation, rows, capsys):
    playback = Playback(tmp_path, rows, generation=generation)

    async def meanwhile():
        playback.start_reader()
        await playback.until(lambda: playback.timeline.cursor > 0)
        started, cpu = time.monotonic(), time.process_time()
        await playback.until(lambda: playback.timeline.finished)
        took_s = time.monotonic() - started
        with capsys.disabled():
            print(
                f"\n{generation}: {playback.timeline.rows / took_s:,.0f} rows/s through the pty,"
                f" player at {100 * (time.process_time() - cpu) / took_s:.0f} % of a core"
            )
        await playback.until(lambda: len(playback.lines()) >= playback.timeline.rows)

    playback.play(meanwhile)
    assert playback.lines() == expected_lines(playback.recording)


def test_speed_paces_the_rows(tmp_path):
    playback = Playback(tmp_path, 100)
    recorded_s = float(np.ptp(playback.recording.times_ns)) / 1e9
    playback.timeline.speed = recorded_s / 2.0

    async def meanwhile():
        playback.start_reader()
        await playback.until(lambda: playback.timeline.cursor > 0)
        started = time.monotonic()
        await playback.until(lambda: playback.timeline.finished)
        assert 1.8 < time.monotonic() - started < 4.0
        await playback.until(lambda: len(playback.lines()) >= playback.timeline.rows)

    playback.play(meanwhile)
    assert playback.lines() == expected_lines(playback.recording)


@pytest.mark.slow
def test_a_collector_killed_at_any_moment_goes_on_where_it_was(tmp_path, capsys):
    """Rows in its memory die with it; every row that was read has its own time and values."""
    playback = Playback(tmp_path, 20_000)
    randomly, kills = random.Random(5), 10

    async def meanwhile():
        for _ in range(kills):
            before = playback.timeline.cursor
            playback.start_reader()
            await playback.until(lambda start=before: playback.timeline.cursor > start)
            await asyncio.sleep(randomly.uniform(0, 0.05))
            playback.stop_reader()
        playback.start_reader()
        await playback.until(lambda: playback.timeline.finished)
        last = expected_lines(playback.recording)[-1]
        await playback.until(lambda: last in playback.lines()[-1:])

    playback.play(meanwhile)
    read, expected = playback.lines(), expected_lines(playback.recording)
    assert len(set(read)) == len(read), "a row was read twice"
    assert set(read) <= set(expected), "a row has the time or the value of another"
    lost = len(expected) - len(read)
    with capsys.disabled():
        print(f"\n{kills} kills: {len(read)} rows read, {lost} in memory lost, none wrong")
    assert lost <= kills * 8
