"""The program ``soclab-collector`` against a load on a pty: unplugged, killed, stopped, probed."""

import itertools
import json
import os
import re

import pytest
from soclab_collectors.collector.main import main
from soclab_simulators.ea_el3000 import EaEl3000Simulator
from soclab_simulators.source import Snapshot
from soclab_simulators.wire.pty_port import PtyPort

from tests.pipeline.bench_lab import DeviceThread, SteadySource, UnitProgram, spooled, wait_until

SHOWN = Snapshot(0.0, battery_v=12.8375, battery_a=-4.9992, load_a=4.9992)
INTERVAL_S = 0.1


@pytest.fixture
def lab(tmp_path):
    """Return a configuration, the port it names, the device and the spool folder."""
    port = PtyPort(tmp_path / "serial" / "by-id" / "usb-EA_load")
    config = tmp_path / "collectors.toml"
    config.write_text(
        f"""
        site = "lab"
        monitor_s = 0.5
        [clock]
        source = "trusted"
        [spool]
        directory = "{tmp_path / "spool"}"
        fsync_s = 0.05
        [uploader]
        url = "http://127.0.0.1:1"
        [[instruments]]
        name = "load"
        kind = "ea_el3000"
        battery = "b1"
        port = "{port.path}"
        interval_s = {INTERVAL_S}
        telegram_gap_s = 0.0
        """
    )
    port.plug()
    with DeviceThread(
        EaEl3000Simulator(SteadySource(SHOWN), port, response_delay_s=0).run
    ) as device:
        yield config, port, device, tmp_path / "spool" / "load"
        device.call(port.unplug)


@pytest.fixture
def unit(lab):
    program = UnitProgram(lab[0], "load")
    yield program
    if program.process.poll() is None:
        program.kill()


def stamps(folder):
    return [int(line.rpartition(" ")[2]) for line in spooled(folder, "load")]


def values(folder, field):
    return {
        float(found[1])
        for line in spooled(folder, "load")
        if (found := re.search(rf"\b{field}=([^, ]+)", line))
    }


def test_readings_arrive_on_the_grid_and_a_stop_keeps_them_all(lab, unit):
    _, _, _, folder = lab
    wait_until(lambda: folder.exists() and len(spooled(folder, "load")) >= 20)
    assert unit.stop() == 0
    times = stamps(folder)
    steps = [(b - a) / 1e9 for a, b in itertools.pairwise(times)]
    assert len(times) == len(set(times))
    assert times[-1] - times[0] == pytest.approx((len(times) - 1) * INTERVAL_S * 1e9, rel=0.1)
    assert min(steps) > 0
    assert values(folder, "voltage_v") == {12.8375}
    assert values(folder, "current_a") == {4.996875}  # 2132 steps of 60 A / 25600, rounded down
    own = spooled(folder, "collector")
    assert "up=1.0" in own[-1]
    assert not list(folder.glob("*.open"))


def test_a_replugged_cable_needs_no_restart(lab, unit):
    _, port, device, folder = lab
    wait_until(lambda: folder.exists() and spooled(folder, "load"))
    for _ in range(3):
        device.call(port.unplug)
        device.call(port.plug)
        device.call(port.unplug)  # a loose contact
        wait_until(lambda: "up=0.0" in (spooled(folder, "collector") or [""])[-1])
        before = len(spooled(folder, "load"))
        device.call(port.plug)
        wait_until(lambda before=before: len(spooled(folder, "load")) > before + 3)
        wait_until(lambda: "up=1.0" in spooled(folder, "collector")[-1])
    assert unit.process.poll() is None
    assert unit.logged().count("down:") == 3
    assert unit.logged().count("readings arrive again") == 3
    assert values(folder, "voltage_v") == {12.8375}


def test_a_unit_started_before_its_device_waits_for_it(lab):
    config, port, device, folder = lab
    device.call(port.unplug)
    unit = UnitProgram(config, "load")
    wait_until(lambda: "down:" in unit.logged())
    device.call(port.plug)
    wait_until(lambda: folder.exists() and spooled(folder, "load"))
    assert unit.stop() == 0


def test_two_units_for_one_instrument_are_refused(lab, unit):
    config, _, _, folder = lab
    wait_until(lambda: folder.exists() and spooled(folder, "load"))
    second = UnitProgram(config, "load")
    assert second.process.wait(timeout=10) == 78
    assert "another process writes to this spool folder" in second.logged()
    assert unit.process.poll() is None


def test_probe_names_the_device_and_its_values(lab, capsys):
    assert main(["probe", "load", "--json", "--config", str(lab[0])]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["model"] == "EL 3160-60A"
    assert found["voltage_v"] == 12.8375


def test_probe_without_a_device_says_what_to_do(lab, capsys):
    config, port, device, _ = lab
    device.call(port.unplug)
    assert main(["probe", "load", "--config", str(config)]) == os.EX_UNAVAILABLE
    assert "cannot open" in capsys.readouterr().err


def test_an_unknown_name_lists_the_known_ones(lab, capsys):
    assert main(["run", "lode", "--config", str(lab[0])]) == 78
    assert "Configured are: load" in capsys.readouterr().err
