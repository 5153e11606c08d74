"""Bands of a forecast, from the errors it made on days that it had not seen (split conformal).

After Vovk et al., Algorithmic Learning in a Random World (2005), ch. 2, with one deviation: hours
that follow each other err alike, so half a day (its sun, or its night) counts as one draw, not as
12. With few days the band is wider for it, up to the largest error seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LEVEL: Final = 0.9
DRAW_H: Final = 12


class Band(NamedTuple):
    """What to add to a forecast (%) for its lower and upper end, shape (24,) each."""

    low_pct: Array
    high_pct: Array

    def around(self, forecast_pct: Array) -> tuple[Array, Array]:
        """Return lower and upper end, within 0 to 100 %."""
        low, high = forecast_pct + self.low_pct, forecast_pct + self.high_pct
        return np.clip(low, 0.0, 100.0), np.clip(high, 0.0, 100.0)


def band(forecast_pct: Array, came_pct: Array) -> Band:
    """Return the band of forecasts of one origin an hour, shape (m, 24); NaN is left out."""
    error_pct = came_pct - forecast_pct
    draws = len(error_pct) / DRAW_H
    upper = min(1.0, (draws + 1.0) / draws * (1.0 + LEVEL) / 2.0)
    low, high = np.nanquantile(error_pct, (1.0 - upper, upper), axis=0)
    return Band(low, high)
