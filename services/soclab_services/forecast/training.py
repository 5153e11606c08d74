"""Training on one part of a history, and the comparison on days held back from it.

Everything is in order of time: weights, penalty and bands come from days before those on which
they are judged, and no origin is learned from whose 24 hours reach into them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from soclab_services.forecast import learned
from soclab_services.forecast.band import Band, band
from soclab_services.forecast.baselines import BASELINES
from soclab_services.forecast.history import DAY_H, History, HistoryError
from soclab_services.forecast.score import Comparison, Score, gain, score
from soclab_services.forecast.situations import (
    HORIZON_H,
    LEAST_DAYS,
    Situations,
    situations,
    what_came,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LEARNED: Final = "learned"
HELD_BACK: Final = 1 / 3
# Three to begin with, five to learn from, four to be judged on.
LEAST_HISTORY_DAYS: Final = 12
FOLDS: Final = 8


class Fitted(NamedTuple):
    """A forecaster by name, with its band; weights and their penalty if it was learned."""

    method: str
    band: Band
    weights: Array | None = None
    penalty: float | None = None

    def forecast(self, known: Situations) -> Array:
        """Return the forecast (%), shape (m, 24)."""
        if self.weights is None:
            return BASELINES[self.method](known)
        return learned.predict(known, self.weights)


class Divided(NamedTuple):
    """A history in order of time: origins to learn from and what came, then those held back."""

    early: Situations
    early_came_pct: Array
    late: Situations
    late_came_pct: Array


def divided(history: History) -> Divided:
    """Hold back the last third.

    Raises
    ------
    HistoryError
        If there is too little to learn from or to be judged on.
    """
    if history.known_days < LEAST_HISTORY_DAYS:
        raise HistoryError(
            history.source,
            f"{history.known_days:.1f} days are known, {LEAST_HISTORY_DAYS} are needed",
            f"Record {LEAST_HISTORY_DAYS - history.known_days:.1f} days more.",
        )
    known = situations(history)
    came = what_came(history, known)
    split = int(len(history.soc_pct) * (1.0 - HELD_BACK))
    early = known.at + HORIZON_H <= split
    late = (known.at >= split) & (known.at + HORIZON_H < len(history.soc_pct))
    late &= np.isfinite(came).any(axis=1)
    _check_enough(history, known.at[early], known.at[late])
    return Divided(known.take(early), came[early], known.take(late), came[late])


def compare(history: History) -> Comparison:
    """Return how each forecaster does on the days held back; raises as `divided` does."""
    early, early_came, late, late_came = divided(history)
    day = (late.at - late.at[0]) // DAY_H
    scores: dict[str, Score] = {}
    daily: dict[str, Array] = {}
    for fitted in fit_every(early, early_came):
        forecast = fitted.forecast(late)
        scores[fitted.method], daily[fitted.method] = score(
            forecast, fitted.band.around(forecast), late_came, day
        )
    best = min(BASELINES, key=lambda name: scores[name].mae_pct)
    return Comparison(scores, best, *gain(daily[best], daily[LEARNED]), len(daily[best]))


def fit_winner(history: History, comparison: Comparison) -> Fitted:
    """Return the winner, fitted to the whole history: the days held back are news, too."""
    known = situations(history)
    winner = LEARNED if comparison.learned_wins else comparison.best_baseline
    fitted = fit_every(known, what_came(history, known))
    return next(one for one in fitted if one.method == winner)


def fit_every(known: Situations, came_pct: Array) -> list[Fitted]:
    """Return every forecaster; bands and penalty are from the later half of the origins."""
    later = slice(len(known.at) // 2, None)
    fitted = [
        Fitted(name, band(forecast(known)[later], came_pct[later]))
        for name, forecast in BASELINES.items()
    ]
    chained = {penalty: _unseen(known, came_pct, penalty) for penalty in learned.PENALTIES}
    error_pct = {p: np.nanmean(np.abs(one - came_pct[later])) for p, one in chained.items()}
    penalty = min(error_pct, key=lambda p: error_pct[p])
    weights = learned.fit(known, came_pct, penalty)
    return [
        *fitted,
        Fitted(LEARNED, band(chained[penalty], came_pct[later]), weights, penalty),
    ]


def _unseen(known: Situations, came_pct: Array, penalty: float) -> Array:
    """Return forecasts of the later half, each by weights of what had come before it."""
    half = len(known.at) // 2
    parts = []
    for rows in np.array_split(np.arange(half, len(known.at)), FOLDS):
        before = known.at + HORIZON_H <= known.at[rows[0]]
        weights = learned.fit(known.take(before), came_pct[before], penalty)
        parts.append(learned.predict(known.take(rows), weights))
    return np.concatenate(parts)


def _check_enough(history: History, early: NDArray[np.int64], late: NDArray[np.int64]) -> None:
    """Refuse a history that is long enough but has gaps in the wrong places."""
    for hours, least_days, purpose in ((early, 3, "learn from"), (late, 2, "be judged on")):
        if len(hours) < least_days * DAY_H:
            raise HistoryError(
                history.source,
                f"gaps leave {len(hours)} hours to {purpose}, {least_days * DAY_H} are needed",
                f"Record on: an hour counts if at its time of day, and a day later, {LEAST_DAYS}"
                " of the 14 days before it are known.",
            )
