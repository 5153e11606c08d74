"""What the live estimator costs: 100 batteries at 1 Hz, three methods each.

Run: .venv/bin/python -m benchmarks.estimator_load
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figure import figure
from benchmarks.process import cpu_s, pss_mb
from tests.pipeline.influxd import Influxd, find_influxd

BATTERIES = 100
MEASURED_S = 120
START_PATIENCE_S = 1800.0  # the first start on a machine compiles the filters
SETTLED_S = 30

HEAD = """\
state_directory = "{folder}/states"
[influxdb]
url = "{url}"
token_file = "{folder}/token"
"""
BATTERY = """
[[batteries]]
name = "b{number}"
site = "lab"
instrument = "shunt"
capacity_ah = 100.0
chemistry = "la"
full = {{ voltage_v = 14.2, tail_current_a = 2.0 }}
"""


def main() -> None:
    """Write at 1 Hz and look what the unit takes meanwhile."""
    program = find_influxd()
    assert program is not None, "influxd not found: run make setup"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Influxd(program, folder / "influxdb")
        (folder / "token").write_text(server.admin_token)
        config = folder / "estimator.toml"
        batteries = (BATTERY.format(number=number) for number in range(BATTERIES))
        config.write_text(HEAD.format(folder=folder, url=server.url) + "".join(batteries))
        soclab = Path(sys.executable).parent / "soclab"
        command = [str(soclab), "estimator", "run", "--config", str(config)]
        log = (folder / "log").open("w+")
        unit = subprocess.Popen(command, stderr=log)
        try:
            wait_until_ready(unit, folder / "log")
            measure(unit.pid, server)
        finally:
            unit.terminate()
            unit.wait()
            log.close()
            server.stop()


def wait_until_ready(unit: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the filters are compiled."""
    deadline = time.monotonic() + START_PATIENCE_S
    while "ready" not in log.read_text():
        assert unit.poll() is None, log.read_text()
        assert time.monotonic() < deadline, "it did not come up"
        time.sleep(0.2)


def measure(pid: int, server: Influxd) -> None:
    """Print the shares of a core that the unit and the server take."""
    assert server.process is not None
    write_for(SETTLED_S, server)
    own_s, server_s, began = cpu_s(pid), cpu_s(server.process.pid), time.monotonic()
    write_for(MEASURED_S, server)
    took_s = time.monotonic() - began
    name = f"estimator, {BATTERIES} batteries at 1 Hz, three methods"
    figure(f"{name}, cores in use", (cpu_s(pid) - own_s) / took_s, "cores", at_most=0.5)
    figure(f"{name}, InfluxDB's cores", (cpu_s(server.process.pid) - server_s) / took_s, "cores")
    figure(f"{name}, memory", pss_mb(pid), "MB")
    newest = server.query(
        'from(bucket: "derived") |> range(start: -5m) |> filter(fn: (r) => r._field == "soc_pct")'
        " |> last() |> group() |> count()"
    )
    assert newest[0]["_value"] == 3 * BATTERIES, "some method says nothing"
    ages = server.query(
        'from(bucket: "derived") |> range(start: -5m) |> filter(fn: (r) => r._field == "soc_pct")'
        ' |> last() |> group() |> sort(columns: ["_time"]) |> limit(n: 1)'
    )
    figure(f"{name}, oldest newest row", time.time() - ages[0]["_time"].timestamp(), "s")


def write_for(seconds: int, server: Influxd) -> None:
    """Store a sample of every battery each second, as uploaders do."""
    start = time.time()
    for count in range(seconds):
        now_s = int(start) + count
        time.sleep(max(0.0, now_s + 1.0 - time.time()))
        fields = f"current_a={now_s % 601 / 100 - 3!r},voltage_v={12 + now_s % 97 / 97!r}"
        server.write(
            "\n".join(
                f"battery,battery=b{number},instrument=shunt,site=lab {fields} {now_s}000000000"
                for number in range(BATTERIES)
            )
        )


if __name__ == "__main__":
    main()
