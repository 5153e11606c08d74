"""Whatever a recording holds: an error that says what is wrong, or a band that holds the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soclab_services.estimation.methods import METHODS
from soclab_services.recordings.load import Recording, cleaned

from tests.unit.estimation.batteries import day_and_night, lead_acid, meta

# The first run on a machine compiles the filters: a minute of an idle core.
pytestmark = pytest.mark.timeout(1200)

CLEAN = day_and_night(36.0, 60.0)
N = len(CLEAN.time_s)


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


@st.composite
def spoilt(draw: st.DrawFn) -> Recording:
    """Return a recording with some of what goes wrong, anywhere."""
    time_s, current_a, voltage_v = (column.copy() for column in CLEAN[:3])
    where = st.integers(1, N - 2)
    for at in draw(st.lists(where, max_size=8)):
        current_a[at] = draw(st.sampled_from([np.nan, np.inf, -np.inf, 1e6, -3000.0]))
    for at in draw(st.lists(where, max_size=8)):
        voltage_v[at] = draw(st.sampled_from([np.nan, np.inf, 0.0, 0.4, -12.0, 300.0]))
    for at in draw(st.lists(where, max_size=8)):  # repeated, running back, not a number
        time_s[at] = draw(st.sampled_from([time_s[at - 1], time_s[at - 1] - 500.0, np.nan]))
    if draw(st.booleans()):  # nobody looked, for an hour or a week
        time_s[draw(where) :] += draw(st.sampled_from([3600.0, 7 * 86400.0]))
    if draw(st.booleans()):  # the battery was disconnected
        first = draw(where)
        voltage_v[first : first + draw(st.integers(1, 400))] = 0.3
    return CLEAN._replace(time_s=time_s, current_a=current_a, voltage_v=voltage_v)


@settings(max_examples=60, deadline=None)
@given(spoilt(), st.sampled_from(["ekf", "smoother"]), st.floats(0.0, 1.0))
def test_never_a_confident_wrong_number(raw: Recording, method: str, prior: float) -> None:
    used = cleaned(raw, 100.0)
    found = METHODS[method](used, lead_acid(), meta(prior_soc=prior, sample_s=60.0))
    assert all(np.isfinite(column).all() for column in found)
    assert ((found.soc >= 0.0) & (found.soc <= 1.0)).all()
    assert (found.sigma > 0.0).all()
    # A wrong start may look right for some hours; what it says then is scored in benchmarks/soc.
    late = used.time_s > used.time_s[0] + 12 * 3600.0
    far = np.abs(found.soc - used.soc)[late] > np.maximum(4.0 * found.sigma[late], 0.05)
    assert far.mean() < 0.02


@settings(max_examples=25, deadline=None)
@given(st.integers(100, N - 100), st.sampled_from([3600.0, 6 * 3600.0, 7 * 86400.0]))
def test_a_gap_never_narrows_the_band(at: int, gap_s: float) -> None:
    time_s = CLEAN.time_s.copy()
    time_s[at:] += gap_s
    found = METHODS["ekf"](CLEAN._replace(time_s=time_s), lead_acid(), meta(sample_s=60.0))
    assert found.sigma[at] > found.sigma[at - 1]
