"""What a configuration may say, and how a mistake is named."""

from pathlib import Path

import pytest
from soclab_collectors.config import load_config
from soclab_collectors.errors import ConfigError

HEAD = """
site = "lab"
[uploader]
url = "http://127.0.0.1:8086"
[[instruments]]
kind = "labjack_t7"
name = "labjack"
battery = "b1"
"""
MODBUS = 'transport = { kind = "modbus", host = "t7.lab" }\n'
LEM = 'transfer = { sensor = "lem", burden_ohm = 100, max_a = 50, calibration_date = 2026-03-01 }'
DIVIDER = (
    'transfer = { sensor = "divider", high_ohm = 10_000, low_ohm = 10_000, max_v = 16, '
    "calibration_date = 2026-03-01 }"
)
CURRENT = f'[[instruments.channels]]\nain = 1\nquantity = "current"\n{LEM}\n'
VOLTAGE = f'[[instruments.channels]]\nain = 2\nquantity = "voltage"\n{DIVIDER}\n'
STREAM = 'mode = "stream"\n'
TRIGGER = (
    "[instruments.stream]\nscan_rate_hz = 2000\n"
    'trigger = { quantity = "current", above = 20, pre_s = 0.5, post_s = 1 }\n'
)


@pytest.fixture
def load(tmp_path: Path):
    def load(text: str):
        path = tmp_path / "collectors.toml"
        path.write_text(HEAD + text, encoding="utf-8")
        return load_config(path).instruments[0]

    return load


def test_a_good_one(load):
    config = load(MODBUS + STREAM + TRIGGER + CURRENT + VOLTAGE)
    assert config.port() == "t7.lab:502"
    current, voltage = config.channels
    assert (current.transfer.gain(), current.transfer.offset()) == (10.0, 0.0)
    assert current.limit_v() == 7.0  # 70 A·turns, before the T7's own ±10.05 V
    assert voltage.transfer.gain() == 2.0
    assert voltage.limit_v() == pytest.approx(10.05)


def test_ljm_has_a_port_of_its_own(load):
    transport = 'transport = { kind = "ljm", connection = "USB", identifier = "470012345" }\n'
    assert load(transport + CURRENT).port() == "LJM USB 470012345"


def changed(table: str, old: str, new: str) -> str:
    assert old in table
    return MODBUS + table.replace(old, new)


MISTAKES = {
    "no channels": (MODBUS + "channels = []\n", "channels: there is none. Add one"),
    "no transport": (CURRENT, "instruments.labjack.transport: missing"),
    "range": (changed(VOLTAGE, "ain = 2", "ain = 2\nrange_v = 5"), r"\[0\].range_v: a T7 has no"),
    "odd pair": (
        changed(CURRENT, "ain = 1", "ain = 1\ndifferential = true"),
        r"differential: AIN1 is odd, .* AIN0 and AIN1",
    ),
    "input used twice": (
        MODBUS + CURRENT + VOLTAGE.replace("ain = 2", "ain = 1"),
        r"channels\[1\].ain: AIN1 is used by another channel",
    ),
    "input used as negative": (
        MODBUS + VOLTAGE.replace("ain = 2", "ain = 0\ndifferential = true") + CURRENT,
        r"channels\[1\].ain: AIN1 is used by another channel",
    ),
    "quantity twice": (
        MODBUS + VOLTAGE + VOLTAGE.replace("ain = 2", "ain = 3"),
        r"channels\[1\].quantity: voltage is measured by another",
    ),
    "lem for voltage": (
        changed(CURRENT, '"current"', '"voltage"'),
        "quantity: a LEM transducer measures current",
    ),
    "divider for current": (
        changed(VOLTAGE, '"voltage"', '"current"'),
        "quantity: a divider measures voltage",
    ),
    "lem beyond its ampere-turns": (
        changed(CURRENT, "max_a = 50", "max_a = 50, turns = 2"),
        r"transfer.turns: 2 turns of 50 A exceed the transducer's 70 ampere-turns",
    ),
    "lem beyond the range": (
        changed(CURRENT, "ain = 1", "ain = 1\nrange_v = 1"),
        r"range_v: 50 A make 5 V across the burden, beyond ±1 V",
    ),
    "divider beyond the range": (
        changed(VOLTAGE, "max_v = 16", "max_v = 24"),
        r"range_v: 24 V make 12 V behind the divider, beyond ±10 V",
    ),
    "buffered divider clips": (  # LJTick-Divider /4 at 14.4 V
        changed(
            VOLTAGE,
            "high_ohm = 10_000, low_ohm = 10_000, max_v = 16",
            "high_ohm = 30_000, low_ohm = 10_000, max_v = 14.4, output_max_v = 3.5",
        ),
        r"output_max_v: 14.4 V make 3.6 V behind the divider, which clips at 3.5 V",
    ),
    "gain of zero": (
        changed(
            VOLTAGE,
            DIVIDER,
            'transfer={sensor="linear", gain_per_v=0, calibration_date=2026-01-01}',
        ),
        "transfer.gain_per_v: it must not be zero",
    ),
    "no calibration date": (
        changed(VOLTAGE, ", calibration_date = 2026-03-01", ""),
        "transfer.calibration_date: missing",
    ),
    "calibration date as text": (
        changed(VOLTAGE, "2026-03-01", '"yesterday"'),
        "calibration_date: Invalid RFC3339",
    ),
    "unknown sensor": (changed(VOLTAGE, '"divider"', '"shunt"'), "Invalid value 'shunt'"),
    "wrong unit": (
        MODBUS + CURRENT.replace("burden_ohm = 100", "burden_kohm = 0.1"),
        "burden_kohm: unknown key. Did you mean burden_ohm",
    ),
    "input that does not exist": (changed(VOLTAGE, "ain = 2", "ain = 14"), "`int` <= 13"),
    "too many samples": (
        MODBUS + STREAM + "[instruments.stream]\nscan_rate_hz = 60_000\n" + CURRENT + VOLTAGE,
        r"stream.scan_rate_hz: 120000 samples/s exceed the T7's 100000",
    ),
    "stream resolution": (
        MODBUS + STREAM + VOLTAGE.replace("ain = 2", "ain = 2\nresolution_index = 9"),
        r"channels\[0\].resolution_index: stream mode ends at 8",
    ),
    "two stream resolutions": (
        MODBUS + STREAM + CURRENT + VOLTAGE.replace("ain = 2", "ain = 2\nresolution_index = 3"),
        r"channels\[1\].resolution_index: a stream has one for all",
    ),
    "stream settling": (
        MODBUS + STREAM + VOLTAGE.replace("ain = 2", "ain = 2\nsettling_us = 5000"),
        r"channels\[0\].settling_us: stream mode ends at 4400",
    ),
    "two stream settlings": (
        MODBUS + STREAM + CURRENT + VOLTAGE.replace("ain = 2", "ain = 2\nsettling_us = 50"),
        r"channels\[1\].settling_us: a stream has one for all",
    ),
    "short interval": (
        MODBUS + STREAM + "interval_s = 0.001\n" + CURRENT,
        "interval_s: it holds less than two scans",
    ),
    "trigger without threshold": (
        MODBUS + STREAM + TRIGGER.replace("above = 20, ", "") + CURRENT,
        "stream.trigger: it has no threshold",
    ),
    "trigger on what is not measured": (
        MODBUS + STREAM + TRIGGER + VOLTAGE,
        "stream.trigger.quantity: no channel measures current",
    ),
    "burst too long": (
        MODBUS + STREAM + TRIGGER.replace("post_s = 1", "post_s = 50") + CURRENT,
        "stream.trigger.post_s: a burst would hold 101000 scans, more than 20000",
    ),
}


@pytest.mark.parametrize(("text", "says"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_refused_with_key_reason_and_remedy(load, text, says):
    with pytest.raises(ConfigError, match=says) as refused:
        load(text)
    assert "instruments.labjack" in refused.value.where
    assert refused.value.remedy
