"""The battery as the filters see it: one step in time, one expected voltage, and their slopes.

State: s state of charge (0..1), h hysteresis (-1..1), b bias of the current sensor (A, measured
less true), c capacity and r resistance as parts of the model's, v what its voltage is off (V).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.interpolate import PchipInterpolator

from soclab_services.estimation.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soclab_services.battery_model.model import BatteryModel

    Array = NDArray[np.float64]

STATES: Final = 6
S, H, B, C, R, V = range(STATES)
# Curves are looked up in tables of this many equal steps.
STEPS: Final = 1000
OCV, R0, R1, R2, HYSTERESIS, CHARGE = range(6)
# Beyond empty and full, where no battery is but a wrong estimate may be, the voltage goes on.
BEYOND: Final = 0.1


class Circuit(NamedTuple):
    """A model in the form that compiled code reads."""

    tables: Array
    capacity_ah: float
    hysteresis_rate: float
    charge_i0_a: float
    eta0: float
    half_soc: float
    half_width: float
    temperature_c: float
    resistance_per_k: float
    ocv_v_per_k: float
    lowest_soc: float


def circuit(model: BatteryModel) -> Circuit:
    """Return the model in tables over the state of charge."""
    grid = np.linspace(0.0, 1.0, STEPS + 1)
    curves = (
        model.ocv_v,
        model.r0_ohm,
        model.r1_ohm,
        model.r2_ohm,
        model.hysteresis_v,
        model.charge_overpotential_v,
    )
    return Circuit(
        # Monotone cubics: no slope of their own making between the knots.
        tables=np.array([PchipInterpolator(model.soc, curve)(grid) for curve in curves]),
        capacity_ah=model.capacity_ah,
        hysteresis_rate=model.hysteresis_rate,
        charge_i0_a=model.charge_i0_a,
        eta0=model.coulombic_efficiency,
        half_soc=model.half_stored_soc,
        half_width=model.half_stored_width,
        temperature_c=model.temperature_c,
        resistance_per_k=model.resistance_per_k,
        ocv_v_per_k=model.ocv_v_per_k,
        lowest_soc=model.lowest_soc,
    )


@compiled
def look_up(table: Array, s: float) -> tuple[float, float]:
    """Return value and slope of a curve; beyond its ends the last slope goes on."""
    x = min(max(s, -BEYOND), 1.0 + BEYOND) * STEPS
    k = min(max(int(np.floor(x)), 0), STEPS - 1)
    slope = table[k + 1] - table[k]
    return table[k] + (x - k) * slope, slope * STEPS


@compiled
def efficiency(model: Circuit, s: float) -> tuple[float, float]:
    """Return what part of a charging current is stored, and its slope.

    eta(s) = eta0 / (1 + exp((s - half) / width))
    """
    steep = np.exp(min((s - model.half_soc) / model.half_width, 30.0))
    eta = model.eta0 / (1.0 + steep)
    return eta, -eta * steep / (1.0 + steep) / model.half_width


@compiled
def charge_balance(
    model: Circuit, s: float, b: float, hours: float, in_ah: float, out_ah: float
) -> tuple[float, float, float]:
    """Return ampere-hours stored, and their slopes by s and by b.

    stored = eta(s) Q+ - Q-, both less the bias, which belongs to the direction that prevailed.
    """
    net_ah = in_ah - out_ah - b * hours
    eta, eta_slope = efficiency(model, s)
    if net_ah > 0.0:
        charged_ah = net_ah + out_ah
        return eta * charged_ah - out_ah, eta_slope * charged_ah, -eta * hours
    return eta * in_ah + net_ah - in_ah, eta_slope * in_ah, -hours


@compiled
def hysteresis_step(
    model: Circuit, c: float, b: float, hours: float, in_ah: float, out_ah: float
) -> tuple[float, float]:
    """Return keep and aim of h' = keep h + (1 - keep) aim.

    keep = exp(-rate |Q| / (c C)), aim = the direction of the charge, less sure where it is little.
    """
    net_ah = in_ah - out_ah - b * hours
    keep = np.exp(-model.hysteresis_rate * abs(net_ah) / (c * model.capacity_ah))
    return keep, np.sign(net_ah)


@compiled
def voltage(
    model: Circuit,
    x: Array,
    current_a: float,
    current1_a: float,
    current2_a: float,
    temperature_c: float,
    slopes: Array,
) -> tuple[float, float]:
    """Return the expected voltage and the part of it that current makes; fills in the slopes.

    V = OCV(s) + K dT + M(s) h + r k(T) (R0(s) I + R1(s) i1 + R2(s) i2) + g(s) ln(1 + I+ / I0) + v
    """
    s, h, b, r = x[S], x[H], x[B], x[R]
    ocv, ocv_s = look_up(model.tables[OCV], s)
    r0, r0_s = look_up(model.tables[R0], s)
    r1, r1_s = look_up(model.tables[R1], s)
    r2, r2_s = look_up(model.tables[R2], s)
    m, m_s = look_up(model.tables[HYSTERESIS], s)
    g, g_s = look_up(model.tables[CHARGE], s)
    warmer_k = temperature_c - model.temperature_c
    k = np.exp(-model.resistance_per_k * warmer_k)
    # A bias lasts: the low-passes have taken it in.
    i0, i1, i2 = current_a - b, current1_a - b, current2_a - b
    drop = k * (r0 * i0 + r1 * i1 + r2 * i2)
    charge, charge_b = 0.0, 0.0
    if i0 > 0.0:
        charge = np.log(1.0 + i0 / model.charge_i0_a)
        charge_b = -1.0 / (model.charge_i0_a + i0)
    slopes[S] = ocv_s + m_s * h + r * k * (r0_s * i0 + r1_s * i1 + r2_s * i2) + g_s * charge
    slopes[H] = m
    slopes[B] = -r * k * (r0 + r1 + r2) + g * charge_b
    slopes[C] = 0.0
    slopes[R] = drop
    slopes[V] = 1.0
    made = r * drop + g * charge
    return ocv + model.ocv_v_per_k * warmer_k + m * h + made + x[V], made
