"""Coulomb counting in Python: the same quantity as ``flux/soc_coulomb.flux``, written apart.

Each checks the other; docs/soc-by-coulomb-counting.md defines what both compute. Here every
interval between two samples is summed, and the balance is kept cell by cell in a plain loop.
Current above zero charges the battery.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from soclab_services.estimation.anchors import NOT_HELD, YES, Hold, shows_empty, shows_full

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from soclab_services.config.model import BatteryConfig

NS_PER_S: Final = 1_000_000_000
SECONDS_PER_HOUR: Final = 3600.0
# Flux computes times as floats; a limit is one only within this.
TOLERANCE_S: Final = 0.001
# Standard deviation of "anywhere between 0 and 100 %": nobody can know less.
LARGEST_SIGMA_PCT: Final = 28.8675
DEFAULT_DISCHARGE_H: Final = 20.0  # capacities are given for a discharge within 20 hours


class Samples(NamedTuple):
    """What was measured, in order of time.

    Attributes
    ----------
    time_ns
        Strictly increasing times since the Unix epoch, shape (n,), int64.
    current_a, voltage_v
        Shape (n,), float64; a voltage that was not measured is NaN.
    charger_state
        Shape (n,), float64, NaN where unknown; None if there is no charger.
    """

    time_ns: NDArray[np.int64]
    current_a: NDArray[np.float64]
    voltage_v: NDArray[np.float64]
    charger_state: NDArray[np.float64] | None = None


@dataclass(slots=True)
class State:
    """What is known after a cell; enough to go on from there."""

    soc_pct: float
    base_sigma_pct: float
    samples: int = 0
    observed_s: float = 0.0
    unobserved_s: float = 0.0
    throughput_ah: float = 0.0
    full_held_s: float = NOT_HELD
    empty_held_s: float = NOT_HELD
    last_time_ns: int | None = None
    last_current_a: float = 0.0

    def sigma_pct(self, battery: BatteryConfig) -> float:
        """Return the standard uncertainty: sensor, gaps and what was not known to begin with."""
        errors_ah = (
            battery.current_offset_sigma_a * self.observed_s / SECONDS_PER_HOUR,
            battery.current_gain_sigma * self.throughput_ah,
            typical_current_a(battery) * self.unobserved_s / SECONDS_PER_HOUR,
        )
        errors_pct = [100.0 * error_ah / battery.capacity_ah for error_ah in errors_ah]
        return min(math.hypot(self.base_sigma_pct, *errors_pct), LARGEST_SIGMA_PCT)


class Row(NamedTuple):
    """What is stored for one cell: its end, the estimate, its uncertainty."""

    time_ns: int
    soc_pct: float
    sigma_pct: float
    unobserved_s: float


def typical_current_a(battery: BatteryConfig) -> float:
    """Return the current, either way, that may have flowed while nobody looked."""
    given = battery.unobserved_current_sigma_a
    return battery.capacity_ah / DEFAULT_DISCHARGE_H if given is None else given


def initial_state(battery: BatteryConfig) -> State:
    """Return the state before the first sample."""
    return State(battery.initial_soc_pct, battery.initial_sigma_pct)


def count(
    samples: Samples, battery: BatteryConfig, cell_s: int, state: State | None = None
) -> tuple[list[Row], State]:
    """Return a row for every cell with samples, and the state after the last.

    Parameters
    ----------
    samples
        Whole cells: no later call may bring samples of a cell that was counted.
    battery
        Capacity, efficiency, sensor, anchors.
    cell_s
        Length of a cell; cells begin at multiples of it since the Unix epoch.
    state
        The state to go on from; that before the first sample if not given. It is not changed.
    """
    state = initial_state(battery) if state is None else replace(state)
    rows: list[Row] = []
    if len(samples.time_ns):
        for cell in _cells(samples, battery, cell_s * NS_PER_S, state):
            _advance(state, cell, battery)
            rows.append(
                Row(cell.end_ns, state.soc_pct, state.sigma_pct(battery), state.unobserved_s)
            )
        state.last_time_ns = int(samples.time_ns[-1])
        state.last_current_a = float(samples.current_a[-1])
    return rows, state


class _Cell(NamedTuple):
    """What happened in a cell, with the interval that leads to its first sample."""

    end_ns: int
    samples: int
    charged_ah: float
    discharged_ah: float
    observed_s: float
    inside_s: float
    gap_s: float
    full: int
    empty: int


def _cells(samples: Samples, battery: BatteryConfig, cell_ns: int, state: State) -> Iterator[_Cell]:
    """Yield every cell with samples; an interval belongs to the cell in which it ends."""
    time_ns, current_a = samples.time_ns, samples.current_a
    before_ns = time_ns[0] if state.last_time_ns is None else state.last_time_ns
    steps_s = np.diff(time_ns, prepend=before_ns) / NS_PER_S
    is_gap = steps_s > battery.max_gap_s + TOLERANCE_S
    observed_s = np.where(is_gap, 0.0, steps_s)
    before_a = np.concatenate(([state.last_current_a], current_a[:-1]))
    charged, discharged = (
        (np.maximum(sign * before_a, 0.0) + np.maximum(sign * current_a, 0.0)) / 2.0 * observed_s
        for sign in (1.0, -1.0)
    )
    number = time_ns // cell_ns
    starts = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    stops = np.append(starts[1:], len(time_ns))
    columns: list[NDArray[Any]] = [
        (number[starts] + 1) * cell_ns,
        stops - starts,
        np.add.reduceat(charged, starts) / SECONDS_PER_HOUR,
        np.add.reduceat(discharged, starts) / SECONDS_PER_HOUR,
        np.add.reduceat(observed_s, starts),
        (time_ns[stops - 1] - time_ns[starts]) / NS_PER_S,
        np.add.reduceat(np.where(is_gap, steps_s, 0.0), starts),
        shows_full(samples, battery.full, starts),
        shows_empty(samples, battery.empty, starts),
    ]
    return (_Cell(*values) for values in zip(*(c.tolist() for c in columns), strict=True))


def _advance(state: State, cell: _Cell, battery: BatteryConfig) -> None:
    """Add one cell to the balance."""
    net_ah = battery.coulombic_efficiency * cell.charged_ah - cell.discharged_ah
    state.soc_pct = min(max(state.soc_pct + 100.0 * net_ah / battery.capacity_ah, 0.0), 100.0)
    state.samples += cell.samples
    state.observed_s += cell.observed_s
    state.unobserved_s += cell.gap_s
    state.throughput_ah += cell.charged_ah + cell.discharged_ah
    time = Hold(cell.gap_s > 0.0, cell.inside_s, cell.observed_s)
    state.full_held_s = time.after(state.full_held_s, cell.full)
    state.empty_held_s = time.after(state.empty_held_s, cell.empty)
    if battery.full and cell.full == YES and state.full_held_s >= battery.full.hold_s - TOLERANCE_S:
        _anchor(state, 100.0, battery)
    elif (
        battery.empty
        and cell.empty == YES
        and state.empty_held_s >= battery.empty.hold_s - TOLERANCE_S
    ):
        _anchor(state, 0.0, battery)


def _anchor(state: State, soc_pct: float, battery: BatteryConfig) -> None:
    state.soc_pct = soc_pct
    state.base_sigma_pct = battery.anchor_sigma_pct
    state.observed_s = state.unobserved_s = state.throughput_ah = 0.0
