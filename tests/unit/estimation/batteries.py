"""A battery model that no recording was needed for, and recordings of a battery that is like it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.interpolate import PchipInterpolator
from soclab_services.battery_model.model import BatteryModel
from soclab_services.recordings.load import Recording
from soclab_services.recordings.meta import Meta

if TYPE_CHECKING:
    from collections.abc import Callable

SOC = (0.0, 0.1, 0.5, 0.9, 1.0)
DAY_S = 86400.0


def lead_acid() -> BatteryModel:
    return BatteryModel(
        chemistry="la",
        capacity_ah=100.0,
        soc=SOC,
        ocv_v=(11.4, 11.66, 12.27, 12.75, 12.88),
        r0_ohm=(0.010, 0.009, 0.007, 0.007, 0.007),
        r1_ohm=(0.005,) * 5,
        r2_ohm=(0.012,) * 5,
        hysteresis_v=(0.028,) * 5,
        charge_overpotential_v=(0.0, 0.0, 0.001, 0.13, 0.8),
        tau1_s=45.0,
        tau2_s=2700.0,
        hysteresis_rate=29.0,
        charge_i0_a=0.15,
        coulombic_efficiency=0.98,
        half_stored_soc=0.985,
        half_stored_width=0.006,
        resistance_per_k=0.014,
        ocv_v_per_k=0.0,
        fit_rms_v=0.002,
    )


def meta(**more: Any) -> Meta:
    return Meta(**{"chem": "la", "nominal_Ah": 100.0, "prior_soc": 0.7, **more})


def curve(values: tuple[float, ...]) -> Callable[[float], float]:
    """Return a curve over the state of charge; between the knots as the filters have it."""
    grid = np.linspace(0.0, 1.0, 1001)
    table = PchipInterpolator(SOC, values)(grid)
    return lambda soc: np.interp(soc, grid, table)


def day_and_night(
    hours: float,
    step_s: float,
    start_soc: float = 0.7,
    *,
    amplitude_a: float = 6.0,
    bias_a: Callable[[np.ndarray], np.ndarray] | float = 0.0,
    capacity: float = 1.0,
    offset_v: float = 0.0,
    seed: int = 0,
) -> Recording:
    """Return a recording of the model itself, charged by day and used by night.

    The equations are written out here once more, in plain Python; the instrument has noise, steps
    and a bias of the current (A, a number or a function of the time).
    """
    model = lead_acid()
    ocv, r0, g = map(curve, (model.ocv_v, model.r0_ohm, model.charge_overpotential_v))
    time_s = step_s * np.arange(int(hours * 3600.0 / step_s))
    # A little more in than out: not all that goes in is stored.
    true_a = amplitude_a * (np.sin(2.0 * np.pi * time_s / DAY_S) + 0.006)
    keep1, keep2 = np.exp(-step_s / model.tau1_s), np.exp(-step_s / model.tau2_s)
    volts, socs = [], []
    s, h, i1, i2 = start_soc, 0.0, 0.0, 0.0
    for i in true_a.tolist():
        i1 = keep1 * i1 + (1.0 - keep1) * i
        i2 = keep2 * i2 + (1.0 - keep2) * i
        moved = i * step_s / 3600.0 / (capacity * model.capacity_ah)
        stored = 0.98 / (1.0 + np.exp((s - 0.985) / 0.006)) if i > 0.0 else 1.0
        s += stored * moved
        keep = np.exp(-model.hysteresis_rate * abs(moved))
        h = keep * h + (1.0 - keep) * np.sign(i)
        charge = g(s) * np.log1p(max(i, 0.0) / model.charge_i0_a)
        volts.append(ocv(s) + 0.028 * h + r0(s) * i + 0.005 * i1 + 0.012 * i2 + charge)
        socs.append(s)
    n = len(time_s)
    rng = np.random.default_rng(seed)
    off_a = bias_a(time_s) if callable(bias_a) else bias_a
    current_a = np.round(true_a + off_a + rng.normal(0.0, 0.02, n), 2)
    voltage_v = np.round(np.array(volts) + offset_v + rng.normal(0.0, 0.004, n), 2)
    nothing, stage = np.full(n, np.nan), np.zeros(n, np.int8)
    return Recording(time_s, current_a, voltage_v, nothing, stage, np.array(socs), "t_s", {})
