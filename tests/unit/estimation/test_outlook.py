"""How long a battery lasts."""

from __future__ import annotations

import numpy as np
import pytest
from soclab_services.estimation.outlook import hourly, outlook


def days(hours_a: list[float]) -> np.ndarray:
    return np.array([hours_a, hours_a])


def test_a_constant_load_empties_it_when_it_must() -> None:
    found = outlook(0.5, 1e-6, 100.0, days([-5.0] * 24), now_s=1800.0)
    assert found.to_empty.median == pytest.approx(10.0, abs=0.01)
    assert found.to_empty.high - found.to_empty.low < 0.01
    assert found.to_full.low == np.inf


def test_what_is_unsure_of_the_charge_is_unsure_of_the_time() -> None:
    found = outlook(0.5, 0.05, 100.0, days([-5.0] * 24), now_s=0.0)
    assert found.to_empty.low == pytest.approx(8.0, abs=0.4)
    assert found.to_empty.high == pytest.approx(12.0, abs=0.4)


def test_a_sunny_day_fills_it_and_the_night_does_not_empty_it() -> None:
    night, day = [-2.0] * 6, [8.0] * 12
    found = outlook(0.6, 1e-6, 100.0, days([*night, *day, *night]), now_s=0.0)
    # 60 % - 12 Ah at six, then 8 A
    assert found.to_full.median == pytest.approx(6.0 + 52.0 / 8.0, abs=0.01)
    assert found.to_empty.low == np.inf


def test_days_that_differ_give_a_band() -> None:
    unlike = np.array([[-2.0] * 24, [-8.0] * 24])
    found = outlook(0.9, 1e-6, 100.0, unlike, now_s=0.0)
    assert found.to_empty.low < found.to_empty.median < found.to_empty.high


def test_hours_are_means_of_what_was_observed() -> None:
    time_s = np.arange(0.0, 2 * 86400.0, 60.0)
    current_a = np.where(time_s // 3600 % 24 == 3, -6.0, 1.0)
    kept = (time_s < 5 * 3600.0) | (time_s > 7.8 * 3600.0)
    found = hourly(time_s[kept], current_a[kept], longest_s=300.0)
    assert found.shape == (2, 24)
    assert found[0, 10] == pytest.approx(1.0)
    assert found[1, 3] == pytest.approx(-6.0, abs=0.1)
    assert np.isnan(found[0, 6])


def test_an_hour_never_seen_is_no_guess() -> None:
    gap = days([1.0] * 24)
    gap[:, 4] = np.nan
    with pytest.raises(ValueError, match="every hour"):
        outlook(0.5, 0.01, 100.0, gap, now_s=0.0)
