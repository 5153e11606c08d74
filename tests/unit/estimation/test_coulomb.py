"""The balance: known cases by hand, and what must hold for any series."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from soclab_services.config.model import BatteryConfig, EmptyAnchor, FullAnchor
from soclab_services.estimation.coulomb import LARGEST_SIGMA_PCT, NS_PER_S, Samples, count

CELL_S = 10
START_S = 1_700_000_000  # a multiple of CELL_S


def battery(**changes):
    return BatteryConfig(
        **{
            "name": "b",
            "instrument": "i",
            "site": "s",
            "capacity_ah": 10.0,
            "initial_soc_pct": 50.0,
            "initial_sigma_pct": 5.0,
            **changes,
        }
    )


def samples(times_s, current_a, voltage_v=13.0):
    times = np.asarray(times_s, dtype=np.float64)
    return Samples(
        np.asarray((START_S + times) * NS_PER_S, dtype=np.int64),
        np.broadcast_to(np.asarray(current_a, dtype=np.float64), times.shape),
        np.broadcast_to(np.asarray(voltage_v, dtype=np.float64), times.shape),
    )


def test_an_hour_of_charging_with_losses():
    rows, state = count(samples(range(3601), 1.0), battery(coulombic_efficiency=0.9), CELL_S)
    assert state.soc_pct == pytest.approx(50.0 + 100 * 0.9 / 10)
    assert state.throughput_ah == pytest.approx(1.0)
    assert rows[0].time_ns == (START_S + CELL_S) * NS_PER_S


def test_discharge_has_no_losses():
    _, state = count(samples(range(3601), -1.0), battery(coulombic_efficiency=0.9), CELL_S)
    assert state.soc_pct == pytest.approx(40.0)


def test_intervals_are_trapezoids_of_each_direction():
    _, state = count(samples([0, 36], [-1.0, 1.0]), battery(), CELL_S)
    assert state.soc_pct == pytest.approx(50.0)
    assert state.throughput_ah == pytest.approx(0.01)


def test_a_gap_is_not_integrated_but_not_forgotten():
    _, state = count(samples([0, 1, 1001, 1002], 1.0), battery(max_gap_s=60), CELL_S)
    assert state.soc_pct == pytest.approx(50.0 + 100 * 2 / 3600 / 10)
    assert state.unobserved_s == pytest.approx(1000.0)
    assert state.observed_s == pytest.approx(2.0)


def test_the_longest_allowed_interval_is_no_gap():
    _, state = count(samples([0, 60], 1.0), battery(max_gap_s=60), CELL_S)
    assert state.unobserved_s == 0.0


def test_charge_stays_between_empty_and_full():
    _, full = count(samples(range(0, 36_000, 10), 5.0), battery(), CELL_S)
    assert full.soc_pct == 100.0
    _, then = count(samples(range(36_000, 36_360, 10), -1.0), battery(), CELL_S, full)
    assert 98.9 < then.soc_pct < 99.5  # what was too much does not come back


def test_uncertainty_is_offset_gain_and_blindness():
    pack = battery(
        current_offset_sigma_a=0.1, current_gain_sigma=0.02, unobserved_current_sigma_a=0.5
    )
    times = [*range(0, 3601, 60), *range(7200, 10_801, 60)]
    _, state = count(samples(times, 1.0), pack, CELL_S)
    offset, gain, blind = 0.1 * 2.0, 0.02 * 2.0, 0.5 * 1.0
    expected = np.hypot.reduce([5.0, 10 * offset, 10 * gain, 10 * blind])
    assert state.sigma_pct(pack) == pytest.approx(expected)


FULL = FullAnchor(voltage_v=14.0, tail_current_a=0.5, hold_s=60)


@pytest.mark.parametrize(
    ("times", "current", "voltage", "anchored"),
    [
        (range(100), 0.4, 14.1, True),
        (range(100), -0.4, 14.1, True),
        (range(55), 0.4, 14.1, False),  # not held for long enough
        (range(100), 0.6, 14.1, False),  # still charging
        (range(100), 0.4, 13.9, False),
        ([*range(40), *range(200, 240)], 0.4, 14.1, False),  # a gap between the halves
        (range(100), 0.4, np.nan, False),  # nobody knows the voltage
        (range(100), 0.4, [14.1] * 45 + [13.0] + [14.1] * 54, False),  # one sample breaks it
        (range(100), 0.4, [14.1] * 40 + [np.nan] * 10 + [14.1] * 50, True),  # unknown, not broken
    ],
)
def test_full_anchor(times, current, voltage, anchored):
    _, state = count(samples(times, current, voltage), battery(full=FULL), CELL_S)
    assert (state.soc_pct == 100.0) is anchored
    assert (state.base_sigma_pct == 1.0) is anchored


def test_a_charger_in_float_is_an_anchor():
    series = samples(range(100), 3.0)._replace(charger_state=np.full(100, 3.0))
    pack = battery(full=FullAnchor(charger_state=3, hold_s=60))
    assert count(series, pack, CELL_S)[1].soc_pct == 100.0
    series.charger_state[45] = 2.0
    assert count(series, pack, CELL_S)[1].soc_pct < 100.0


@pytest.mark.parametrize(("voltage", "anchored"), [(10.5, True), (0.4, False), (11.5, False)])
def test_empty_is_low_but_not_disconnected(voltage, anchored):
    pack = battery(empty=EmptyAnchor(voltage_v=10.8, current_a=1.0, hold_s=60))
    _, state = count(samples(range(100), -0.5, voltage), pack, CELL_S)
    assert (state.soc_pct == 0.0) is anchored


PACK = battery(
    coulombic_efficiency=0.95,
    max_gap_s=30,
    full=FULL,
    empty=EmptyAnchor(voltage_v=11.0, current_a=1.0, hold_s=20),
)


@st.composite
def series(draw):
    steps = draw(st.lists(st.floats(0.01, 45.0), min_size=2, max_size=80))
    size = len(steps)
    currents = draw(st.lists(st.floats(-80, 80), min_size=size, max_size=size))
    voltages = draw(
        st.lists(st.sampled_from([10.5, 13.0, 14.2, np.nan]), min_size=size, max_size=size)
    )
    return samples(np.cumsum(steps), currents, voltages)


@given(series(), st.integers(0, 80))
def test_splitting_between_cells_changes_nothing(whole, at):
    rows, state = count(whole, PACK, CELL_S)
    number = whole.time_ns // (CELL_S * NS_PER_S)
    split = int(np.searchsorted(number, number[min(at, len(number) - 1)]))
    first = Samples(*(column[:split] for column in whole[:3]))
    second = Samples(*(column[split:] for column in whole[:3]))
    before, middle = count(first, PACK, CELL_S)
    after, last = count(second, PACK, CELL_S, middle)
    assert [row.time_ns for row in before + after] == [row.time_ns for row in rows]
    np.testing.assert_allclose([r.soc_pct for r in before + after], [r.soc_pct for r in rows])
    np.testing.assert_allclose([r.sigma_pct for r in before + after], [r.sigma_pct for r in rows])
    assert (last.samples, last.last_time_ns) == (state.samples, state.last_time_ns)


@given(series())
def test_bounds(whole):
    rows, state = count(whole, PACK, CELL_S)
    assert all(0.0 <= row.soc_pct <= 100.0 for row in rows)
    assert all(0.0 < row.sigma_pct <= LARGEST_SIGMA_PCT for row in rows)
    assert all(row.unobserved_s >= 0.0 for row in rows)
    assert state.samples == len(whole.time_ns)
    assert np.all(np.diff([row.time_ns for row in rows]) > 0)


def test_no_samples_no_rows():
    rows, state = count(samples([], []), PACK, CELL_S)
    assert rows == []
    assert state.soc_pct == 50.0
