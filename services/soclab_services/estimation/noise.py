"""How far battery, sensors and model may be from what is assumed: one place, nothing per file.

Every number is what such equipment is known to do, not what a recording asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from soclab_services.battery_model.model import BatteryModel, Chemistry


class Noise(NamedTuple):
    """Standard deviations, in the units of their names."""

    # At the start
    prior_soc: float = 0.04
    bias_a: float = 0.3
    capacity: float = 0.04
    resistance: float = 0.2
    hysteresis: float = 0.7
    # What drifts, in a day
    bias_days: float = 60.0
    capacity_per_day: float = 0.001
    resistance_per_day: float = 0.02
    # The model's voltage: an error that stays for `voltage_h`, and one that is new every `error_s`
    voltage_v: float = 0.02
    voltage_h: float = 240.0
    error_v: float = 0.01
    error_s: float = 1800.0
    # ... on the other axis: a voltage that belongs to a state of charge beside it
    error_soc: float = 0.007
    unrecorded: float = 0.5
    # ... and parts of what current makes, and of the hysteresis' change
    polarisation: float = 0.1
    hysteresis_change: float = 0.15
    # Charge: gain of the sensor and efficiency, over stretches of this part of the capacity
    gain: float = 0.01
    gain_stretch: float = 0.3
    # A current nobody saw, per ampere-hour of capacity, and for how long it is one and the same
    unseen_a_per_ah: float = 0.06
    unseen_h: float = 6.0
    # What the charger calls full
    full_soc: float = 0.995
    full: float = 0.008
    # Innovations beyond this many of their deviations count less (Huber)
    gate: float = 3.0


# Sensors are made for the battery they measure; `Noise` is for one of this size.
USUAL_AH: Final = 100.0
UNEXPLAINED: Final = 2.0
# A charger calls a lead-acid battery full that still takes up a percent.
FULL_SOC: Final[dict[Chemistry, float]] = {"la": 0.99, "lfp": 0.997}


def noise(model: BatteryModel) -> Noise:
    """Return what to assume of a battery of this model."""
    usual = Noise()
    return usual._replace(
        full_soc=FULL_SOC[model.chemistry],
        bias_a=usual.bias_a * model.capacity_ah / USUAL_AH,
        # What the model does not explain of its own recordings is there in every other, and stays.
        voltage_v=(usual.voltage_v**2 + (UNEXPLAINED * model.fit_rms_v) ** 2) ** 0.5,
        error_v=(usual.error_v**2 + model.fit_rms_v**2) ** 0.5,
    )
