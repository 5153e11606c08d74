"""How far forecasts are from what came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# A gain below its own standard error is as likely luck.
LUCK: Final = 1.0


class Score(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Errors over the next 24 hours in percent of state of charge."""

    mae_pct: float
    rmse_pct: float
    mae_at_24h_pct: float
    within_band: float
    """Part of what came (0..1) that lay within the 90 % band."""
    band_width_pct: float
    """Mean width of the band."""


class Comparison(msgspec.Struct, frozen=True):
    """Every forecaster on the same days, which none of them had seen."""

    scores: dict[str, Score]
    best_baseline: str
    gain_pct: float
    """How much less the learned model errs than the best baseline (mean of days); minus: more."""
    gain_sigma_pct: float
    """Standard error of that, from day to day."""
    held_back_days: int

    @property
    def learned_wins(self) -> bool:
        """Whether the gain is more than luck."""
        return self.gain_pct > LUCK * self.gain_sigma_pct


def score(
    forecast_pct: Array, ends_pct: tuple[Array, Array], came_pct: Array, day: NDArray[np.int64]
) -> tuple[Score, Array]:
    """Return the score and the mean absolute error of every day of origins.

    Parameters
    ----------
    forecast_pct, came_pct
        Shape (m, 24); NaN of what came is left out.
    ends_pct
        Lower and upper end of the band, shape (m, 24) each.
    day
        The day of each origin, shape (m,).
    """
    error_pct = np.abs(forecast_pct - came_pct)
    seen = np.isfinite(came_pct)
    low_pct, high_pct = ends_pct
    # Forecasts at an end of the scale are equal to what came but for rounding.
    inside = (came_pct >= low_pct - 1e-9) & (came_pct <= high_pct + 1e-9)
    found = Score(
        mae_pct=float(np.nanmean(error_pct)),
        rmse_pct=float(np.sqrt(np.nanmean(error_pct**2))),
        mae_at_24h_pct=float(np.nanmean(error_pct[:, -1])),
        within_band=float(inside[seen].mean()),
        band_width_pct=float((high_pct - low_pct).mean()),
    )
    return found, np.array([np.nanmean(error_pct[day == one]) for one in np.unique(day)])


def gain(baseline_daily_pct: Array, learned_daily_pct: Array) -> tuple[float, float]:
    """Return the mean of what is won a day, and its standard error."""
    won = baseline_daily_pct - learned_daily_pct
    return float(won.mean()), float(won.std(ddof=1) / np.sqrt(len(won)))
