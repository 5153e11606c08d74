"""What shows that a battery is full or empty, and for how long it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from soclab_services.config.model import EmptyAnchor, FullAnchor
    from soclab_services.estimation.coulomb import Samples


class Hold(NamedTuple):
    """The time that a cell adds to a condition that is being held."""

    gap: bool
    inside_s: float
    observed_s: float

    def after(self, held_s: float | None, fulfilled: bool | None) -> float | None:
        """Return how long a condition has been held after this cell; None if it is not.

        A cell that cannot tell (``fulfilled`` is None) lets the time run, but begins nothing.
        """
        if fulfilled is False or (fulfilled is None and (held_s is None or self.gap)):
            return None
        if held_s is None or self.gap:
            return self.inside_s
        return held_s + self.observed_s


def is_full(cell: Samples, anchor: FullAnchor | None) -> bool | None:
    """Tell whether all samples of a cell say that the battery is full; None if none can tell."""
    if anchor is None:
        return False
    told: list[bool | None] = []
    if anchor.voltage_v is not None and anchor.tail_current_a is not None:
        told.append(_by_voltage(cell, anchor.voltage_v, np.inf, anchor.tail_current_a))
    if anchor.charger_state is not None:
        states = np.empty(0) if cell.charger_state is None else cell.charger_state
        states = states[~np.isnan(states)]
        told.append(bool(np.all(states == anchor.charger_state)) if len(states) else None)
    if True in told:
        return True
    return None if None in told else False


def is_empty(cell: Samples, anchor: EmptyAnchor | None) -> bool | None:
    """Tell whether all samples of a cell say that the battery is empty; None if none can tell."""
    if anchor is None:
        return False
    return _by_voltage(cell, disconnected_below_v(anchor), anchor.voltage_v, anchor.current_a)


def disconnected_below_v(anchor: EmptyAnchor) -> float:
    """Return the voltage below which a battery is off, not empty."""
    given = anchor.disconnected_below_v
    return anchor.voltage_v / 2.0 if given is None else given


def _by_voltage(cell: Samples, least_v: float, most_v: float, most_current_a: float) -> bool | None:
    voltage_v = cell.voltage_v[~np.isnan(cell.voltage_v)]
    if not len(voltage_v):
        return None
    return bool(
        np.all((voltage_v >= least_v) & (voltage_v <= most_v))
        and np.all(np.abs(cell.current_a) <= most_current_a)
    )
