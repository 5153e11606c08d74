"""How far an estimate of state of charge is from a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Score(NamedTuple):
    """Errors of an estimate in percent of state of charge, and what it said of itself."""

    rmse_pct: float
    max_error_pct: float
    final_error_pct: float
    within_2_sigma: float
    """Part of the estimates (0..1) whose error is at most twice their own uncertainty."""
    compared: int

    def __str__(self) -> str:
        return (
            f"RMSE {self.rmse_pct:.2f} %, largest error {self.max_error_pct:.2f} %, at the end"
            f" {self.final_error_pct:+.2f} %; {self.within_2_sigma:.0%} within 2 sigma"
        )


def score(
    time_ns: NDArray[np.int64],
    soc_pct: NDArray[np.float64],
    sigma_pct: NDArray[np.float64],
    reference_ns: NDArray[np.int64],
    reference_pct: NDArray[np.float64],
) -> Score:
    """Compare an estimate with the newest reference before each of its times.

    Parameters
    ----------
    time_ns, soc_pct, sigma_pct
        The estimate and its standard uncertainty, shape (n,), in order of time.
    reference_ns, reference_pct
        The reference, shape (m,), in order of time; NaN where it is not known.

    Raises
    ------
    ValueError
        If there is no time at which both are known.
    """
    newest = np.searchsorted(reference_ns, time_ns, side="left") - 1
    inside = (newest >= 0) & (time_ns <= reference_ns[-1] + (reference_ns[-1] - reference_ns[-2]))
    known = inside & ~np.isnan(reference_pct[np.maximum(newest, 0)])
    if not known.any():
        raise ValueError("estimate and reference have no time in common")
    error_pct = soc_pct[known] - reference_pct[newest[known]]
    return Score(
        rmse_pct=float(np.sqrt(np.mean(error_pct**2))),
        max_error_pct=float(np.max(np.abs(error_pct))),
        final_error_pct=float(error_pct[-1]),
        within_2_sigma=float(np.mean(np.abs(error_pct) <= 2.0 * sigma_pct[known])),
        compared=int(known.sum()),
    )
