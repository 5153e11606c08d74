"""soclab beside Telegraf: the same lines of a charge controller into the same InfluxDB.

Both read from a pty and write what they stamped themselves; a reading is one publication line,
19 values. soclab is its collector and its uploader, every line fsynced in between within a second.
Telegraf is measured three ways: with the least it can do (one row of 19 fields a line, held in
memory), with the same rows as soclab, and with those and its buffer on disk. In its favour: its
lines come without the prefix that the device sends, the `cat` that reads for it is not counted, and
it turns no signs.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figure import figure
from benchmarks.process import cpu_s, pss_mb
from benchmarks.wire import Wire
from tests.pipeline.influxd import Influxd, find_influxd

HERE = Path(__file__).parent / "telegraf"
BIN = Path(sys.executable).parent
WARM_UP = 200  # readings that are not counted, within a second: start-up is not compared
SETTLE_S = 3.0  # longer than either side keeps readings for itself
STARTS = 5
ARRIVAL_TIMEOUT_S = 30.0
DISK = """\
  buffer_strategy = "disk"
  buffer_directory = "{folder}/buffer"
"""
COLLECTORS_TOML = """\
site = "bench"
[uploader]
url = "{url}"
token_file = "{token_file}"
[clock]
source = "trusted"
[spool]
directory = "{folder}/spool"
[[instruments]]
kind = "thingset"
name = "{instrument}"
battery = "b"
port = "{path}"
"""


@dataclass
class Cost:
    """What one side used for the counted readings."""

    cpu_s: float = 0.0
    pss_mb: float = 0.0
    fed_s: float = 0.0


@dataclass
class Side:
    """One way to get lines from the pty into InfluxDB."""

    name: str
    prefix: str = ""
    rows: str = ""
    buffer: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, server: Influxd, folder: Path, wire: Wire) -> None:
        """Start its programs."""
        values = {
            "url": server.url,
            "org": server.org,
            "token": server.write_token_file.read_text(),
            "token_file": server.write_token_file,
            "folder": folder,
            "path": wire.path,
            "instrument": self.name,
        }
        if self.rows:
            rows = (HERE / f"rows-{self.rows}.conf").read_text()
            template = (HERE / "telegraf.conf").read_text()
            config = folder / "telegraf.conf"
            text = template.replace("{rows}", rows).replace("{buffer}", self.buffer)
            for key, value in values.items():
                text = text.replace(f"{{{key}}}", str(value))
            commands = [[str(telegraf()), "--strict-env-handling", "--config", str(config)]]
        else:
            config = folder / "collectors.toml"
            text = COLLECTORS_TOML.format(**values)
            commands = [
                [str(BIN / "soclab-collector"), "run", self.name, "--config", str(config)],
                [str(BIN / "soclab-uploader"), "run", "--config", str(config)],
            ]
        config.write_text(text)
        with (folder / "log").open("wb") as log:
            self.processes = [subprocess.Popen(c, stdout=log, stderr=log) for c in commands]

    def cpu_s(self) -> float:
        """Return the processor time used so far by all its programs."""
        return sum(cpu_s(p.pid) for p in self.processes)

    def pss_mb(self) -> float:
        """Return the resident memory of all its programs."""
        return sum(pss_mb(p.pid) for p in self.processes)

    def stop(self) -> None:
        """End its programs."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(timeout=30)


SIDES = (
    Side("soclab", prefix="# "),
    Side("telegraf-least", rows="flat"),
    Side("telegraf-same-rows", rows="contract"),
    Side("telegraf-same-rows-disk", rows="contract", buffer=DISK),
)


def telegraf() -> Path:
    """Return the program, built if it is not yet there."""
    done = subprocess.run([HERE / "build"], stdout=subprocess.PIPE, check=True, text=True)
    return Path(done.stdout.strip())


def measure(side: Side, server: Influxd, readings: int, per_s: float) -> Cost:
    """Send ``readings`` lines at ``per_s`` through one side; every line must arrive."""
    cost = Cost()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wire = Wire(folder, side.prefix)
        side.start(server, folder, wire)
        try:
            # What is on the wire before a program opens it is not its to read: when it has read
            # something, it has started, and only from then on it must read everything.
            for _ in range(STARTS):
                wire.feed(WARM_UP, WARM_UP)
                time.sleep(SETTLE_S)
                if started := _stored(side, server):
                    break
            before = side.cpu_s()
            cost.fed_s = wire.feed(readings, per_s)
            cost.pss_mb = side.pss_mb()  # at its fullest: right at the end of the load
            _await_arrival(side, server, started + readings)
            cost.cpu_s = side.cpu_s() - before
        except TimeoutError:
            sys.stderr.write((folder / "log").read_text()[-1000:])
            raise
        finally:
            side.stop()
            wire.close()
    return cost


def _await_arrival(side: Side, server: Influxd, expected: int) -> None:
    """Wait until so many readings are stored, asking InfluxDB."""
    deadline = time.monotonic() + ARRIVAL_TIMEOUT_S
    arrived = -1
    while time.monotonic() < deadline:
        arrived = _stored(side, server)
        if arrived == expected:
            return
        time.sleep(1.0)
    raise TimeoutError(f"{side.name}: {arrived} of {expected} readings arrived")


def _stored(side: Side, server: Influxd) -> int:
    voltage = "Bat_V" if side.rows == "flat" else "voltage_v"
    rows = server.query(
        'from(bucket: "raw") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "battery"'
        f' and r.instrument == "{side.name}" and r._field == "{voltage}") |> count()'
    )
    return sum(int(row["_value"]) for row in rows)


def main() -> None:
    """Measure every side and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--readings", type=int, default=20_000)
    parser.add_argument("--per-s", type=float, default=2_000.0)
    options = parser.parse_args()
    program = find_influxd()
    if program is None:
        sys.exit("No influxd: run .venv/bin/soclab influxdb install")
    telegraf()
    costs: dict[str, Cost] = {}
    with tempfile.TemporaryDirectory() as name:
        server = Influxd(program, Path(name))
        try:
            for side in SIDES:
                costs[side.name] = measure(side, server, options.readings, options.per_s)
                _print(side.name, costs[side.name], options.readings)
        finally:
            server.stop()
    ours = costs.pop("soclab")
    for name, peer in costs.items():
        figure(f"soclab / {name}: CPU", ours.cpu_s / peer.cpu_s, "", at_most=1.0)
        figure(f"soclab / {name}: resident memory", ours.pss_mb / peer.pss_mb, "", at_most=1.0)


def _print(name: str, cost: Cost, readings: int) -> None:
    figure(f"{name}: CPU for 100,000 readings", cost.cpu_s * 100_000 / readings, "s")
    figure(f"{name}: resident memory", cost.pss_mb, "MB")
    figure(f"{name}: readings taken", readings / cost.fed_s, "1/s")


if __name__ == "__main__":
    main()
