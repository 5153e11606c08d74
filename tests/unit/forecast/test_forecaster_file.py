"""A forecaster as a file: read as it was written, refused when it is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from soclab_services.forecast.forecaster import (
    forecast,
    forecaster,
    load_forecaster,
    save_forecaster,
)
from soclab_services.forecast.history import HistoryError
from soclab_services.forecast.situations import latest
from soclab_services.forecast.training import compare, fit_winner

from tests.unit.forecast.histories import returning, wandering

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def learned():
    history = returning(40)
    comparison = compare(history)
    return forecaster(history, fit_winner(history, comparison), comparison)


def test_it_is_read_as_it_was_written(learned, tmp_path: Path) -> None:
    save_forecaster(learned, tmp_path / "f.json")
    again = load_forecaster(tmp_path / "f.json")
    assert again == learned
    assert [file.name for file in tmp_path.iterdir()] == ["f.json"]
    expected = fit_winner(returning(40), compare(returning(40))).forecast(latest(returning(40)))[0]
    hours = forecast(again, returning(40))
    np.testing.assert_allclose([hour.soc_pct for hour in hours[1:]], expected)
    assert [hours[0].time, hours[1].time] == [959 * 3600.0, 960 * 3600.0]
    assert again.provenance.known_days == 40.0
    assert again.provenance.scores["learned"].mae_pct > 0.0


def test_a_baseline_has_no_weights(tmp_path: Path) -> None:
    history = wandering(20)
    comparison = compare(history)
    made = forecaster(history, fit_winner(history, comparison), comparison)
    save_forecaster(made, tmp_path / "f.json")
    assert load_forecaster(tmp_path / "f.json").weights == ()


SPOILT = {
    "schema of another version": ({"schema": 2}, "schema 2, known is 1"),
    "unknown key": ({"pickle": "x"}, "pickle"),
    "unknown method": ({"method": "oracle"}, "oracle"),
    "band too short": ({"band_low_pct": [1.0]}, "a band needs 24"),
    "band upside down": ({"band_low_pct": [99.0] * 24}, "above band_high_pct"),
    "weights missing": ({"weights": []}, "weights must be 24"),
    "other features": ({"features": ["moon"]}, "features of learned"),
    "no number": ({"band_low_pct": [None] * 24}, "float"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_what_was_not_written_here_is_refused(case: str, learned, tmp_path: Path) -> None:
    change, reason = SPOILT[case]
    path = tmp_path / "f.json"
    save_forecaster(learned, path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=f"f.json: .*{reason}.*soclab forecast train"):
        load_forecaster(path)


def test_a_file_cut_short_or_not_there_is_refused(learned, tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    with pytest.raises(ValueError, match="No such file"):
        load_forecaster(path)
    save_forecaster(learned, path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match="truncated"):
        load_forecaster(path)


def test_another_clock_or_battery_is_refused(learned) -> None:
    with pytest.raises(HistoryError, match="its clock is t_unix"):
        forecast(learned, returning(40)._replace(clock="t_unix"))
    history = returning(40)._replace(battery="shed")
    comparison = compare(history)
    made = forecaster(history, fit_winner(history, comparison), comparison)
    with pytest.raises(HistoryError, match="is of battery shed"):
        forecast(made, history._replace(battery="roof"))
