"""The instrument against the simulated T7 over TCP, in command-response mode and at its edges."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

import pytest
from soclab_collectors.errors import BadReplyError, ConfigError, UnavailableError
from soclab_collectors.instruments.labjack_t7.instrument import LabJackT7
from soclab_simulators.labjack_t7 import CurrentSensor, VoltageSensor, Wiring

from tests.protocol.labjack_t7.support import (
    CURRENT,
    VOLTAGE,
    Battery,
    Bench,
    StepClock,
    bench,
    t7_config,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def battery() -> Battery:
    return Battery(volts=12.5, amperes=-5.0)


@pytest.fixture
def t7(battery: Battery) -> Iterator[Bench]:
    with bench(battery) as running:
        yield running


@pytest.fixture
def instrument(t7: Bench) -> Iterator[LabJackT7]:
    labjack = LabJackT7(t7.config(), StepClock())
    labjack.open()
    yield labjack
    labjack.close()


def battery_of(readings) -> dict[str, float]:
    (fields,) = [r.fields for r in readings if r.measurement == "battery"]
    return fields


GOOD = pytest.approx({"voltage_v": 12.5, "current_a": -5.0, "power_w": -62.5}, rel=1e-6)


def test_values_follow_the_battery(instrument, battery):
    assert battery_of(instrument.read()) == GOOD
    battery.volts, battery.amperes = 14.4, 40.0
    assert battery_of(instrument.read()) == pytest.approx(
        {"voltage_v": 14.4, "current_a": 40.0, "power_w": 576.0}, rel=1e-6
    )


def test_a_reading_takes_one_command(instrument, t7):
    before = t7.simulator.commands
    instrument.read()
    assert t7.simulator.commands == before + 1


def test_an_event_says_once_with_what_was_measured(instrument):
    event, _ = instrument.read()
    assert (event.measurement, event.tags) == ("event", {"kind": "calibration"})
    assert event.fields["text"] == (
        "LabJack T7 470012345, firmware 1.0331; "
        "current = 10 A/V * AIN1 +0 A, calibrated 2026-03-01; "
        "voltage = 2 V/V * AIN2 +0 V, calibrated 2026-03-02"
    )
    assert [r.measurement for r in instrument.read()] == ["battery"]
    instrument.close()
    instrument.open()
    assert [r.measurement for r in instrument.read()] == ["battery"]  # the same T7 as before


def test_probe_names_device_calibration_and_values(instrument):
    found = instrument.probe()
    assert found["device"] == "LabJack T7"
    assert found["serial_number"] == "470012345"
    assert found["current_calibrated"] == "2026-03-01"
    assert found["voltage_calibrated"] == "2026-03-02"
    assert found["voltage_v"] == pytest.approx(12.5)


def test_turns_zero_and_direction_of_a_lem(battery):
    wiring = Wiring(voltage=None, current=CurrentSensor(1, volts_per_a=-0.3, zero_v=0.004))
    lem = CURRENT["transfer"] | {"turns": 3, "zero_v": 0.004, "direction": -1, "max_a": 20.0}
    with bench(battery, wiring=wiring) as t7:
        config = t7.config(channels=[CURRENT | {"transfer": lem}])
        labjack = LabJackT7(config, StepClock())
        labjack.open()
        assert battery_of(labjack.read()) == pytest.approx({"current_a": -5.0}, rel=1e-6)
        labjack.close()


@pytest.mark.parametrize("range_v", [10.0, 1.0, 0.1, 0.01])
def test_every_range(battery, range_v):
    battery.volts = 0.9
    gain = 1 / range_v
    wiring = Wiring(current=None, voltage=VoltageSensor(4, ratio=gain))
    linear = {"sensor": "linear", "gain_per_v": gain, "calibration_date": "2026-01-01"}
    channel = {"ain": 4, "quantity": "voltage", "range_v": range_v, "transfer": linear}
    with bench(battery, wiring=wiring) as t7:
        labjack = LabJackT7(t7.config(channels=[channel]), StepClock())
        labjack.open()
        assert t7.simulator.registers.range_v(4) == range_v
        assert battery_of(labjack.read()) == pytest.approx({"voltage_v": 0.9}, rel=1e-6)
        battery.volts = 1.02  # beyond the range: whatever is read is no measurement
        with pytest.raises(BadReplyError, match="no input can be measured"):
            labjack.read()
        labjack.close()


def test_differential_measures_against_the_next_input(battery):
    wiring = Wiring(
        voltage=VoltageSensor(6, ratio=2.0), current=CurrentSensor(7, volts_per_a=0.1)
    )  # the current sensor stands for a voltage that both inputs share
    channel = VOLTAGE | {"ain": 6, "differential": True}
    with bench(battery, wiring=wiring) as t7:
        labjack = LabJackT7(t7.config(channels=[channel]), StepClock())
        labjack.open()
        expected = 2 * (12.5 / 2 - (-5.0 * 0.1))
        assert battery_of(labjack.read()) == pytest.approx({"voltage_v": expected}, rel=1e-6)
        labjack.close()


def test_what_clips_is_left_out_counted_and_logged_once(instrument, battery, caplog):
    caplog.set_level("INFO")
    battery.amperes = 90.0  # 9 V: within the T7's range, beyond the transducer's
    for _ in range(3):
        assert battery_of(instrument.read()) == pytest.approx({"voltage_v": 12.5})
    battery.amperes = 1.0
    assert "current_a" in battery_of(instrument.read())
    assert instrument.counters() == {"invalid_total": 3.0}
    messages = [r.message for r in caplog.records if "AIN1" in r.message]
    assert len(messages) == 2
    assert "9 V is beyond ±7 V" in messages[0]


def test_settings_lost_without_a_lost_connection(instrument, t7, battery):
    """A power cycle behind something that reconnects: no value of unknown range is recorded."""
    config = t7.config(
        channels=[VOLTAGE | {"range_v": 1.0, "transfer": VOLTAGE["transfer"] | {"max_v": 1.9}}]
    )
    battery.volts = 1.8
    labjack = LabJackT7(config, StepClock())
    labjack.open()
    assert battery_of(labjack.read()) == pytest.approx({"voltage_v": 1.8}, rel=1e-6)
    t7.do(lambda: t7.simulator.power_cycle(drop=False))
    with pytest.raises(UnavailableError, match=r"register 40004 holds 10 instead of 1: the T7"):
        labjack.read()
    labjack.close()
    labjack.open()
    assert battery_of(labjack.read()) == pytest.approx({"voltage_v": 1.8}, rel=1e-6)
    labjack.close()


def test_power_cycle_and_dropped_connection_are_absences(instrument, t7):
    for misfortune in (t7.simulator.power_cycle, t7.simulator.drop_connections):
        t7.do(misfortune)
        with pytest.raises(UnavailableError):
            instrument.read()
        instrument.close()
        instrument.open()
        assert battery_of(instrument.read()) == GOOD


@pytest.mark.parametrize(
    "damage",
    [
        lambda t7: t7.simulator.garbage(bytes(range(40))),
        lambda t7: t7.simulator.garbage(b"HTTP/1.0 400 Bad Request\r\n\r\n"),
        lambda t7: t7.simulator.wrong_transaction(),
        lambda t7: t7.simulator.mangle(lambda frame: frame[:-3]),
    ],
)
def test_damaged_answers_yield_nothing_and_the_next_one_is_good(instrument, t7, damage):
    instrument.read()
    t7.do(damage, t7)
    with pytest.raises(BadReplyError):
        instrument.read()
    assert battery_of(instrument.read()) == GOOD


def test_bytes_behind_an_answer_belong_to_no_answer(instrument, t7):
    t7.do(lambda: t7.simulator.mangle(lambda frame: frame + b"\0\0"))
    assert battery_of(instrument.read()) == GOOD
    assert battery_of(instrument.read()) == GOOD


def test_a_late_answer_is_not_taken_for_the_next_one(instrument, t7, battery):
    instrument.read()
    t7.do(t7.simulator.stall, 1.4)  # longer than the timeout of 1 s
    with pytest.raises(UnavailableError, match="no answer within"):
        instrument.read()
    battery.volts = 13.0
    time.sleep(0.5)
    assert battery_of(instrument.read())["voltage_v"] == pytest.approx(13.0)


def test_inputs_that_were_switched_off_are_switched_on(t7):
    t7.do(lambda: t7.simulator.registers.write(48005, b"\0\0"))
    labjack = LabJackT7(t7.config(), StepClock())
    labjack.open()
    assert battery_of(labjack.read()) == GOOD
    t7.do(lambda: t7.simulator.registers.write(48005, b"\0\0"))
    with pytest.raises(UnavailableError, match="powered off"):
        labjack.read()
    labjack.close()


def test_a_stream_that_someone_left_running_is_stopped(t7):
    streaming = LabJackT7(t7.config(mode="stream"), StepClock())
    streaming.open()
    streaming._link = None  # as if its process had been killed: nobody stops the stream
    labjack = LabJackT7(t7.config(), StepClock())
    labjack.open()
    assert battery_of(labjack.read()) == GOOD
    labjack.close()


def test_other_devices_are_named(battery):
    refused = pytest.raises(BadReplyError, match="product 4 of LabJack, no T7")
    with bench(battery, product=4.0) as t4, refused:
        LabJackT7(t4.config(), StepClock()).open()


def test_fine_resolution_needs_a_pro(battery):
    channel = VOLTAGE | {"resolution_index": 12}
    refused = pytest.raises(ConfigError, match="T7-Pro only, and this is none")
    with bench(battery) as t7, refused:
        LabJackT7(t7.config(channels=[channel]), StepClock()).open()
    with bench(battery, pro=True) as pro:
        labjack = LabJackT7(pro.config(channels=[channel]), StepClock())
        labjack.open()
        assert labjack.probe()["device"] == "LabJack T7-Pro"
        labjack.close()


def test_the_device_refuses_a_setting(t7):
    channel = VOLTAGE | {"range_v": 5.0}  # as if validation had let it pass
    with pytest.raises(ConfigError, match=r"channels\.range_v: the T7 refuses this range"):
        LabJackT7(t7.config(channels=[channel]), StepClock()).open()


def test_nobody_at_home():
    transport = {"kind": "modbus", "host": "127.0.0.1", "port": 1, "timeout_s": 0.3}
    with pytest.raises(UnavailableError, match=r"cannot connect to 127\.0\.0\.1:1 within 0\.3 s"):
        LabJackT7(t7_config(transport=transport), StepClock()).open()


def test_simulated_map_beyond_what_the_collector_uses(t7):
    """The register map itself: reads of several functions agree, bad ones are refused."""
    registers = t7.simulator.registers
    read = registers.read
    assert read(55100, 2, None).hex() == "00112233"
    assert struct.unpack(">f", read(55124, 2, None)) == (-9999.0,)
    assert read(60000, 4, None) == read(60000, 2, None) + read(60002, 2, None)
    registers.write(43900, struct.pack(">f", 0.1))
    assert registers.range_v(13) == 0.1
    for address, words in ((3, 1), (28, 2), (39999, 1), (60000, 1), (65535, 1)):
        with pytest.raises(Exception, match=r"\(2, 0\)"):
            read(address, words, {})
