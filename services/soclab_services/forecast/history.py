"""A battery's state of charge at every full hour, from samples or rows of any rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

HOUR_S: Final = 3600.0
DAY_H: Final = 24
# Samples further apart than this leave the hours between them unknown.
LONGEST_STEP_S: Final = 3600.0
# Counting and fitting overshoot full and empty by a little; more is another unit.
OVERSHOOT_PCT: Final = 1.0
# A clock that once stood at 1970 would make a grid of half a million empty hours.
LONGEST_H: Final = 10 * 366 * DAY_H

Clock = Literal["t_s", "t_unix"]


class HistoryError(ValueError):
    """A history that cannot be used; says of which input, why, and what to do."""

    def __init__(self, source: str, reason: str, remedy: str) -> None:
        super().__init__(f"{source}: {reason}. {remedy}")


class History(NamedTuple):
    """State of charge (%) at full hours.

    Attributes
    ----------
    first_h
        The first hour, counted from the clock's zero.
    soc_pct
        Shape (n,), one value an hour, NaN where unknown; first and last are known.
    clock
        `t_unix` counts from the Unix epoch, `t_s` from a time that only the recording knows.
    source
        Where it came from, for messages.
    battery
        Its name in the lab, if it came from there.
    """

    first_h: int
    soc_pct: Array
    clock: Clock
    source: str
    battery: str = ""

    @property
    def last_h(self) -> int:
        """The last hour."""
        return self.first_h + len(self.soc_pct) - 1

    @property
    def known_days(self) -> float:
        """Hours that are known, in days."""
        return float(np.isfinite(self.soc_pct).sum()) / DAY_H


def from_samples(
    time_s: Array, soc_pct: Array, clock: Clock, source: str, battery: str = ""
) -> History:
    """Return the history of samples, interpolated to full hours.

    Parameters
    ----------
    time_s
        Strictly rising, shape (n,).
    soc_pct
        State of charge in percent; NaN is as good as no sample.

    Raises
    ------
    HistoryError
        If the samples are in no order, too sparse, or no state of charge in percent.
    """
    _check_times(time_s, clock, source)
    known = np.isfinite(soc_pct)
    time_s, soc_pct = time_s[known], soc_pct[known]
    if len(time_s) < 2:
        raise HistoryError(
            source, "fewer than two samples with a state of charge", "Give a longer history."
        )
    _check_values(time_s, soc_pct, clock, source)
    first_h, last_h = int(np.ceil(time_s[0] / HOUR_S)), int(time_s[-1] // HOUR_S)
    if last_h - first_h > LONGEST_H:
        raise HistoryError(
            source,
            f"from its first to its last sample it is {(last_h - first_h) / DAY_H:.0f} days",
            f"Remove rows of a clock that was wrong; are times ({clock}) in seconds?",
        )
    hours_s = np.arange(first_h, last_h + 1) * HOUR_S
    after = np.clip(np.searchsorted(time_s, hours_s), 1, len(time_s) - 1)
    near = (time_s[after] - time_s[after - 1] <= LONGEST_STEP_S + 1.0) | (time_s[after] == hours_s)
    hourly = np.where(near, np.interp(hours_s, time_s, soc_pct), np.nan)
    seen = np.flatnonzero(np.isfinite(hourly))
    if len(seen) == 0:
        raise HistoryError(source, "no full hour lies within its samples", "Give a longer history.")
    hourly = np.clip(hourly[seen[0] : seen[-1] + 1], 0.0, 100.0)
    return History(first_h + int(seen[0]), hourly, clock, source, battery)


def _check_times(time_s: Array, clock: Clock, source: str) -> None:
    if not np.isfinite(time_s).all():
        row = int(np.flatnonzero(~np.isfinite(time_s))[0])
        raise HistoryError(source, f"row {row} has no {clock}", "Remove rows without a time.")
    wrong = np.flatnonzero(np.diff(time_s) <= 0.0)
    if len(wrong):
        row = int(wrong[0]) + 1
        raise HistoryError(
            source,
            f"row {row} has {clock} {time_s[row]:.10g}, not after {time_s[row - 1]:.10g} before it",
            f"Sort the rows by {clock} and keep one of each time.",
        )
    # Not the median of all steps: a day at 1 Hz would hide a year of one sample a day.
    if len(time_s) > 1 and np.diff(time_s).min() > LONGEST_STEP_S:
        raise HistoryError(
            source,
            f"its samples are {np.median(np.diff(time_s)):.10g} s apart",
            f"A forecast needs one an hour at least; are times ({clock}) in seconds?",
        )


def _check_values(time_s: Array, soc_pct: Array, clock: Clock, source: str) -> None:
    beyond = np.flatnonzero((soc_pct < -OVERSHOOT_PCT) | (soc_pct > 100.0 + OVERSHOOT_PCT))
    if len(beyond):
        raise HistoryError(
            source,
            f"state of charge is {soc_pct[beyond[0]]:g} % at {clock} {time_s[beyond[0]]:.10g}",
            "It must be from 0 to 100 %: is its unit another?",
        )
    if 0.0 < soc_pct.max() <= 1.0:
        raise HistoryError(
            source,
            f"state of charge is never above {soc_pct.max():g} %",
            "It looks like a part of one: multiply it by 100.",
        )
