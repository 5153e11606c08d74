"""Forecasts that need no training; what is learned must beat every one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from soclab_services.forecast.situations import HORIZON_H

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from soclab_services.forecast.situations import Situations

    Array = NDArray[np.float64]


def persistence(known: Situations) -> Array:
    """Expect that it stays as it is."""
    return np.repeat(known.now[:, None], HORIZON_H, axis=1)


def yesterday(known: Situations) -> Array:
    """Expect what was at the same hour a day before."""
    return known.yesterday


def same_hour_mean(known: Situations) -> Array:
    """Expect what was at the same hour on average of the last two weeks."""
    return known.usual


def same_hour_change(known: Situations) -> Array:
    """Expect the average change from this hour on of the last two weeks, up to full or empty."""
    return np.clip(known.now[:, None] + known.change, 0.0, 100.0)


BASELINES: Final[dict[str, Callable[[Situations], Array]]] = {
    "persistence": persistence,
    "yesterday": yesterday,
    "same_hour_mean": same_hour_mean,
    "same_hour_change": same_hour_change,
}
