"""One figure a recording: truth and estimates with their bands, errors below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import matplotlib

matplotlib.use("Agg")  # drawn by processes without a screen
import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from soclab_services.estimation.trajectory import Trajectory
    from soclab_services.recordings.load import Recording

POINTS: Final = 4000
SECONDS_PER_DAY: Final = 86400.0


def draw(recording: Recording, found: Mapping[str, Trajectory], title: str, path: Path) -> None:
    """Draw truth and estimates, thinned to what a picture shows."""
    every = slice(None, None, max(len(recording.time_s) // POINTS, 1))
    days = ((recording.time_s - recording.time_s[0]) / SECONDS_PER_DAY)[every]
    true_pct = 100.0 * recording.soc[every]
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(11, 6.5), sharex=True, height_ratios=[3, 2]
    )
    for name, estimate in found.items():
        soc_pct, sigma_pct = 100.0 * estimate.soc[every], 100.0 * estimate.sigma[every]
        (line,) = upper.plot(days, soc_pct, linewidth=0.9, label=name)
        band = {"alpha": 0.15, "color": line.get_color(), "linewidth": 0.0}
        upper.fill_between(days, soc_pct - 2.0 * sigma_pct, soc_pct + 2.0 * sigma_pct, **band)
        error_pct = soc_pct - true_pct
        lower.plot(days, error_pct, linewidth=0.9, color=line.get_color())
        lower.fill_between(days, -2.0 * sigma_pct, 2.0 * sigma_pct, **band)
    upper.plot(days, true_pct, "k", linewidth=1.2, label="truth")
    upper.set(title=title, ylabel="state of charge / %", ylim=(-5, 105))
    upper.legend(ncols=len(found) + 1, loc="lower left", fontsize="small")
    lower.set(xlabel="time / d", ylabel="error / %", ylim=(-15, 15))
    lower.grid(visible=True)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)
