"""Errors against a reference."""

import numpy as np
import pytest
from soclab_services.estimation.score import score

TIMES = np.arange(10, dtype=np.int64)


def test_errors_of_a_known_series():
    found = score(TIMES[1:], np.full(9, 52.0), np.full(9, 1.5), TIMES, np.linspace(50.0, 59.0, 10))
    assert found.compared == 9
    assert found.max_error_pct == pytest.approx(6.0)
    assert found.final_error_pct == pytest.approx(52.0 - 58.0)
    assert found.within_2_sigma == pytest.approx(6 / 9)
    assert "RMSE" in str(found)


def test_only_where_both_are_known():
    reference = np.array([np.nan] * 5 + [50.0] * 5)
    assert score(TIMES, np.full(10, 50.0), np.ones(10), TIMES, reference).compared == 4


def test_nothing_in_common():
    with pytest.raises(ValueError, match="no time in common"):
        score(TIMES + 100, np.zeros(10), np.ones(10), TIMES, np.zeros(10))
