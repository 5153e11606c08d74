"""Coulomb counting in Python: the same quantity as ``flux/soc_coulomb.flux``, written apart.

Each checks the other. The definition is docs/soc-by-coulomb-counting.md; here it is followed
sample by sample and cell by cell. Current above zero charges the battery.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from soclab_services.estimation.anchors import Hold, is_empty, is_full

if TYPE_CHECKING:
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

    def part(self, start: int, stop: int) -> Samples:
        """Return the samples from ``start`` up to but without ``stop``."""
        states = None if self.charger_state is None else self.charger_state[start:stop]
        return Samples(
            self.time_ns[start:stop], self.current_a[start:stop], self.voltage_v[start:stop], states
        )


@dataclass(slots=True)
class State:
    """What is known after a cell; enough to go on from there."""

    soc_pct: float
    base_sigma_pct: float
    samples: int = 0
    observed_s: float = 0.0
    unobserved_s: float = 0.0
    throughput_ah: float = 0.0
    full_held_s: float | None = None
    empty_held_s: float | None = None
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
        return min(float(np.hypot.reduce([self.base_sigma_pct, *errors_pct])), LARGEST_SIGMA_PCT)


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
        The state to go on from; that before the first sample if not given.
    """
    state = initial_state(battery) if state is None else state
    rows: list[Row] = []
    cell_ns = cell_s * NS_PER_S
    borders = np.flatnonzero(np.diff(samples.time_ns // cell_ns)) + 1
    starts = [0, *borders.tolist()] if len(samples.time_ns) else []
    for start, stop in zip(starts, [*starts[1:], len(samples.time_ns)], strict=False):
        cell = samples.part(start, stop)
        state = _after(state, cell, battery)
        end_ns = (int(cell.time_ns[0]) // cell_ns + 1) * cell_ns
        rows.append(Row(end_ns, state.soc_pct, state.sigma_pct(battery), state.unobserved_s))
    return rows, state


def _after(state: State, cell: Samples, battery: BatteryConfig) -> State:
    """Return the state after one more cell."""
    time_ns, current_a = cell.time_ns, cell.current_a
    gap_s = 0.0
    if state.last_time_ns is not None:
        pause_s = (int(time_ns[0]) - state.last_time_ns) / NS_PER_S
        if pause_s > battery.max_gap_s + TOLERANCE_S:
            gap_s = pause_s
        else:  # the interval from the cell before belongs to this one
            time_ns = np.concatenate(([state.last_time_ns], time_ns))
            current_a = np.concatenate(([state.last_current_a], current_a))
    charged_ah = _integral_ah(time_ns, np.maximum(current_a, 0.0))
    discharged_ah = _integral_ah(time_ns, np.maximum(-current_a, 0.0))
    observed_s = (int(time_ns[-1]) - int(time_ns[0])) / NS_PER_S
    inside_s = (int(cell.time_ns[-1]) - int(cell.time_ns[0])) / NS_PER_S

    hold = Hold(gap=gap_s > 0, inside_s=inside_s, observed_s=observed_s)
    full, empty = is_full(cell, battery.full), is_empty(cell, battery.empty)
    full_held_s = hold.after(state.full_held_s, full)
    empty_held_s = hold.after(state.empty_held_s, empty)
    after = State(
        soc_pct=state.soc_pct
        + 100.0 * (battery.coulombic_efficiency * charged_ah - discharged_ah) / battery.capacity_ah,
        base_sigma_pct=state.base_sigma_pct,
        samples=state.samples + len(cell.time_ns),
        observed_s=state.observed_s + observed_s,
        unobserved_s=state.unobserved_s + gap_s,
        throughput_ah=state.throughput_ah + charged_ah + discharged_ah,
        full_held_s=full_held_s,
        empty_held_s=empty_held_s,
        last_time_ns=int(time_ns[-1]),
        last_current_a=float(current_a[-1]),
    )
    after.soc_pct = min(max(after.soc_pct, 0.0), 100.0)
    if battery.full and full and _lasted(full_held_s, battery.full.hold_s):
        _anchor(after, 100.0, battery)
    elif battery.empty and empty and _lasted(empty_held_s, battery.empty.hold_s):
        _anchor(after, 0.0, battery)
    return after


def _lasted(held_s: float | None, hold_s: float) -> bool:
    return held_s is not None and held_s >= hold_s - TOLERANCE_S


def _anchor(state: State, soc_pct: float, battery: BatteryConfig) -> None:
    state.soc_pct = soc_pct
    state.base_sigma_pct = battery.anchor_sigma_pct
    state.observed_s = state.unobserved_s = state.throughput_ah = 0.0


def _integral_ah(time_ns: NDArray[np.int64], current_a: NDArray[np.float64]) -> float:
    """Return the charge by trapezoids."""
    steps_s = np.diff(time_ns) / NS_PER_S
    return float(np.sum((current_a[1:] + current_a[:-1]) / 2.0 * steps_s)) / SECONDS_PER_HOUR
