"""Sums over raw counts give what plain arithmetic over volts gives."""

import math
from array import array
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soclab_collectors.instruments.labjack_t7.interval import Interval
from soclab_collectors.instruments.labjack_t7.invalid import InvalidValues
from soclab_collectors.transports.t7_calibration import Constants, nominal
from soclab_collectors.transports.t7_link import Column

from tests.protocol.labjack_t7.support import CURRENT, VOLTAGE, t7_config

DEVICE = Constants(0.00031595, -0.00031470, 33511.0)  # slopes that differ by 0.4 %
counts = st.integers(33511 - 20_000, 33511 + 20_000)  # within ±6.3 V: what both sensors can do
scans = st.lists(st.tuples(counts, counts), min_size=1, max_size=60)


def plain_volts(count: int, c: Constants) -> float:
    if count >= c.centre:
        return (count - c.centre) * c.slope_above
    return (c.centre - count) * c.slope_below


@settings(deadline=None)  # other work on the machine is no failure
@given(
    scans=scans,
    cut=st.integers(0, 60),
    constants=st.sampled_from([DEVICE, nominal(10.0)]),
    zero_v=st.floats(-0.1, 0.1),
    direction=st.sampled_from([1, -1]),
)
def test_statistics_agree_with_plain_arithmetic(scans, cut, constants, zero_v, direction):
    lem = CURRENT["transfer"] | {"zero_v": zero_v, "direction": direction}
    channels = t7_config(channels=[CURRENT | {"transfer": lem}, VOLTAGE]).channels
    interval = Interval(channels, InvalidValues())
    for part in (scans[:cut], scans[cut:]):
        if part:
            interval.add(
                [constants.column(array("H", column)) for column in zip(*part, strict=True)]
            )
    fields = interval.fields()
    amperes = [direction * 10 * (plain_volts(a, constants) - zero_v) for a, _ in scans]
    volts = [2 * plain_volts(b, constants) for _, b in scans]
    expected = {
        "current_a": fmean(amperes),
        "current_min_a": min(amperes),
        "current_max_a": max(amperes),
        "current_rms_a": math.sqrt(fmean(a * a for a in amperes)),
        "voltage_v": fmean(volts),
        "voltage_min_v": min(volts),
        "voltage_max_v": max(volts),
        "voltage_rms_v": math.sqrt(fmean(v * v for v in volts)),
        "power_w": fmean(a * v for a, v in zip(amperes, volts, strict=True)),
    }
    # 1e-4 is less than a tenth of a count of the converter: where slopes are taken as one, and in
    # the RMS of values near zero
    assert fields == pytest.approx(expected, rel=1e-6, abs=1e-4)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -9999.0, 10.06])
def test_one_bad_sample_takes_the_channel_out(bad):
    channels = t7_config().channels
    invalid = InvalidValues()
    interval = Interval(channels, invalid)
    interval.add([Column([0.1, 0.2, 0.1], 1.0, 0.0), Column([6.0, bad, 6.1], 1.0, 0.0)])
    assert set(interval.fields()) == {
        "current_a",
        "current_min_a",
        "current_max_a",
        "current_rms_a",
    }
    assert invalid.total == 1


def test_power_is_the_mean_of_the_product():
    interval = Interval(t7_config().channels, InvalidValues())
    interval.add([Column([0.5, -0.5], 1.0, 0.0), Column([6.5, 5.5], 1.0, 0.0)])
    # 5 A at 13 V, then -5 A at 11 V: the product of the means would be zero
    assert interval.fields()["power_w"] == pytest.approx((5 * 13 - 5 * 11) / 2)
