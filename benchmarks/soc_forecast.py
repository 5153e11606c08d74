"""Forecasts of the next 24 hours beside each other, on days that none of them had seen.

Run: .venv/bin/python -m benchmarks.soc_forecast [--data FOLDER] [--no-peer]

Recordings whose state of charge is known (24 days: little to learn from), a real household's
(counted, with anchors), and four months of a household that is simulated here. The peer is gradient
boosting (scikit-learn) on the same features.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from soclab_services.estimation import coulomb
from soclab_services.forecast import learned
from soclab_services.forecast.baselines import same_hour_change
from soclab_services.forecast.history import DAY_H, History, from_samples
from soclab_services.forecast.history_file import load_history
from soclab_services.forecast.situations import HORIZON_H, Situations
from soclab_services.forecast.training import compare, divided
from soclab_simulators.replay.recording import read_recording

from benchmarks.figure import figure
from benchmarks.soc.household import Faults, household
from benchmarks.soc.run import DATA
from tests import recordings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from soclab_services.forecast.score import Comparison

    Array = NDArray[np.float64]

KNOWN = ("ela_mixed_a", "ela_winter_a", "elfp_mixed_a", "elfp_winter_a", "pla_a", "plfp_a")
REAL = "real_EVLKpN"
LONG_DAYS = 120
LONG = (("la", "mixed", 700), ("lfp", "winter", 701))


class Measured(NamedTuple):
    """A history with how everybody did on it."""

    name: str
    days: float
    comparison: Comparison
    peer_mae_pct: float


def histories(folder: Path) -> Iterator[tuple[str, History]]:
    """Yield every history by its name."""
    if folder.is_dir():
        for name in KNOWN:
            yield name, load_history(folder / f"{name}.parquet")
        yield REAL, counted(folder / f"{REAL}.parquet")
    else:
        print(f"no recordings in {folder} (--data names another folder): simulated ones only")
    for chem, season, seed in LONG:
        case = household(chem, seed, LONG_DAYS, 60.0, season, Faults())
        true = case.recording
        yield case.name, from_samples(true.time_s, 100.0 * true.soc, "t_s", case.name)


def counted(path: Path) -> History:
    """Return the history of a recording that knows no truth."""
    taken = recordings.samples(read_recording(path))
    rows, _ = coulomb.count(taken, recordings.BATTERIES[path.stem], cell_s=300)
    time_s = np.array([row.time_ns for row in rows]) / coulomb.NS_PER_S
    return from_samples(time_s, np.array([row.soc_pct for row in rows]), "t_unix", path.stem)


def peer(history: History) -> float:
    """Return the mean absolute error (%) of gradient boosting on the same features and days."""
    early, early_came, late, late_came = divided(history)
    model = HistGradientBoostingRegressor(
        # Few and slow steps, large leaves: hours of one day are hardly more than one sample.
        loss="absolute_error",
        max_iter=100,
        learning_rate=0.05,
        max_leaf_nodes=8,
        min_samples_leaf=100,
        random_state=0,
    )
    x, base = _rows(early)
    missed = early_came.T.ravel() - base
    seen = np.isfinite(missed)
    model.fit(x[seen], missed[seen])
    x, base = _rows(late)
    forecast = np.clip(base + model.predict(x), 0.0, 100.0)
    return float(np.nanmean(np.abs(forecast - late_came.T.ravel())))


def _rows(known: Situations) -> tuple[Array, Array]:
    """Return features and the usual change, one row for each hour ahead of each origin."""
    x = learned.features(known)
    ahead = np.broadcast_to(np.arange(HORIZON_H)[:, None, None], (*x.shape[:2], 1))
    hour = (known.hour[None, :, None] + ahead) % DAY_H
    rows = np.concatenate([x, ahead, hour], axis=2).reshape(-1, x.shape[2] + 2)
    return rows, same_hour_change(known).T.ravel()


def as_markdown(rows: list[Measured]) -> str:
    """Return the table for the docs."""
    names = list(rows[0].comparison.scores)
    lines = [
        f"| history | days, held back | {' | '.join(names)} | gain of learned | trees"
        " | 90 % band holds, width |",
        f"|{'---|' * (len(names) + 5)}",
    ]
    for name, days, found, trees in rows:
        errors = " | ".join(f"{found.scores[one].mae_pct:.1f}" for one in names)
        band = found.scores["learned" if found.learned_wins else found.best_baseline]
        gain = f"{found.gain_pct:+.2f} ± {found.gain_sigma_pct:.2f}"
        lines.append(
            f"| {name} | {days:.0f}, {found.held_back_days} | {errors}"
            f" | {f'**{gain}**' if found.learned_wins else gain} | {trees:.1f}"
            f" | {100.0 * band.within_band:.0f} %, {band.band_width_pct:.0f} % |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("SOCLAB_RECORDINGS", DATA))
    parser.add_argument("--no-peer", action="store_true", help="leave out gradient boosting")
    given = parser.parse_args()
    rows = []
    for name, history in histories(Path(given.data)):
        found = compare(history)
        trees = float("nan") if given.no_peer else peer(history)
        rows.append(Measured(name, history.known_days, found, trees))
        winner = "learned" if found.learned_wins else found.best_baseline
        figure(f"forecast, {name}: {winner}", found.scores[winner].mae_pct, "%")
    print(as_markdown(rows))


if __name__ == "__main__":
    main()
