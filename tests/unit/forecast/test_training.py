"""What is learned, what it is compared with, and that nothing looks ahead."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from soclab_services.forecast import learned
from soclab_services.forecast.baselines import BASELINES, same_hour_change
from soclab_services.forecast.history import HistoryError
from soclab_services.forecast.situations import latest, situations, what_came
from soclab_services.forecast.training import compare, fit_every, fit_winner

from tests.unit.forecast.histories import returning, wandering


def test_where_days_return_to_their_shape_the_learned_model_wins() -> None:
    found = compare(returning(60))
    assert found.learned_wins
    assert found.gain_pct > 2.0 * found.gain_sigma_pct
    assert fit_winner(returning(60), found).method == "learned"
    # 4.35 % is left to one who knows how such days are made.
    assert 0.85 * 4.35 < found.scores["learned"].rmse_pct < 1.25 * 4.35


def test_where_nothing_can_be_learned_a_baseline_stays() -> None:
    found = compare(wandering(40))
    assert not found.learned_wins
    assert found.best_baseline == "persistence"
    assert fit_winner(wandering(40), found).weights is None


def test_bands_hold_what_they_promise() -> None:
    compared = [compare(returning(60, seed)).scores for seed in range(6)]
    for name in ("persistence", "yesterday", "same_hour_change", "learned"):
        within = np.mean([scores[name].within_band for scores in compared])
        # Half a day is one draw: rather somewhat more than 90 % than less.
        assert 0.88 < within < 0.98, name


def test_the_weights_are_those_of_scikit_learn() -> None:
    history = returning(30)
    known = situations(history)
    whole = known.at + 24 < len(history.soc_pct)
    known, came = known.take(whole), what_came(history, known)[whole]
    weights = learned.fit(known, came, penalty=0.3)
    for ahead in (0, 11, 23):
        x = learned.features(known)[ahead]
        scale = np.sqrt((x**2).mean(axis=0))
        scale[scale < 1e-9] = np.inf
        peer = Ridge(alpha=0.3 * len(x), fit_intercept=False)
        peer.fit(x / scale, (came - same_hour_change(known))[:, ahead])
        np.testing.assert_allclose(weights[ahead], peer.coef_ / scale, atol=1e-9)


def test_no_forecast_changes_with_what_came_after_it() -> None:
    history = returning(30)
    changed = history._replace(soc_pct=history.soc_pct.copy())
    changed.soc_pct[500:] = 5.0
    before, after = situations(history), situations(changed)
    early = before.at < 500
    for was, now in zip(before.take(early), after.take(early), strict=True):
        np.testing.assert_array_equal(was, now)


def test_what_was_held_back_teaches_nothing() -> None:
    history = returning(30)
    split = 480  # two thirds
    known, came = situations(history), what_came(history, situations(history))
    early = known.at + 24 <= split
    hidden = history._replace(soc_pct=history.soc_pct.copy())
    hidden.soc_pct[split + 1 :] = np.nan
    known_hidden = situations(hidden)
    early_hidden = known_hidden.at + 24 <= split
    one = fit_every(known.take(early), came[early])[-1]
    other = fit_every(
        known_hidden.take(early_hidden), what_came(hidden, known_hidden)[early_hidden]
    )
    np.testing.assert_array_equal(one.weights, other[-1].weights)
    np.testing.assert_array_equal(one.band.low_pct, other[-1].band.low_pct)


def test_baselines_are_what_their_names_say() -> None:
    days = np.tile(np.linspace(20.0, 66.0, 24), 5)
    history = returning(5)._replace(soc_pct=days)
    known = latest(history)
    assert known.hour[0] == 23
    for name in ("yesterday", "same_hour_mean", "same_hour_change"):
        np.testing.assert_allclose(BASELINES[name](known)[0], days[:24])
    assert (BASELINES["persistence"](known) == 66.0).all()


@pytest.mark.parametrize(("days", "missing"), [(11, "Record 1.0 days more"), (2, "10.0 days more")])
def test_too_short_a_history_says_how_much_is_missing(days: int, missing: str) -> None:
    with pytest.raises(HistoryError, match=f"12 are needed. .*{missing}"):
        compare(returning(days))


def test_long_gaps_in_the_wrong_place_are_named() -> None:
    history = returning(40)
    soc = history.soc_pct.copy()
    soc[27 * 24 : 39 * 24 + 12] = np.nan
    with pytest.raises(HistoryError, match=r"gaps leave .* to be judged on"):
        compare(history._replace(soc_pct=soc))


def test_a_forecast_needs_days_before_it() -> None:
    with pytest.raises(HistoryError, match="every hour of the day on 3"):
        latest(returning(3))


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 23 * 24), st.integers(1, 60)), max_size=8),
    st.sampled_from([returning, wandering]),
    st.sampled_from([0.0, 0.2, 1.0]),
)
def test_with_any_gaps_there_are_numbers_or_a_reason(gaps, make, spread) -> None:
    history = make(24)
    soc = 50.0 + spread * (history.soc_pct - 50.0)
    for begin, hours in gaps:
        soc[begin : begin + hours] = np.nan
    soc[-1] = 50.0
    history = history._replace(soc_pct=soc)
    try:
        found = compare(history)
        fitted = fit_winner(history, found)
        forecast = fitted.forecast(latest(history))
    except HistoryError as error:
        assert str(error).startswith(history.source)  # noqa: PT017  either is right
        return
    low, high = fitted.band.around(forecast)
    assert ((low >= 0.0) & (low <= high) & (high <= 100.0)).all()
    assert ((forecast >= 0.0) & (forecast <= 100.0)).all()
    assert all(np.isfinite([one.mae_pct, one.within_band]).all() for one in found.scores.values())
