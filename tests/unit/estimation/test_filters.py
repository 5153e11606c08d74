"""The filters on a battery that is their own model, and on input that is none."""

from __future__ import annotations

import numpy as np
import pytest
from soclab_services.estimation.equations import S, circuit, look_up, voltage
from soclab_services.estimation.methods import METHODS
from soclab_services.recordings.load import cleaned
from soclab_services.recordings.meta import Meta

from tests.unit.estimation.batteries import day_and_night, lead_acid


def test_slopes_of_the_voltage_are_its_derivatives() -> None:
    model = circuit(lead_acid())
    x = np.array([0.6134, 0.3, 0.1, 0.95, 1.2, 0.01])
    slopes, unused = np.empty(6), np.empty(6)
    voltage(model, x, 5.0, 4.0, 3.0, 15.0, slopes)
    for i in range(6):
        step = np.zeros(6)
        step[i] = 1e-7
        up = voltage(model, x + step, 5.0, 4.0, 3.0, 15.0, unused)[0]
        down = voltage(model, x - step, 5.0, 4.0, 3.0, 15.0, unused)[0]
        assert slopes[i] == pytest.approx((up - down) / 2e-7, rel=1e-5, abs=1e-6)


def test_curves_go_on_beyond_their_ends() -> None:
    table = circuit(lead_acid()).tables[0]
    value, slope = look_up(table, -0.05)
    assert value == pytest.approx(table[0] - 0.05 * slope)


def test_a_gap_of_a_week_widens_the_band() -> None:
    recording = day_and_night(24.0, 60.0)
    half = len(recording.time_s) // 2
    time_s = recording.time_s + 7 * 86400.0 * (np.arange(len(recording.time_s)) >= half)
    meta = Meta(chem="la", nominal_Ah=100.0, prior_soc=0.7, sample_s=60.0)
    found = METHODS["ekf"](recording._replace(time_s=time_s), lead_acid(), meta)
    assert found.sigma[half] > 2.0 * found.sigma[half - 1]
    assert S == 0


def test_rows_that_cannot_be_are_counted_and_left_out() -> None:
    recording = day_and_night(1.0, 10.0)
    current_a, voltage_v = recording.current_a.copy(), recording.voltage_v.copy()
    time_s = recording.time_s.copy()
    current_a[3], current_a[5], voltage_v[7], time_s[9] = np.nan, 5000.0, 0.03, time_s[8]
    used = cleaned(recording._replace(time_s=time_s, current_a=current_a, voltage_v=voltage_v), 100)
    assert sum(used.dropped.values()) == 4
    assert len(used.time_s) == len(time_s) - 4
    assert (np.diff(used.time_s) > 0.0).all()


def test_a_recording_without_a_usable_row_is_an_error() -> None:
    recording = day_and_night(1.0, 10.0)
    with pytest.raises(ValueError, match="no two usable rows"):
        cleaned(recording._replace(voltage_v=np.zeros(len(recording.time_s))), 100.0)
