"""The figures by which methods are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SECONDS_PER_HOUR: Final = 3600.0
SETTLED_H: Final = 48.0
NEAR_PCT: Final = 5.0
# In and after a gap nobody can know; an error counts again when data has run for so long.
AFTER_GAP_H: Final = 6.0
GAP_STEPS: Final = 6.0
GAP_S: Final = 60.0


class Metrics(NamedTuple):
    """Errors in percent of state of charge."""

    rmse_pct: float
    max_after_48h_pct: float
    """Without gaps and the hours after them; NaN in a shorter recording."""
    hours_to_5_pct: float
    """From then on the error stays within 5 %, up to the first gap (NaN: it never does)."""
    coverage_2_sigma: float
    """Part of the samples (0..1) whose error is at most twice their sigma."""
    final_bias_a: float
    samples: int

    def __str__(self) -> str:
        return (
            f"RMSE {self.rmse_pct:.2f} %, largest after 48 h {self.max_after_48h_pct:.2f} %,"
            f" within 5 % after {self.hours_to_5_pct:.1f} h,"
            f" {self.coverage_2_sigma:.1%} within 2 sigma, bias {self.final_bias_a:+.3f} A,"
            f" {self.samples} samples"
        )


def measure(
    time_s: Array, soc_pct: Array, sigma_pct: Array, bias_a: Array, true_pct: Array
) -> Metrics:
    """Compare an estimate with the truth, sample by sample.

    Raises
    ------
    ValueError
        If the truth is nowhere known.
    """
    known = np.isfinite(true_pct)
    if not known.any():
        raise ValueError("the true state of charge is nowhere known")
    error_pct = np.abs(soc_pct - true_pct)
    hours = (time_s - time_s[0]) / SECONDS_PER_HOUR
    steps_s = np.diff(time_s, prepend=time_s[0])
    gaps = steps_s > max(GAP_STEPS * float(np.median(steps_s)), GAP_S)
    since_gap_h = hours - np.maximum.accumulate(np.where(gaps, hours, -np.inf))
    settled = known & (hours > SETTLED_H) & (since_gap_h > AFTER_GAP_H)
    begun = known & (np.maximum.accumulate(gaps.astype(np.int8)) == 0)
    return Metrics(
        rmse_pct=float(np.sqrt(np.mean(error_pct[known] ** 2))),
        max_after_48h_pct=float(error_pct[settled].max()) if settled.any() else float("nan"),
        hours_to_5_pct=_settles(hours[begun], error_pct[begun]),
        coverage_2_sigma=float(np.mean(error_pct[known] <= 2.0 * sigma_pct[known])),
        final_bias_a=float(bias_a[-1]),
        samples=len(time_s),
    )


def _settles(hours: Array, error_pct: Array) -> float:
    outside = np.flatnonzero(error_pct > NEAR_PCT)
    if len(outside) == 0:
        return 0.0
    return float(hours[outside[-1] + 1]) if outside[-1] + 1 < len(hours) else float("nan")


def score_files(recording: Path, estimates: Path) -> Metrics:
    """Compare a file of estimates with the recording's soc_ppm, where both have a time.

    Raises
    ------
    ValueError
        If columns are missing or the files have no time in common.
    """
    try:
        truth, found = pq.read_table(recording), pq.read_table(estimates)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{recording} or {estimates}: {error}") from error
    time = "t_s" if "t_s" in truth.column_names else "t_unix"
    for table, name in ((truth, time), (truth, "soc_ppm"), (found, time), (found, "soc_pct")):
        if name not in table.column_names:
            raise ValueError(f"no column {name}; there are {table.column_names}")
    time_s = found[time].cast(pa.float64()).to_numpy()
    true_s = truth[time].cast(pa.float64()).to_numpy()
    place = np.minimum(np.searchsorted(true_s, time_s), len(true_s) - 1)
    true_pct = truth["soc_ppm"].cast(pa.float64()).to_numpy()[place] * 1e-4
    true_pct = np.where(true_s[place] == time_s, true_pct, np.nan)
    soc_pct, sigma_pct, bias_a = (
        found[name].to_numpy() for name in ("soc_pct", "sigma_pct", "bias_a")
    )
    return measure(time_s, soc_pct, sigma_pct, bias_a, true_pct)
