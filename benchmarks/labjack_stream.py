"""What a LabJack T7's stream costs: a unit that samples two channels fast, at three rates.

The unit is the program that a Pi runs, from an environment that holds nothing but the collectors;
the T7 is simulated in another process. Every sample is checked to have arrived: the unit counts
skipped scans, and every interval has its reading.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import multiprocessing
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from soclab_simulators.labjack_t7 import LabJackT7Simulator, Wiring
from soclab_simulators.source import Snapshot

from benchmarks.figure import figure
from benchmarks.lean_environment import make_lean_environment
from benchmarks.process import cpu_s, pss_mb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

SCAN_RATES_HZ = (1_000, 10_000, 50_000)  # of two channels each; the last is the T7's limit
WARM_UP_S = 3.0
SECONDS = 10.0
INTERVAL_S = 0.1

COLLECTORS_TOML = """\
site = "bench"
monitor_s = 1
[uploader]
url = "http://127.0.0.1:9"
[clock]
source = "trusted"
[spool]
directory = "{folder}/spool"
[[instruments]]
kind = "labjack_t7"
name = "labjack"
battery = "b"
mode = "stream"
interval_s = {interval_s}
transport = {{ kind = "modbus", host = "127.0.0.1", port = {port}, stream_port = {stream_port} }}
[instruments.stream]
scan_rate_hz = {scan_rate_hz}
trigger = {{ quantity = "current", above = 40.0, pre_s = 0.1, post_s = 0.2 }}
[[instruments.channels]]
ain = 1
quantity = "current"
[instruments.channels.transfer]
sensor = "lem"
burden_ohm = 100.0
max_a = 50.0
calibration_date = 2026-01-15
[[instruments.channels]]
ain = 2
quantity = "voltage"
[instruments.channels.transfer]
sensor = "divider"
high_ohm = 10e3
low_ohm = 10e3
max_v = 16.0
calibration_date = 2026-01-15
"""


class Waves:
    """Current on both sides of zero, which is the dearer case."""

    lossless = False

    def snapshot(self) -> Snapshot:
        """Return this moment."""
        now = time.monotonic()
        return Snapshot(now, 12.8 + 0.4 * math.sin(now), 5.0 * math.sin(7 * now))

    async def publication(self) -> Snapshot:
        """Never: a T7 is asked, or streams."""
        raise NotImplementedError


def main() -> None:
    """Run the unit at every rate and print what it costs."""
    with tempfile.TemporaryDirectory() as name:
        python = make_lean_environment(Path(name) / "lean")
        for scan_rate_hz in SCAN_RATES_HZ:
            _measure(python, Path(name) / str(scan_rate_hz), scan_rate_hz)


def _measure(python: Path, folder: Path, scan_rate_hz: int) -> None:
    folder.mkdir()
    config = folder / "collectors.toml"
    with _simulator() as (port, stream_port):
        config.write_text(
            COLLECTORS_TOML.format(
                folder=folder,
                interval_s=INTERVAL_S,
                port=port,
                stream_port=stream_port,
                scan_rate_hz=scan_rate_hz,
            )
        )
        command = [str(python), "-m", "soclab_collectors.collector.main", "run", "labjack"]
        with subprocess.Popen([*command, "--config", str(config)]) as unit:
            time.sleep(WARM_UP_S)
            started, before = time.monotonic(), cpu_s(unit.pid)
            time.sleep(SECONDS)
            share_pct = (cpu_s(unit.pid) - before) / (time.monotonic() - started) * 100
            memory_mb = pss_mb(unit.pid)
            unit.send_signal(signal.SIGTERM)
    samples = f"{2 * scan_rate_hz:,} samples/s"
    _check(folder / "spool" / "labjack", samples)
    goal_pct = 20.0 if scan_rate_hz == SCAN_RATES_HZ[0] else None
    figure(f"LabJack stream, {samples}, of a core", share_pct, "%", at_most=goal_pct)
    figure(f"LabJack stream, {samples}, PSS of the unit", memory_mb, "MB", at_most=25.0)


def _check(spool: Path, samples: str) -> None:
    """Make sure that nothing was skipped and no interval is missing."""
    lines = [x for p in sorted(spool.glob("*.lp")) for x in p.read_text().splitlines()]
    own = [x for x in lines if x.startswith("collector,")]
    assert own
    assert all("stream_skipped_total=0.0" in x for x in own), "scans were skipped"
    stamps = sorted(int(x.rpartition(" ")[2]) for x in lines if x.startswith("battery,"))
    expected = round((stamps[-1] - stamps[0]) / 1e9 / INTERVAL_S) + 1
    assert len(stamps) == expected >= SECONDS / INTERVAL_S, f"{len(stamps)} of {expected} readings"
    print(f"{samples}: {len(stamps)} readings without a gap, no scan skipped")


@contextlib.contextmanager
def _simulator() -> Iterator[tuple[int, int]]:
    """Run a T7 in a process of its own; yield its ports."""
    near, far = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_simulate, args=(far,), daemon=True)
    process.start()
    try:
        yield near.recv()
    finally:
        process.terminate()
        process.join()


def _simulate(ports: Connection) -> None:
    async def run() -> None:
        t7 = LabJackT7Simulator(Waves(), wiring=Wiring(noise_v=0.002))
        await t7.start()
        ports.send((t7.port, t7.stream_port))
        await asyncio.Event().wait()

    asyncio.run(run())


if __name__ == "__main__":
    main()
