"""Simulated 12 V batteries for held-back recordings.

Two are on purpose unlike the filters' model: three RC pairs, not two; resistances by Arrhenius'
law; gas beside the main reaction at the same potential, not as a part of the current; an
open-circuit voltage that moves with temperature; self-discharge. A third kind, `twin`, is a model
that was fitted to a battery, aged: what a filter can do where its model is right. Current above
zero charges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.interpolate import PchipInterpolator
from soclab_services.estimation.compiled import compiled
from soclab_services.estimation.equations import (
    STATES,
    C,
    Circuit,
    H,
    R,
    S,
    circuit,
    efficiency,
    voltage,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from soclab_services.battery_model.model import BatteryModel

    Array = NDArray[np.float64]

STEPS: Final = 1000


class Cell(NamedTuple):
    """Parameters of a battery."""

    lead_acid: bool
    capacity_ah: float
    ocv_v: Array
    r_ohm: tuple[float, float, float, float]
    tau_s: tuple[float, float, float]
    resistance_scale: float
    arrhenius_k: float
    hysteresis_v: float
    hysteresis_rate: float
    eta: float
    main_a: float
    gas_a: float
    gas_v: float
    gas_scale_v: float
    ocv_v_per_k: float
    self_discharge_a: float
    is_twin: bool = False
    model: Circuit = Circuit(np.zeros((6, 2)), *(0.0,) * 13)
    """Of a twin, which has nothing of the above but its capacity and resistance."""


def twin(model: BatteryModel, capacity: float = 1.0, resistance_scale: float = 1.0) -> Cell:
    """Return a battery that is as the model says, with a part of its capacity."""
    like = lead_acid if model.chemistry == "la" else lfp
    return like(capacity * model.capacity_ah, resistance_scale)._replace(
        is_twin=True, model=circuit(model)
    )


def lead_acid(capacity_ah: float = 100.0, resistance_scale: float = 1.0) -> Cell:
    """Return a flooded battery of 100 Ah (of which some may be lost)."""
    s = np.linspace(0.0, 1.0, STEPS + 1)
    return Cell(
        lead_acid=True,
        capacity_ah=capacity_ah,
        ocv_v=11.45 + 1.35 * s + 0.25 * (s - 1.0) * np.exp(-s / 0.1) + 0.08 * s**6,
        r_ohm=(0.0065, 0.004, 0.007, 0.005),
        tau_s=(50.0, 900.0, 7200.0),
        resistance_scale=resistance_scale,
        arrhenius_k=1300.0,
        hysteresis_v=0.025,
        hysteresis_rate=25.0,
        eta=0.975,
        main_a=6.0,
        gas_a=0.12,
        gas_v=13.5,
        gas_scale_v=0.35,
        ocv_v_per_k=0.0015,
        self_discharge_a=0.008,
    )


def lfp(capacity_ah: float = 100.0, resistance_scale: float = 1.0) -> Cell:
    """Return four LFP cells in series."""
    knots = [0.0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.85, 0.95]
    knots += [0.975, 0.99, 1.0]
    volts = [2.5, 2.75, 2.98, 3.1, 3.185, 3.215, 3.235, 3.262, 3.28, 3.286, 3.291, 3.301, 3.32]
    volts += [3.3275, 3.331, 3.336, 3.35, 3.41, 3.55]
    s = np.linspace(0.0, 1.0, STEPS + 1)
    return Cell(
        lead_acid=False,
        capacity_ah=capacity_ah,
        ocv_v=4.0 * PchipInterpolator(knots, volts)(s),
        r_ohm=(0.0085, 0.004, 0.005, 0.003),
        tau_s=(25.0, 500.0, 5400.0),
        resistance_scale=resistance_scale,
        arrhenius_k=1800.0,
        hysteresis_v=0.045,
        hysteresis_rate=45.0,
        eta=0.999,
        main_a=1e9,
        gas_a=0.0,
        gas_v=14.0,
        gas_scale_v=0.3,
        ocv_v_per_k=0.0004,
        self_discharge_a=0.003,
    )


@compiled
def _charge_voltage(cell: Cell, s: float, base_v: float, current_a: float) -> tuple[float, float]:
    """Return the potential at which both reactions take the current, and the main one's part."""
    if current_a <= 0.0 or not cell.lead_acid:
        return base_v, current_a
    exchange_a = cell.main_a * max(1.0 - s, 0.0) ** 1.6 + 1e-6
    low, high = base_v, base_v + 3.0
    main_a = current_a
    for _ in range(40):
        potential_v = 0.5 * (low + high)
        main_a = exchange_a * (np.exp(min((potential_v - base_v) / 0.16, 40.0)) - 1.0)
        gas_a = cell.gas_a * np.exp((potential_v - cell.gas_v) / cell.gas_scale_v)
        if main_a + gas_a > current_a:
            high = potential_v
        else:
            low = potential_v
    return potential_v, min(main_a, current_a)


@compiled
def _twin_terminal(
    cell: Cell, state: Array, current_a: float, temperature_c: float, step_s: float, moved: Array
) -> float:
    model = cell.model
    keep1, keep2 = np.exp(-step_s / model.tau1_s), np.exp(-step_s / model.tau2_s)
    moved[1] = keep1 * state[1] + (1.0 - keep1) * current_a
    moved[2] = keep2 * state[2] + (1.0 - keep2) * current_a
    moved_ah = current_a * step_s / 3600.0
    keep = np.exp(-model.hysteresis_rate * abs(moved_ah) / cell.capacity_ah)
    moved[4] = keep * state[4] + (1.0 - keep) * np.sign(current_a)
    x = np.zeros(STATES)
    x[S], x[H], x[C], x[R] = state[0], moved[4], 1.0, cell.resistance_scale
    volts, _, _ = voltage(model, x, current_a, moved[1], moved[2], temperature_c, np.empty(STATES))
    stored = efficiency(model, state[0])[0] if current_a > 0.0 else 1.0
    moved[0] = state[0] + stored * moved_ah / cell.capacity_ah
    return volts


@compiled
def terminal(
    cell: Cell, state: Array, current_a: float, temperature_c: float, step_s: float, moved: Array
) -> float:
    """Return the voltage after a step with this current; `moved` becomes the state after it."""
    if cell.is_twin:
        return _twin_terminal(cell, state, current_a, temperature_c, step_s, moved)
    s, h = state[0], state[4]
    k = cell.resistance_scale * np.exp(
        cell.arrhenius_k * (1.0 / (temperature_c + 273.15) - 1.0 / 298.15)
    )
    drop_v = k * cell.r_ohm[0] * (1.0 + 0.7 * np.exp(-s / 0.12)) * current_a
    for i in range(3):
        keep = np.exp(-step_s / cell.tau_s[i])
        moved[1 + i] = keep * state[1 + i] + (1.0 - keep) * current_a
        drop_v += k * cell.r_ohm[1 + i] * moved[1 + i]
    keep = np.exp(-cell.hysteresis_rate * abs(current_a) * step_s / 3600.0 / cell.capacity_ah)
    moved[4] = keep * h + (1.0 - keep) * np.sign(current_a)
    x = s * STEPS  # beyond the ends the last slope goes on
    j = min(max(int(x), 0), STEPS - 1)
    ocv_v = cell.ocv_v[j] + (x - j) * (cell.ocv_v[j + 1] - cell.ocv_v[j])
    ocv_v += cell.ocv_v_per_k * (temperature_c - 25.0)
    base_v = ocv_v + cell.hysteresis_v * moved[4]
    potential_v, main_a = _charge_voltage(cell, s, base_v, current_a)
    stored_a = cell.eta * main_a if current_a > 0.0 else current_a
    moved[0] = s + (stored_a - cell.self_discharge_a) * step_s / 3600.0 / cell.capacity_ah
    return potential_v + drop_v


@compiled
def limited(
    cell: Cell,
    state: Array,
    offered_a: float,
    limit_v: float,
    temperature_c: float,
    step_s: float,
    moved: Array,
) -> tuple[float, float]:
    """Return current and voltage when a charger offers a current, but no more than a voltage."""
    volts = terminal(cell, state, offered_a, temperature_c, step_s, moved)
    if volts <= limit_v or offered_a <= 0.0:
        return offered_a, volts
    low, high = 0.0, offered_a
    for _ in range(30):
        middle = 0.5 * (low + high)
        volts = terminal(cell, state, middle, temperature_c, step_s, moved)
        if volts > limit_v:
            high = middle
        else:
            low = middle
    volts = terminal(cell, state, low, temperature_c, step_s, moved)
    return low, volts
