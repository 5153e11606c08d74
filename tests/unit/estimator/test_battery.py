"""A battery says the same however its readings are cut, and after it was stored and taken up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from soclab_services.estimator.battery import HOUR_NS, Battery
from soclab_services.estimator.config import EstimatedBattery, TimingConfig
from soclab_services.estimator.pattern import Pattern
from soclab_services.estimator.samples import NS_PER_S, Readings, Samples

from tests.unit.estimation.batteries import day_and_night

if TYPE_CHECKING:
    from collections.abc import Sequence

# The first run on a machine compiles the filters: a minute of an idle core.
pytestmark = pytest.mark.timeout(1200)

BEGIN_NS = 500_000 * HOUR_NS
HOURS = 30
TIMING = TimingConfig(cell_s=60)
PACK = EstimatedBattery(
    name="pack",
    site="lab",
    instrument="shunt",
    capacity_ah=100.0,
    chemistry="la",
    max_gap_s=300.0,
    initial_soc_pct=70.0,
)


@pytest.fixture(scope="module")
def readings() -> Readings:
    recording = day_and_night(HOURS, 60.0, bias_a=0.1)
    time_ns = BEGIN_NS + (recording.time_s * NS_PER_S).astype(np.int64)
    warm = slice(None, None, 7)
    return Readings(
        time_ns,
        recording.current_a,
        recording.voltage_v,
        time_ns[warm],
        np.full(len(time_ns[warm]), 21.0),
        np.empty(0, np.int64),
        np.empty(0),
    )


@pytest.fixture(scope="module")
def whole(readings: Readings) -> list[str]:
    return Battery(PACK, TIMING, BEGIN_NS).advance(readings, BEGIN_NS + HOURS * HOUR_NS)


def values(lines: Sequence[str], method: str, field: str) -> list[float]:
    return [
        float(line.split(f"{field}=")[1].split(",")[0].split(" ")[0])
        for line in lines
        if f"method={method}," in line and f"{field}=" in line
    ]


def test_every_method_has_a_row_for_every_cell_and_none_is_far_off(whole: list[str]) -> None:
    truth = 100.0 * day_and_night(HOURS, 60.0, bias_a=0.1).soc
    for method in PACK.methods:
        found = np.array(values(whole, method, "soc_pct"))
        sigma = np.array(values(whole, method, "sigma_pct"))
        assert len(found) == HOURS * 60
        assert np.mean(np.abs(found - truth) <= 2.0 * sigma) > 0.9
    assert len(values(whole, "ekf", "resistance_sigma_ohm")) == HOURS * 60
    assert len(values(whole, "ekf", "capacity_ah")) == HOURS * 60


def test_cut_and_stored_anywhere_it_says_the_same(readings: Readings, whole: list[str]) -> None:
    battery = Battery(PACK, TIMING, BEGIN_NS)
    lines: list[str] = []
    for minute in (1, 2, 59, 60, 61, 700, 701, HOURS * 60):
        lines += battery.advance(readings, BEGIN_NS + minute * 60 * NS_PER_S)
        battery = Battery.load(PACK, TIMING, battery.dump())
    assert sorted(lines) == sorted(whole)


def test_it_says_how_long_it_lasts_after_a_day(whole: list[str]) -> None:
    low, median, high = (
        values(whole, "ekf", name) for name in ("to_full_low_h", "to_full_h", "to_full_high_h")
    )
    assert low or median or high or values(whole, "ekf", "to_empty_h")
    assert all(early <= late for early, late in zip(low, median, strict=False))


def test_a_state_of_a_battery_configured_otherwise_is_refused(readings: Readings) -> None:
    battery = Battery(PACK, TIMING, BEGIN_NS)
    battery.advance(readings, BEGIN_NS + HOUR_NS)
    other = msgspec.structs.replace(PACK, capacity_ah=90.0)
    with pytest.raises(ValueError, match="configured otherwise"):
        Battery.load(other, TIMING, battery.dump())
    with pytest.raises(ValueError, match="no state"):
        Battery.load(PACK, TIMING, b"nonsense")


def test_garbage_is_no_confident_number(readings: Readings, whole: list[str]) -> None:
    current_a, voltage_v = readings.current_a.copy(), readings.voltage_v.copy()
    spoilt = slice(600, 900)
    voltage_v[spoilt] = 0.1  # disconnected
    current_a[700] = 1e6
    current_a[701] = np.nan
    voltage_v[950] = np.nan
    bad = readings._replace(current_a=current_a, voltage_v=voltage_v)
    lines = Battery(PACK, TIMING, BEGIN_NS).advance(bad, BEGIN_NS + HOURS * HOUR_NS)
    for method in ("ekf", "spkf"):
        assert len(values(lines, method, "soc_pct")) == HOURS * 60 - 301
        after = values(lines, method, "sigma_pct")[600]
        assert after > 1.5 * values(whole, method, "sigma_pct")[900]
    assert "nan" not in "".join(lines)


def test_a_pattern_is_the_mean_of_each_hour_without_gaps() -> None:
    time_ns = BEGIN_NS // (24 * HOUR_NS) * 24 * HOUR_NS + np.arange(0, 2 * 3600, 10) * NS_PER_S
    current_a = np.where(np.arange(720) < 360, 1.0, 3.0)
    current_a[500:] = 9.0
    keep = (np.arange(720) < 500) | (np.arange(720) > 700)
    columns = [time_ns[keep], current_a[keep]] + [np.zeros(keep.sum())] * 4
    pattern = Pattern()
    for part in np.array_split(np.arange(keep.sum()), 7):
        pattern.add(Samples(*(column[part] for column in columns)), 60.0)
    first, second, *rest = pattern.days()[0]
    assert first == pytest.approx(1.0)
    assert np.isnan(second) or 3.0 <= second <= 4.5
    assert np.isnan(rest).all()
