"""What the filters find out about a battery that is their own model, behind a poor instrument."""

from __future__ import annotations

import numpy as np
import pytest
from soclab_services.estimation.equations import STATES, S, circuit, look_up, voltage
from soclab_services.estimation.methods import METHODS

from tests.unit.estimation.batteries import DAY_S, day_and_night, lead_acid, meta

# The first run on a machine compiles the filters: a minute of an idle core.
pytestmark = pytest.mark.timeout(1200)

EKF = METHODS["ekf"]


def test_slopes_of_the_voltage_are_its_derivatives() -> None:
    model = circuit(lead_acid())._replace(charge_i0_exponent=0.7)
    x = np.array([0.6134, 0.3, 0.1, 0.95, 1.2, 0.01, -0.02, 0.1, 0.02, 0.001])
    slopes, unused = np.empty(STATES), np.empty(STATES)
    voltage(model, x, 5.0, 4.0, 3.0, 15.0, slopes)
    for i in range(STATES):
        step = np.zeros(STATES)
        step[i] = 1e-7
        up = voltage(model, x + step, 5.0, 4.0, 3.0, 15.0, unused)[0]
        down = voltage(model, x - step, 5.0, 4.0, 3.0, 15.0, unused)[0]
        assert slopes[i] == pytest.approx((up - down) / 2e-7, rel=1e-5, abs=1e-6)


def test_curves_go_on_beyond_their_ends() -> None:
    table = circuit(lead_acid()).tables[0]
    value, slope = look_up(table, -0.05)
    assert value == pytest.approx(table[0] - 0.05 * slope)


@pytest.mark.parametrize("prior", [0.3, 1.0])
@pytest.mark.parametrize("method", ["ekf", "spkf"])
def test_a_wrong_start_is_mended_within_a_day(method: str, prior: float) -> None:
    recording = day_and_night(72.0, 60.0)
    found = METHODS[method](recording, lead_acid(), meta(prior_soc=prior))
    later = recording.time_s > DAY_S
    assert np.abs(found.soc - recording.soc)[later].max() < 0.05


def test_it_says_that_it_does_not_know_where_it_begins() -> None:
    recording = day_and_night(72.0, 60.0)
    found = EKF(recording, lead_acid(), meta(prior_soc=0.3))
    assert found.sigma[0] > 0.15
    assert found.sigma[-1] < 0.03


@pytest.mark.parametrize("bias_a", [-0.4, 0.25])
def test_the_bias_of_the_sensor_is_found(bias_a: float) -> None:
    recording = day_and_night(14 * 24.0, 60.0, bias_a=bias_a)
    found = EKF(recording, lead_acid(), meta())
    assert found.bias_a[-1] == pytest.approx(bias_a, abs=0.05)


def test_a_bias_that_jumps_is_found_again() -> None:
    recording = day_and_night(
        20 * 24.0, 60.0, bias_a=lambda time_s: np.where(time_s > 9.3 * DAY_S, 0.3, -0.2)
    )
    found = EKF(recording, lead_acid(), meta())
    before = int(9.0 * DAY_S / 60.0)
    assert found.bias_a[before] == pytest.approx(-0.2, abs=0.05)
    assert found.bias_a[-1] == pytest.approx(0.3, abs=0.05)
    assert np.abs(found.soc - recording.soc)[recording.time_s > 900.0].max() < 0.06


def test_lost_capacity_is_found() -> None:
    recording = day_and_night(14 * 24.0, 60.0, amplitude_a=8.0, capacity=0.9)
    found = EKF(recording, lead_acid(), meta())
    assert found.capacity_ah[-1] == pytest.approx(90.0, abs=3.0)


def test_a_gap_of_a_week_widens_the_band_and_more_data_narrows_it() -> None:
    recording = day_and_night(72.0, 60.0)
    third = len(recording.time_s) // 3
    time_s = recording.time_s + 7 * DAY_S * (np.arange(len(recording.time_s)) >= third)
    found = EKF(recording._replace(time_s=time_s), lead_acid(), meta(sample_s=60.0))
    assert found.sigma[third] > 2.0 * found.sigma[third - 1]
    assert found.sigma[-1] < 0.5 * found.sigma[third]


def test_two_sigma_hold_nearly_all_of_the_truth() -> None:
    rng = np.random.default_rng(7)
    covered = []
    for seed in range(12):
        recording = day_and_night(
            10 * 24.0,
            300.0,
            start_soc=rng.uniform(0.5, 0.75),
            bias_a=rng.uniform(-0.4, 0.4),
            capacity=rng.uniform(0.9, 1.0),
            offset_v=rng.choice([-0.02, 0.0, 0.02]),
            seed=seed,
        )
        found = EKF(recording, lead_acid(), meta(prior_soc=rng.uniform(0.3, 1.0)))
        covered.append(np.mean(np.abs(found.soc - recording.soc) <= 2.0 * found.sigma))
    assert np.mean(covered) > 0.9
    assert min(covered) > 0.6


def test_hindsight_is_better_than_foresight() -> None:
    recording = day_and_night(10 * 24.0, 60.0, bias_a=0.2)
    errors = {
        name: np.sqrt(
            np.mean((METHODS[name](recording, lead_acid(), meta()).soc - recording.soc) ** 2)
        )
        for name in ("ekf", "smoother")
    }
    assert errors["smoother"] < errors["ekf"]


@pytest.mark.parametrize(("step_s", "hours"), [(0.1, 0.5), (1.0, 6.0), (60.0, 48.0), (300.0, 48.0)])
def test_any_sampling_from_10_hz_to_300_s(step_s: float, hours: float) -> None:
    recording = day_and_night(hours, step_s)
    found = EKF(recording, lead_acid(), meta())
    error = np.abs(found.soc - recording.soc)[recording.time_s > 900.0]  # nothing was known before
    assert error.max() < 0.06
    assert (error <= 3.0 * found.sigma[recording.time_s > 900.0]).all()


def test_what_is_asked_for_is_the_first_state() -> None:
    assert S == 0
