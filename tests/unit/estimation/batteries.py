"""A battery model that no recording was needed for."""

from __future__ import annotations

import numpy as np
from soclab_services.battery_model.model import BatteryModel
from soclab_services.recordings.load import Recording

SOC = (0.0, 0.1, 0.5, 0.9, 1.0)


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


def day_and_night(hours: float, step_s: float, start_soc: float = 0.7) -> Recording:
    """Return a recording of the model itself, charged by day and used by night."""
    model = lead_acid()
    n = int(hours * 3600.0 / step_s)
    time_s = step_s * np.arange(n)
    current_a = 6.0 * np.sin(2.0 * np.pi * time_s / 86400.0)
    soc = start_soc + np.cumsum(current_a) * step_s / 3600.0 / model.capacity_ah
    voltage_v = np.interp(soc, model.soc, model.ocv_v) + 0.024 * current_a
    nothing = np.full(n, np.nan)
    return Recording(time_s, current_a, voltage_v, nothing, np.zeros(n, np.int8), soc, "t_s", {})
