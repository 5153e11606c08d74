"""The program that a Pi runs, across a power cycle of the T7 in mid-stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.pipeline.bench_lab import UnitProgram, spooled, wait_until
from tests.protocol.labjack_t7.support import Battery, bench

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
site = "lab"
[uploader]
url = "http://127.0.0.1:9"
[clock]
source = "trusted"
[spool]
directory = "{folder}/spool"
fsync_s = 0.1
[[instruments]]
kind = "labjack_t7"
name = "daq"
battery = "b1"
mode = "stream"
interval_s = 0.1
transport = {{ kind = "modbus", host = "127.0.0.1", port = {port}, stream_port = {stream_port} }}
[[instruments.channels]]
ain = 2
quantity = "voltage"
range_v = 10
transfer = {{ sensor = "linear", gain_per_v = 2, calibration_date = 2026-03-01 }}
"""


def test_readings_go_on_after_a_power_cycle(tmp_path: Path) -> None:
    config, spool = tmp_path / "collectors.toml", tmp_path / "spool" / "daq"
    with bench(Battery(12.5)) as t7:
        ports = {"port": t7.simulator.port, "stream_port": t7.simulator.stream_port}
        config.write_text(CONFIG.format(folder=tmp_path, **ports), encoding="utf-8")
        unit = UnitProgram(config, "daq")
        try:
            wait_until(lambda: len(spooled(spool, "battery")) >= 5)
            t7.do(t7.simulator.power_cycle)
            wait_until(lambda: "down:" in unit.logged())
            before = len(spooled(spool, "battery"))
            wait_until(lambda: len(spooled(spool, "battery")) >= before + 5)
        finally:
            assert unit.stop() == 0
    lines = spooled(spool, "battery")
    assert all(12.499 < float(x.partition("voltage_v=")[2].split(",")[0]) < 12.501 for x in lines)
    assert len({x.rpartition(" ")[2] for x in lines}) == len(lines)
    assert len(spooled(spool, "event")) == 1
    assert unit.logged().count("down:") == 1
    assert unit.logged().count("readings arrive again") == 1
