"""What one collector unit costs at 1 Hz, and how evenly it samples, for each kind of instrument.

The units run at the same time, as on a Pi, each in a process of its own from an environment that
holds nothing but the collectors; the instruments are simulated in another process. Memory is the
proportional set size: pages shared by the units are counted in part; beside it is the resident set,
in which every unit counts them in full.
"""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figure import figure
from benchmarks.lean_environment import make_lean_environment
from benchmarks.process import cpu_s, pss_mb

if TYPE_CHECKING:
    from collections.abc import Iterator

WARM_UP_S = 5.0  # start-up is not what a unit costs
SECONDS = 30.0
INTERVAL_S = 1.0
INSTRUMENTS = {"labjack": "LabJack T7", "load": "EL 3000", "mppt": "ThingSet"}

SIMULATORS_TOML = """\
[plant]
directory = "{folder}/plant"
[[devices]]
kind = "labjack_t7"
name = "labjack"
port = {port}
stream_port = {stream_port}
[[devices]]
kind = "ea_el3000"
name = "load"
port = "{folder}/serial/by-id/usb-load"
[[devices]]
kind = "thingset"
name = "mppt"
port = "{folder}/serial/by-id/usb-mppt"
"""
COLLECTORS_TOML = """\
site = "bench"
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
transport = {{ kind = "modbus", host = "127.0.0.1", port = {port}, stream_port = {stream_port} }}
[[instruments.channels]]
ain = 0
quantity = "voltage"
[instruments.channels.transfer]
sensor = "divider"
high_ohm = 10e3
low_ohm = 10e3
max_v = 16.0
calibration_date = 2026-01-15
[[instruments.channels]]
ain = 2
quantity = "current"
differential = true
[instruments.channels.transfer]
sensor = "lem"
burden_ohm = 100.0
max_a = 50.0
calibration_date = 2026-01-15
[[instruments]]
kind = "ea_el3000"
name = "load"
battery = "b"
port = "{folder}/serial/by-id/usb-load"
[[instruments]]
kind = "thingset"
name = "mppt"
battery = "b"
port = "{folder}/serial/by-id/usb-mppt"
"""


def main() -> None:
    """Run all three units for a while and print what they cost."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as running:
        folder = Path(name)
        python = make_lean_environment(folder / "lean")
        values = {"folder": folder, "port": _free_port(), "stream_port": _free_port()}
        config = folder / "collectors.toml"
        config.write_text(COLLECTORS_TOML.format(**values))
        simulators = folder / "simulators.toml"
        simulators.write_text(SIMULATORS_TOML.format(**values))
        running.enter_context(_simulators(simulators))
        units = {
            instrument: running.enter_context(_unit(python, instrument, config))
            for instrument in INSTRUMENTS
        }
        time.sleep(WARM_UP_S)
        started, before = time.monotonic(), {i: cpu_s(units[i]) for i in units}
        time.sleep(SECONDS)
        elapsed_s = time.monotonic() - started
        for instrument, kind in INSTRUMENTS.items():
            pid = units[instrument]
            share_pct = (cpu_s(pid) - before[instrument]) / elapsed_s * 100
            figure(f"collector unit, {kind}, PSS", pss_mb(pid), "MB", at_most=25.0)
            figure(f"collector unit, {kind}, resident", _resident_mb(pid), "MB")
            figure(f"collector unit, {kind}, of a core at 1 Hz", share_pct, "%", at_most=1.0)
        running.close()  # so that the last lines are in the spool
        for instrument, kind in INSTRUMENTS.items():
            _print_jitter(kind, _times_s(folder / "spool" / instrument))


@contextlib.contextmanager
def _simulators(config: Path) -> Iterator[None]:
    """Run the simulated instruments until the end of the context."""
    command = [str(Path(sys.executable).parent / "soclab-simulators"), "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            ready = process.stdout.readline()
            assert ready.startswith("READY"), ready
            yield
        finally:
            process.send_signal(signal.SIGTERM)


@contextlib.contextmanager
def _unit(python: Path, instrument: str, config: Path) -> Iterator[int]:
    """Run a unit until the end of the context; yield its process number."""
    command = [str(python), "-m", "soclab_collectors.collector.main", "run", instrument]
    with subprocess.Popen([*command, "--config", str(config)]) as process:
        try:
            yield process.pid
        finally:
            assert process.poll() is None, f"the unit of {instrument} has ended by itself"
            process.send_signal(signal.SIGTERM)


def _resident_mb(pid: int) -> float:
    """Return the resident memory, every shared page counted in full."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024 / 1e6


def _times_s(spool: Path) -> list[float]:
    """Return when readings were taken, every moment once."""
    stamps = {
        int(line.rpartition(" ")[2])
        for segment in spool.glob("*.lp")
        for line in segment.read_text().splitlines()
        if not line.startswith("collector")
    }
    return [stamp / 1e9 for stamp in sorted(stamps)]


def _print_jitter(kind: str, times_s: list[float]) -> None:
    """Print how far readings are from an even grid; the grid's origin is fitted, not its rate."""
    expected = int(SECONDS / INTERVAL_S)
    assert len(times_s) >= expected, f"{kind}: only {len(times_s)} readings"
    times_s = times_s[-expected:]
    offsets = [t - times_s[0] - k * INTERVAL_S for k, t in enumerate(times_s)]
    middle = statistics.median(offsets)
    deviations_ms = sorted(abs(offset - middle) * 1e3 for offset in offsets)
    p50, p99 = (deviations_ms[round(q * (len(deviations_ms) - 1))] for q in (0.5, 0.99))
    figure(f"collector unit, {kind}, jitter p50", p50, "ms")
    figure(f"collector unit, {kind}, jitter p99", p99, "ms")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
