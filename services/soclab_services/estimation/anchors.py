"""What shows that a battery is full or empty, and for how long it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soclab_services.config.model import EmptyAnchor, FullAnchor
    from soclab_services.estimation.coulomb import Samples

# What the samples of a cell say about a condition.
NO: Final = 0
YES: Final = 1
UNKNOWN: Final = 2

NOT_HELD: Final = -1.0


class Hold(NamedTuple):
    """The time that a cell adds to a condition that is being held.

    Attributes
    ----------
    gap
        Whether unobserved time lies before the cell.
    inside_s, observed_s
        From the first sample of the cell to its last, and from the last sample before.
    """

    gap: bool
    inside_s: float
    observed_s: float

    def after(self, held_s: float, shown: int) -> float:
        """Return for how long a condition has been held after this cell, or NOT_HELD.

        A cell that cannot tell lets the time run, but begins nothing.
        """
        if shown == NO or (shown == UNKNOWN and (held_s < 0.0 or self.gap)):
            return NOT_HELD
        return self.inside_s if held_s < 0.0 or self.gap else held_s + self.observed_s


def shows_full(
    samples: Samples, anchor: FullAnchor | None, starts: NDArray[np.intp]
) -> NDArray[np.int8]:
    """Return for every cell whether all of its samples say that the battery is full.

    Parameters
    ----------
    samples, anchor
        What was measured, and what to look for.
    starts
        Index of the first sample of every cell, shape (k,).
    """
    shown = np.full(len(starts), NO, dtype=np.int8)
    if anchor is None:
        return shown
    told = []
    if anchor.voltage_v is not None and anchor.tail_current_a is not None:
        told.append(_by_voltage(samples, anchor.voltage_v, np.inf, anchor.tail_current_a, starts))
    if anchor.charger_state is not None:
        states = samples.charger_state
        if states is None:
            states = np.full(len(samples.time_ns), np.nan)
        told.append(_all(states == anchor.charger_state, ~np.isnan(states), starts))
    for one in told:
        shown[(one == UNKNOWN) & (shown == NO)] = UNKNOWN
    for one in told:
        shown[one == YES] = YES
    return shown


def shows_empty(
    samples: Samples, anchor: EmptyAnchor | None, starts: NDArray[np.intp]
) -> NDArray[np.int8]:
    """Return for every cell whether all of its samples say that the battery is empty."""
    if anchor is None:
        return np.full(len(starts), NO, dtype=np.int8)
    floor_v = disconnected_below_v(anchor)
    return _by_voltage(samples, floor_v, anchor.voltage_v, anchor.current_a, starts)


def disconnected_below_v(anchor: EmptyAnchor) -> float:
    """Return the voltage below which a battery is off, not empty."""
    given = anchor.disconnected_below_v
    return anchor.voltage_v / 2.0 if given is None else given


def _by_voltage(
    samples: Samples, least_v: float, most_v: float, most_a: float, starts: NDArray[np.intp]
) -> NDArray[np.int8]:
    known = ~np.isnan(samples.voltage_v)
    fits = (samples.voltage_v >= least_v) & (samples.voltage_v <= most_v)
    shown = _all(fits, known, starts)
    calm = np.logical_and.reduceat(np.abs(samples.current_a) <= most_a, starts)
    shown[(shown == YES) & ~calm] = NO
    return shown


def _all(
    fits: NDArray[np.bool_], known: NDArray[np.bool_], starts: NDArray[np.intp]
) -> NDArray[np.int8]:
    """Return YES where all known samples of a cell fit, UNKNOWN where none is known."""
    shown = np.where(np.logical_and.reduceat(fits | ~known, starts), YES, NO).astype(np.int8)
    shown[~np.logical_or.reduceat(known, starts)] = UNKNOWN
    return shown
