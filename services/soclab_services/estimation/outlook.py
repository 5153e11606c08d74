"""How long a battery lasts, and how long until it is full, if days go on as the last ones did.

Days are drawn from those recorded, with their hours, and a beginning from what is known of the
state of charge: the spread of when they arrive at empty or full is the band. No weather forecast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

HOUR_S: Final = 3600.0
DAY_H: Final = 24
DRAWN: Final = 400
HORIZON_H: Final = 7 * DAY_H
# An hour counts when so much of it was observed; what is missing is taken as the rest of it.
OBSERVED: Final = 0.5
QUANTILES: Final = (0.025, 0.5, 0.975)


class Hours(NamedTuple):
    """When something happens, in hours from now; infinite if not within a week."""

    low: float
    median: float
    high: float


class Outlook(NamedTuple):
    """What to expect."""

    to_empty: Hours
    to_full: Hours


def hourly(time_s: Array, current_a: Array, longest_s: float) -> Array:
    """Return the mean current (A) of every hour of recorded days, shape (days, 24), NaN unknown.

    Parameters
    ----------
    time_s, current_a
        Samples in order of time; current above zero charges, a known bias subtracted.
    longest_s
        Steps longer than this are gaps.
    """
    steps_s = np.diff(time_s)
    seen = steps_s <= longest_s
    hour = (time_s[1:] // HOUR_S).astype(np.int64)
    first = int(time_s[0] // HOUR_S) // DAY_H * DAY_H
    days = (int(hour[-1]) - first) // DAY_H + 1
    weights = steps_s * seen
    mean_a = 0.5 * (current_a[1:] + current_a[:-1])
    observed_s = np.bincount(hour - first, weights, minlength=days * DAY_H)
    charge_as = np.bincount(hour - first, weights * mean_a, minlength=days * DAY_H)
    known = observed_s >= OBSERVED * HOUR_S
    means = np.where(known, charge_as / np.maximum(observed_s, 1.0), np.nan)
    return means.reshape(days, DAY_H)


def outlook(
    soc: float, sigma: float, capacity_ah: float, days_a: Array, now_s: float, seed: int = 0
) -> Outlook:
    """Return when the battery will be empty and full.

    Parameters
    ----------
    soc, sigma
        State of charge and its standard deviation, 0 to 1.
    capacity_ah
        Charge between empty and full.
    days_a
        From `hourly`; an unknown hour is taken from other days.
    now_s
        The time now, on the same clock as the days.
    seed
        Of the draws: the same question has the same answer.

    Raises
    ------
    ValueError
        If some hour of the day was never recorded.
    """
    known = np.isfinite(days_a)
    if not known.any(axis=0).all():
        raise ValueError("an outlook needs every hour of the day recorded at least once")
    rng = np.random.default_rng(seed)
    level = np.clip(rng.normal(soc, sigma, DRAWN), 0.0, 1.0)
    arrived = np.full((2, DRAWN), np.inf)
    begin_h = now_s / HOUR_S
    passed_h = 0.0
    day = rng.integers(0, len(days_a), DRAWN)
    while passed_h < HORIZON_H:
        hour = int(begin_h + passed_h) % DAY_H
        if hour == 0:
            day = rng.integers(0, len(days_a), DRAWN)
        choice = np.flatnonzero(known[:, hour])
        use = np.where(known[day, hour], day, rng.choice(choice, DRAWN))
        part_h = 1.0 - (begin_h + passed_h) % 1.0
        moved = days_a[use, hour] * part_h / capacity_ah
        for k, (end, sign) in enumerate(((0.0, -1.0), (1.0, 1.0))):
            room = sign * (end - level)
            reaches = (arrived[k] == np.inf) & (sign * moved >= room) & (sign * moved > 0.0)
            arrived[k][reaches] = passed_h + part_h * room[reaches] / np.abs(moved[reaches])
        level = np.clip(level + moved, 0.0, 1.0)  # a full battery takes no more
        passed_h += part_h
    # No interpolation: between infinity and a number there is nothing.
    return Outlook(
        *(Hours(*np.quantile(one, QUANTILES, method="inverted_cdf").tolist()) for one in arrived)
    )
