"""What is known at every full hour of a history: the past that forecasts are made of.

Nothing here looks beyond its own hour, so no forecast can either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from soclab_services.forecast.history import DAY_H, History, HistoryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Rows = NDArray[np.bool_] | NDArray[np.int64]

HORIZON_H: Final = DAY_H
# Usual days are means of so many: long enough to average weather, short enough to follow seasons.
WINDOW_DAYS: Final = 14
# A mean of fewer days says little of the next.
LEAST_DAYS: Final = 3


class Situations(NamedTuple):
    """Origins of forecasts, one row each; all state of charge in percent.

    Attributes
    ----------
    at
        Place of the origin in the history, shape (m,).
    hour
        Hour of the day (0 to 23) of the origin, shape (m,).
    now
        State of charge there, shape (m,).
    usual
        Mean of the last two weeks at the same hours as the next 24, shape (m, 24).
    change
        Mean change of the last two weeks from this hour to those, shape (m, 24).
    yesterday
        What it was a day before each of the next 24 hours (as usual where unknown), shape (m, 24).
    """

    at: NDArray[np.int64]
    hour: NDArray[np.int64]
    now: Array
    usual: Array
    change: Array
    yesterday: Array

    def take(self, chosen: Rows) -> Situations:
        """Return some of them."""
        return Situations(
            self.at[chosen],
            self.hour[chosen],
            self.now[chosen],
            self.usual[chosen],
            self.change[chosen],
            self.yesterday[chosen],
        )


def situations(history: History, first: int = 0) -> Situations:
    """Return every origin, from the place `first` on, of which enough is known."""
    soc = history.soc_pct
    before = WINDOW_DAYS * DAY_H
    padded = np.concatenate([np.full(before, np.nan), soc])
    at = np.arange(first, len(soc))
    # Place in `padded` of each of the next 24 hours, a day before it.
    ahead = at[:, None] + np.arange(1, HORIZON_H + 1) + before
    level, change = _Mean(ahead.shape), _Mean(ahead.shape)
    for days in range(1, WINDOW_DAYS + 1):
        then = padded[ahead - days * DAY_H]
        level.add(then)
        change.add(then - padded[at + before - days * DAY_H][:, None])
    yesterday = padded[ahead - DAY_H]
    enough = np.isfinite(soc[at]) & (level.least() >= LEAST_DAYS) & (change.least() >= LEAST_DAYS)
    usual = level.value()
    return Situations(
        at,
        (history.first_h + at) % DAY_H,
        soc[at],
        usual,
        change.value(),
        np.where(np.isfinite(yesterday), yesterday, usual),
    ).take(enough)


def latest(history: History) -> Situations:
    """Return the newest hour as the only origin.

    Raises
    ------
    HistoryError
        If too little is known before it.
    """
    found = situations(history, first=len(history.soc_pct) - 1)
    if len(found.at) == 0:
        raise HistoryError(
            history.source,
            f"of its last {WINDOW_DAYS} days too little is known ({history.known_days:.1f} days"
            " in all)",
            f"A forecast needs every hour of the day on {LEAST_DAYS} of them, and the"
            " same hour as its last a day before each: record on.",
        )
    return found


def what_came(history: History, origins: Situations) -> Array:
    """Return the state of charge in the 24 hours after each origin, shape (m, 24), NaN unknown."""
    padded = np.concatenate([history.soc_pct, np.full(HORIZON_H, np.nan)])
    return np.asarray(padded[origins.at[:, None] + np.arange(1, HORIZON_H + 1)])


class _Mean:
    """A mean of arrays that come one by one, of what is known of each element."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._sum = np.zeros(shape)
        self._known = np.zeros(shape, dtype=np.int64)

    def add(self, values: Array) -> None:
        known = np.isfinite(values)
        self._sum += np.where(known, values, 0.0)
        self._known += known

    def value(self) -> Array:
        return self._sum / np.maximum(self._known, 1)

    def least(self) -> NDArray[np.int64]:
        """Return how many days the least known of the 24 hours has."""
        return np.asarray(self._known.min(axis=1))
