"""How far battery, sensors and model may be from what is assumed: one place, nothing per file.

The numbers are of the size that such equipment shows. Which of those sizes was taken was decided on
several kinds of battery at once (docs/soc/benchmark.md), so none of these is unseen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from soclab_services.battery_model.model import BatteryModel, Chemistry


class Noise(NamedTuple):
    """Standard deviations, in the units of their names."""

    # At the start; `given` is how probable it is that the start value is right within prior_soc
    given: float = 0.5
    prior_soc: float = 0.04
    bias_a: float = 0.3
    capacity: float = 0.04
    resistance: float = 0.2
    hysteresis: float = 0.7
    offset_v: float = 0.018
    charge_part: float = 0.2
    efficiency: float = 0.005
    v_per_k: float = 0.001
    # What drifts: bias and the model's parts are others after so many days, the voltage sooner: an
    # error of the curve is no constant, and what was learnt of it here is not true there
    forget_days: float = 60.0
    offset_days: float = 10.0
    capacity_per_day: float = 0.001
    resistance_per_day: float = 0.02
    # The model's voltage is off by another amount after so many hours, or so much of the curve
    wander_v: float = 0.008
    wander_h: float = 8.0
    wander_soc: float = 0.15
    # ... and by one that is new every `error_s`
    error_v: float = 0.005
    error_s: float = 1800.0
    # ... on the other axis: a voltage that belongs to a state of charge beside it
    error_soc: float = 0.007
    unrecorded: float = 0.5
    # ... and parts of what current makes, and of the hysteresis' change
    polarisation: float = 0.1
    exchange: float = 0.5
    polarisation_s: float = 10800.0
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
    # What full and empty are at all, and an error of the curve that is the same every day: no
    # estimate is better
    systematic: float = 0.004
    # Innovations beyond this many of their deviations count less (Huber)
    gate: float = 3.0


# Sensors are made for the battery they measure; `Noise` is for one of this size.
USUAL_AH: Final = 100.0
# A charger calls a lead-acid battery full that still takes up a percent.
FULL_SOC: Final[dict[Chemistry, float]] = {"la": 0.99, "lfp": 0.997}
# Entropy: some 0.2 mV/K for each of six cells of lead acid, less for four of LFP.
V_PER_K: Final[dict[Chemistry, float]] = {"la": 0.0012, "lfp": 0.0004}
# Curves of LFP are flat: an error of many millivolts would be known by its own absurdity.
OFFSET_V: Final[dict[Chemistry, float]] = {"la": 0.018, "lfp": 0.01}
# A curve of lead acid hangs on what went before; the knees of LFP stay where they are.
ERROR_SOC: Final[dict[Chemistry, float]] = {"la": 0.012, "lfp": 0.007}
WANDER_V: Final[dict[Chemistry, float]] = {"la": 0.008, "lfp": 0.003}
# So many times what a model does not explain of its own recordings, up to so many volts, is how
# far it is from other ones every day; as a part of the whole curve that much state of charge.
UNEXPLAINED: Final = 3.0
MOST_V: Final = 0.015
LEAD_ACID_V: Final = 1.2


def noise(model: BatteryModel) -> Noise:
    """Return what to assume of a battery of this model."""
    usual = Noise()
    chemistry = model.chemistry
    systematic = usual.systematic
    if chemistry == "la":
        stays_v = min(UNEXPLAINED * model.fit_rms_v, MOST_V)
        systematic = (systematic**2 + (stays_v / LEAD_ACID_V) ** 2) ** 0.5
    return usual._replace(
        full_soc=FULL_SOC[chemistry],
        bias_a=usual.bias_a * model.capacity_ah / USUAL_AH,
        v_per_k=V_PER_K[chemistry],
        offset_v=OFFSET_V[chemistry],
        error_soc=ERROR_SOC[chemistry],
        wander_v=(WANDER_V[chemistry] ** 2 + model.fit_rms_v**2) ** 0.5,
        systematic=systematic,
    )


# Where the model is that of another battery of the same chemistry: its curves are off by so much.
ANOTHER_OFFSET_V: Final[dict[Chemistry, float]] = {"la": 0.12, "lfp": 0.05}
ANOTHER_WANDER_V: Final[dict[Chemistry, float]] = {"la": 0.05, "lfp": 0.03}


def of_another(assumed: Noise, chemistry: Chemistry) -> Noise:
    """Return what to assume of a battery whose model is that of another of its kind.

    Makes differ by tenths of a volt in what is empty, by half in resistances, and the capacity on
    the label is not that of the battery.
    """
    return assumed._replace(
        offset_v=ANOTHER_OFFSET_V[chemistry],
        wander_v=ANOTHER_WANDER_V[chemistry],
        error_v=0.02,
        error_soc=0.05,
        capacity=0.15,
        resistance=0.6,
        hysteresis_change=0.3,
        charge_part=0.6,
        efficiency=0.02,
        full=0.02,
        systematic=0.02,
    )
