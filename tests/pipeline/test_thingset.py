"""The ThingSet instrument against the simulated charge controller, over a real pty."""

import asyncio
import logging
import threading
import time

import pytest
from soclab_collectors.clock.system import SystemClock
from soclab_collectors.errors import BadReplyError, UnavailableError
from soclab_collectors.instruments.thingset.config import ThingSetConfig
from soclab_collectors.instruments.thingset.shape import PROVEN_BY
from soclab_simulators.source import Snapshot
from soclab_simulators.thingset import ThingSetSimulator
from soclab_simulators.wire.pty_port import PtyPort

GENERATIONS = "ABCD"
PATIENCE_S = 10.0


class FastSource:
    """Publishes twenty times a second a battery that charges a little more each time."""

    lossless = False

    def __init__(self):
        self.count = 0

    def snapshot(self):
        return Snapshot(1000.0 + self.count, 12.5, 1.25, 21.5, 18.0, 1.5, 0.5, stage=1)

    async def publication(self):
        await asyncio.sleep(0.05)
        self.count += 1
        return self.snapshot()


class Lab:
    """A simulated device on a thread of its own and the instrument that reads it."""

    def __init__(self, folder, simulated, configured):
        self.port = PtyPort(folder / "serial" / "by-id" / "usb-Libre_Solar")
        self.port.plug()
        self.simulator = ThingSetSimulator(FastSource(), self.port, **simulated)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        settings = {"silence_s": 0.4, "request_interval_s": 1.0} | configured
        config = ThingSetConfig(name="mppt", battery="b1", path=str(self.port.path), **settings)
        self.instrument = config.create(SystemClock("trusted"))

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.task = self.loop.create_task(self.simulator.run())
        try:
            self.loop.run_until_complete(self.task)
        except asyncio.CancelledError:
            pass
        finally:
            self.loop.close()

    def device(self, action, *arguments):
        """Run something on the thread of the device."""

        async def run():
            result = action(*arguments)
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(PATIENCE_S)

    def read_until(self, condition):
        """Read until a set of fields satisfies ``condition``; return it and the errors met."""
        deadline, errors = time.monotonic() + PATIENCE_S, []
        while time.monotonic() < deadline:
            try:
                readings = self.instrument.read()
            except BadReplyError as error:
                errors.append(str(error))
                continue
            for stamp in dict.fromkeys(r.stamp for r in readings):
                found = {r.measurement: dict(r.fields) for r in readings if r.stamp == stamp}
                if condition(found):
                    return found, errors
        pytest.fail(f"not read within {PATIENCE_S} s; errors: {errors[-3:]}")

    def close(self):
        self.instrument.close()
        self.loop.call_soon_threadsafe(self.task.cancel)
        self.thread.join(PATIENCE_S)
        self.port.unplug()


@pytest.fixture
def lab(tmp_path):
    opened = []

    def open_lab(simulated, **configured):
        opened.append(Lab(tmp_path, simulated, configured))
        return opened[-1]

    yield open_lab
    for one in opened:
        one.close()


def anything(found):
    return bool(found)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("console", [False, True], ids=["", "console"])
def test_publications_become_readings(lab, generation, console):
    bench = lab({"generation": generation, "console": console})
    bench.instrument.open()
    found, errors = bench.read_until(anything)
    assert errors == []
    assert found["battery"]["voltage_v"] == 12.5
    assert found["battery"]["current_a"] == 1.25
    assert found["solar"]["current_a"] == 1.5
    assert found["solar"]["power_w"] == 27.0
    assert found["charger"]["state"] == 1.0
    assert found["load"]["enabled"] == 1.0
    assert bench.simulator.requests == []
    assert bench.instrument.counters() == {"unknown_total": 0}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_silent_device_is_recognised_and_switched_on(lab, generation):
    bench = lab({"generation": generation, "publishing": False, "console": generation == "A"})
    bench.instrument.open()
    found, _ = bench.read_until(anything)
    assert found["battery"]["voltage_v"] == 12.5
    assert bench.simulator.device.settings["enable"] is True


@pytest.mark.parametrize("generation", GENERATIONS)
def test_missing_values_are_asked_for(lab, generation):
    bench = lab({"generation": generation}, request=("Bat_degC", "Int_degC", "Bat_V"))
    bench.instrument.open()
    found, _ = bench.read_until(lambda f: "temperature_c" in f.get("battery", {}))
    assert found["battery"]["temperature_c"] == 21.5
    if "thingset_extra" not in found:  # generation A has both in one group
        found, _ = bench.read_until(lambda f: "thingset_extra" in f)
    assert found["thingset_extra"] == {"Int_degC": 26.5}
    assert all(request.startswith("?") for request in bench.simulator.requests)


def test_period_is_set_where_there_is_a_setting(lab):
    bench = lab({"generation": "D", "crc": True}, publication_period_s=0.3)
    bench.instrument.open()
    bench.read_until(lambda _: bench.simulator.device.settings["period_ms"] == 300)
    # With a checksum on every line, requests carry one as well.
    assert any(request.endswith("#") for request in bench.simulator.requests)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_probe_describes_the_device(lab, generation):
    bench = lab({"generation": generation})
    bench.simulator.device.quantities.error_flags = 0b11
    bench.instrument.open()
    found = bench.instrument.probe()
    assert f"(generation {generation})" in found["protocol"]
    assert "MPPT-1210-HUS" in found.values()
    assert found["battery.voltage_v"] == 12.5
    assert found["errors"] == "battery undervoltage, battery overvoltage"
    assert found["charging"] == "bulk"


def test_unplugged_and_replugged(lab):
    bench = lab({"generation": "A"})
    bench.instrument.open()
    bench.read_until(anything)
    bench.device(bench.port.unplug)
    with pytest.raises(UnavailableError):
        bench.read_until(lambda _: False)
    bench.instrument.close()
    with pytest.raises(UnavailableError, match="cannot open"):
        bench.instrument.open()
    bench.device(bench.port.plug)
    bench.instrument.open()
    bench.read_until(anything)


def test_a_restart_is_logged_and_publishing_switched_on_again(lab, caplog, monkeypatch):
    monkeypatch.setattr(
        "soclab_collectors.instruments.thingset.subscription.ENABLE_INTERVAL_S", 0.1
    )
    bench = lab({"generation": "A"})
    bench.instrument.open()
    bench.read_until(lambda f: f["charger"]["uptime_s"] >= 10)
    bench.device(bench.simulator.restart)
    found, _ = bench.read_until(lambda f: f["charger"]["uptime_s"] < 10)
    assert found["charger"]["uptime_s"] <= 5
    assert '=pub/serial {"Enable":true}' in bench.simulator.requests
    assert [r for r in caplog.records if "restarted" in r.message]


def test_a_firmware_upgrade_while_running(lab, caplog):
    caplog.set_level(logging.INFO)
    bench = lab({"generation": "A"})
    bench.instrument.open()
    bench.read_until(anything)
    new = ThingSetSimulator(FastSource(), bench.port, generation="C").device
    bench.device(setattr, bench.simulator, "device", new)
    bench.read_until(lambda _: "generation C, before A" in caplog.text)


def test_an_absent_device_is_unavailable(lab):
    bench = lab({"generation": "A", "publishing": False}, silence_s=0.1)
    bench.device(setattr, bench.simulator.device, "process", lambda _request: None)
    bench.instrument.open()
    with pytest.raises(UnavailableError, match="no publication for"):
        bench.read_until(lambda _: False)


def test_faults_cost_what_they_damage_and_nothing_else(lab):
    bench = lab({"generation": "A"})
    bench.instrument.open()
    bench.read_until(anything)
    values, until = set(), 0

    def collect(found):
        values.add((found["battery"]["voltage_v"], found["solar"]["power_w"]))
        return found["charger"]["uptime_s"] > until

    bench.read_until(lambda f: f["charger"]["uptime_s"] > PROVEN_BY)
    for fault, arguments, message in [
        (bench.simulator.cut_next_line, (60,), "JSON"),
        (bench.simulator.lose_line_end, (), "without end"),
        (bench.simulator.inject, (b'# {"Bat_V":\xff\x00\n',), "damaged"),
        (bench.simulator.inject, (b'# {"Bat_V":99999}\n',), "cannot be"),
        (bench.simulator.inject, (b'# {"Bat_V":1.00}\n',), "unlike"),
    ]:
        bench.device(fault, *arguments)
        until = bench.simulator._source.count + 5
        _, errors = bench.read_until(collect)
        assert any(message in error for error in errors), (fault, errors)
    assert values == {(12.5, 27.0)}


def test_what_is_not_a_number_is_left_out(lab):
    bench = lab({"generation": "C", "extra": ("Bat_degC",)})
    bench.simulator._source.snapshot = lambda: Snapshot(1.0, 12.5, 0.0, float("nan"))
    bench.instrument.open()
    found, errors = bench.read_until(anything)
    assert "temperature_c" not in found["battery"]
    assert found["battery"]["voltage_v"] == 12.5
    assert errors == []


def test_settings_below_conf_are_never_touched(lab):
    """The simulator has the trap of the firmware: a wrong write is "changed" into 0."""
    bench = lab({"generation": "A", "publishing": False}, request=("Int_degC", "Nope"))
    before = dict(bench.simulator.device.conf)
    bench.instrument.open()
    bench.read_until(lambda f: "thingset_extra" in f)
    with pytest.raises(ValueError, match="never sends"):
        bench.instrument._dialogue.ask(b'=conf {"Topping_V":"x"}', print)
    assert bench.simulator.device.conf == before
    assert {request[0] for request in bench.simulator.requests} <= {"?", "="}
