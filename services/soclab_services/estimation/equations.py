"""The battery as the filters see it: one step in time, one expected voltage, and their slopes.

State: s state of charge (0..1), h hysteresis (-1..1), b bias of the current sensor (A, measured
less true), c capacity and r resistance as parts of the model's, v and w what its voltage is off,
always and for a while (V), g and e by what part its charge overpotential and its efficiency are
off, k what its open-circuit voltage is off per kelvin (V/K).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.interpolate import PchipInterpolator

from soclab_services.battery_model.model import LEAST_ROOM
from soclab_services.estimation.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soclab_services.battery_model.model import BatteryModel

    Array = NDArray[np.float64]

STATES: Final = 10
S, H, B, C, R, V, W, G, E, K = range(STATES)
# Curves are looked up in tables of this many equal steps.
STEPS: Final = 1000
OCV, R0, R1, R2, HYSTERESIS, CHARGE = range(6)
# Beyond empty and full, where no battery is but a wrong estimate may be, the voltage goes on.
BEYOND: Final = 0.1


class Circuit(NamedTuple):
    """A model in the form that compiled code reads."""

    tables: Array
    capacity_ah: float
    tau1_s: float
    tau2_s: float
    hysteresis_rate: float
    charge_i0_a: float
    charge_i0_exponent: float
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
        tau1_s=model.tau1_s,
        tau2_s=model.tau2_s,
        hysteresis_rate=model.hysteresis_rate,
        charge_i0_a=model.charge_i0_a,
        charge_i0_exponent=model.charge_i0_exponent,
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
    model: Circuit, x: Array, hours: float, in_ah: float, out_ah: float
) -> tuple[float, float, float, float]:
    """Return ampere-hours stored, and their slopes by s, b and e.

    stored = (1 + e) eta(s) Q+ - Q-, less the bias, which belongs to the direction that prevailed.
    """
    net_ah = in_ah - out_ah - x[B] * hours
    eta, eta_slope = efficiency(model, x[S])
    part = 1.0 + x[E]
    if net_ah > 0.0:
        charged_ah = net_ah + out_ah
        return (
            part * eta * charged_ah - out_ah,
            part * eta_slope * charged_ah,
            -part * eta * hours,
            eta * charged_ah,
        )
    return part * eta * in_ah + net_ah - in_ah, part * eta_slope * in_ah, -hours, eta * in_ah


@compiled
def hysteresis_step(
    model: Circuit, x: Array, hours: float, in_ah: float, out_ah: float
) -> tuple[float, float]:
    """Return keep and aim of h' = keep h + (1 - keep) aim.

    keep = exp(-rate |Q| / (c C)), aim = the direction of the charge.
    """
    net_ah = in_ah - out_ah - x[B] * hours
    keep = np.exp(-model.hysteresis_rate * abs(net_ah) / (x[C] * model.capacity_ah))
    return keep, np.sign(net_ah)


@compiled
def charge_reaction(model: Circuit, s: float, current_a: float) -> tuple[float, float, float]:
    """Return ln(1 + I / I0(s)) and its slopes by s and by I.

    I0(s) = I0 (1 - s)^p: the fuller the plates, the less there is to react.
    """
    if current_a <= 0.0:
        return 0.0, 0.0, 0.0
    room = max(1.0 - s, LEAST_ROOM)
    i0 = model.charge_i0_a * room**model.charge_i0_exponent
    by_s = model.charge_i0_exponent / room if room > LEAST_ROOM else 0.0
    return (
        np.log(1.0 + current_a / i0),
        by_s * current_a / (i0 + current_a),
        1.0 / (i0 + current_a),
    )


@compiled
def voltage(
    model: Circuit,
    x: Array,
    current_a: float,
    current1_a: float,
    current2_a: float,
    temperature_c: float,
    slopes: Array,
) -> tuple[float, float, float]:
    """Return the expected voltage, what of it resistances make, and G(s); fills in the slopes.

    V = OCV(s) + (K + k) dT + M(s) h + r q(T) (R0(s) I + R1(s) i1 + R2(s) i2)
        + (1 + g) G(s) ln(1 + I+ / I0(s)) + v + w
    """
    s, h, b, r = x[S], x[H], x[B], x[R]
    ocv, ocv_s = look_up(model.tables[OCV], s)
    r0, r0_s = look_up(model.tables[R0], s)
    r1, r1_s = look_up(model.tables[R1], s)
    r2, r2_s = look_up(model.tables[R2], s)
    m, m_s = look_up(model.tables[HYSTERESIS], s)
    g, g_s = look_up(model.tables[CHARGE], s)
    warmer_k = temperature_c - model.temperature_c
    q = np.exp(-model.resistance_per_k * warmer_k)
    # A bias lasts: the low-passes have taken it in.
    i0, i1, i2 = current_a - b, current1_a - b, current2_a - b
    drop = q * (r0 * i0 + r1 * i1 + r2 * i2)
    charge, charge_s, charge_i = charge_reaction(model, s, i0)
    part = 1.0 + x[G]
    slopes[S] = ocv_s + m_s * h + r * q * (r0_s * i0 + r1_s * i1 + r2_s * i2)
    slopes[S] += part * (g_s * charge + g * charge_s)
    slopes[H] = m
    slopes[B] = -r * q * (r0 + r1 + r2) - part * g * charge_i
    slopes[C] = 0.0
    slopes[R] = drop
    slopes[V] = 1.0
    slopes[W] = 1.0
    slopes[G] = g * charge
    slopes[E] = 0.0
    slopes[K] = warmer_k
    volts = ocv + (model.ocv_v_per_k + x[K]) * warmer_k + m * h + r * drop + part * g * charge
    return volts + x[V] + x[W], r * drop, part * g
