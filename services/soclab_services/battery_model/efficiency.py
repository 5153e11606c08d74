"""What part of a charging current is stored.

Nearly all of it, until the plates run out of sulphate: then ever more makes gas. The part that is
stored is taken as a function of the state of charge alone,

    eta(s) = eta0 / (1 + exp((s - s_half) / width)),

which explains absorption and float of the recordings alike, at every voltage in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy import optimize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from soclab_services.battery_model.fit import Characterisation

    Array = NDArray[np.float64]

SECONDS_PER_HOUR: Final = 3600.0
# Efficiency is read from windows of this part of the capacity: state of charge has steps of 1e-6.
WINDOW: Final = 0.001
# Losses below this part of the current are what the columns' steps make of nothing.
LEAST_LOSS: Final = 0.004
# Where half of the current is stored and how fast that changes, to begin a search from.
START: Final = (0.985, 0.007)
BOUNDS: Final = ((0.9, 0.002), (1.2, 0.05))


class Efficiency(NamedTuple):
    """Parameters of eta(s); a battery without gassing has its half at infinity."""

    eta0: float
    half_soc: float
    width: float


def fit_efficiency(recordings: Sequence[Characterisation], capacity_ah: float) -> Efficiency:
    """Return what the charging parts of the recordings show."""
    windows = [_windows(one, capacity_ah) for one in recordings]
    soc, current_ah, stored_ah = (np.concatenate(parts) for parts in zip(*windows, strict=True))
    none = Efficiency(1.0, np.inf, START[1])
    if len(soc) == 0:
        return none
    eta = stored_ah / current_ah
    # Most of a charge is far below gassing.
    whole = current_ah > 0.5 * WINDOW * capacity_ah
    eta0 = min(float(np.median(eta[whole])), 1.0) if whole.any() else 1.0
    eta0 = 1.0 if eta0 > 1.0 - LEAST_LOSS else eta0
    if np.min(eta) > eta0 - 5.0 * LEAST_LOSS:
        return none._replace(eta0=eta0)
    # A window of few samples at the very end tells as much about the curve as a whole one.
    (half_soc, width), _ = optimize.curve_fit(
        lambda s, half, wide: eta0 / (1.0 + np.exp((s - half) / wide)),
        soc,
        eta,
        p0=START,
        bounds=BOUNDS,
    )
    return Efficiency(eta0, float(half_soc), float(width))


def _windows(recording: Characterisation, capacity_ah: float) -> tuple[Array, Array, Array]:
    """Return mean soc, charge in and charge stored of windows that only charge."""
    steps_s = np.diff(recording.time_s)
    current_a = (recording.current_a[1:] + recording.current_a[:-1]) / 2.0
    charges = (
        (np.minimum(recording.current_a[1:], recording.current_a[:-1]) > 0.0)
        & (np.abs(np.diff(recording.current_a)) < 0.05 * np.abs(current_a))
        & (steps_s <= 2.0 * np.median(steps_s))
    )
    kept = np.flatnonzero(charges)
    if len(kept) == 0:
        return np.empty(0), np.empty(0), np.empty(0)
    passed_ah = (current_a * steps_s / SECONDS_PER_HOUR)[kept]
    number = np.floor(np.cumsum(passed_ah) / (WINDOW * capacity_ah))
    begins = (np.diff(number, prepend=-1.0) != 0.0) | (np.diff(kept, prepend=kept[0]) > 1)
    starts = np.flatnonzero(begins)
    in_ah = np.add.reduceat(passed_ah, starts)
    stored_ah = np.add.reduceat(np.diff(recording.soc)[kept], starts) * capacity_ah
    counts = np.diff(np.append(starts, len(kept)))
    soc = np.add.reduceat(recording.soc[1:][kept], starts) / counts
    # The rounding of soc is larger than what a window of a few milliampere-hours stores.
    enough = in_ah > 20.0e-6 * capacity_ah
    return soc[enough], in_ah[enough], stored_ah[enough]
