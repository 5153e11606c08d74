"""From samples to full hours; what cannot be is refused with a reason and a remedy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soclab_services.forecast.history import HistoryError, from_samples

TIME_S = np.arange(0.0, 86400.0, 600.0)
SOC = 50.0 + np.arange(len(TIME_S)) / 10.0


def test_a_full_hour_lies_between_its_samples() -> None:
    found = from_samples(
        np.array([7000.0, 7300.0, 10000.0, 11000.0]), np.array([10, 40, 4, 14.0]), "t_s", "x"
    )
    assert (found.first_h, found.last_h) == (2, 3)
    np.testing.assert_allclose(found.soc_pct, [30.0, 12.0])


def test_hours_in_a_gap_are_unknown() -> None:
    kept = (TIME_S < 4.2 * 3600.0) | (TIME_S > 7.9 * 3600.0)
    found = from_samples(TIME_S[kept], SOC[kept], "t_s", "x")
    assert np.flatnonzero(np.isnan(found.soc_pct)).tolist() == [5, 6, 7]
    assert found.known_days == pytest.approx(21 / 24)


def test_hours_without_a_state_of_charge_are_unknown() -> None:
    soc = np.where((TIME_S > 4.2 * 3600.0) & (TIME_S < 7.9 * 3600.0), np.nan, SOC)
    found = from_samples(TIME_S, soc, "t_s", "x")
    assert np.flatnonzero(np.isnan(found.soc_pct)).tolist() == [5, 6, 7]


BAD = {
    "row 3 has t_s 1800, not after 1800": ([0, 900, 1800, 1800], [1, 2, 3, 4]),
    "row 2 has t_s 600, not after 900": ([0, 900, 600], [1, 2, 3]),
    "row 1 has no t_s": ([0, np.nan, 600], [1, 2, 3]),
    "samples are 7200 s apart": ([0, 7200, 14400], [1, 2, 3]),
    "fewer than two samples": ([0, 900], [1, np.nan]),
    "state of charge is 740 % at t_s 900": ([0, 900], [50, 740]),
    "never above 0.7 %": ([0, 3600], [0.5, 0.7]),
    "no full hour": ([10, 900], [50, 51]),
    "Remove rows of a clock that was wrong": ([0, 10, 1.7e9], [50, 51, 52]),
}


@pytest.mark.parametrize("reason", BAD)
def test_what_cannot_be_is_refused(reason: str) -> None:
    time_s, soc = (np.array(column, dtype=float) for column in BAD[reason])
    with pytest.raises(HistoryError, match=f"^x: .*{reason}"):
        from_samples(time_s, soc, "t_s", "x")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.1, 20_000.0), min_size=1, max_size=60),
    st.floats(-1e6, 1e6),
    st.randoms(use_true_random=False),
)
def test_an_hour_is_never_beyond_the_samples_around_it(steps, begin, random) -> None:
    time_s = begin + np.cumsum(steps)
    soc = np.array([random.uniform(0.0, 100.0) for _ in steps])
    try:
        found = from_samples(time_s, soc, "t_s", "x")
    except HistoryError:
        return
    for hour, value in enumerate(found.soc_pct, start=found.first_h):
        at = int(np.searchsorted(time_s, hour * 3600.0))
        near = soc[max(at - 1, 0) : at + 1]
        assert np.isnan(value) or near.min() - 1e-6 <= value <= near.max() + 1e-6
