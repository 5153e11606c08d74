"""What the filters know of a battery beforehand: its model, its charger, how sure all that is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from soclab_services.battery_model.model import BatteryModel, load_model
from soclab_services.battery_model.typical import typical
from soclab_services.config.load import ConfigError
from soclab_services.estimation.blocks import GAP_STEPS, NEAR_V
from soclab_services.estimation.noise import Noise, noise, of_another
from soclab_services.recordings.meta import Meta

if TYPE_CHECKING:
    from soclab_services.estimator.config import EstimatedBattery

# A model of so much more or less capacity is another battery's.
CAPACITY_TOLERANCE: Final = 0.25
# No pack here is charged or discharged within less: beyond it is the sensor, not the battery.
LARGEST_A_PER_AH: Final = 10.0


class Characteristics(NamedTuple):
    """What does not change while a battery is estimated; voltages are those of one 12 V pack."""

    model: BatteryModel
    meta: Meta
    assumed: Noise
    packs: int
    largest_a: float
    resistance_ohm: float
    """Of the model, without polarisation, half charged and at its temperature."""


def characteristics(battery: EstimatedBattery) -> Characteristics:
    """Return what is known of a configured battery.

    Raises
    ------
    ConfigError
        If its model file is none, or that of another battery.
    """
    model = _model(battery)
    assumed = noise(model)
    if not battery.model_file:
        assumed = of_another(assumed, battery.chemistry)
    if battery.bias_sigma_a is not None:
        assumed = assumed._replace(bias_a=battery.bias_sigma_a)
    packs = battery.packs_in_series
    absorption_v = battery.absorption_voltage_v
    if absorption_v is None and battery.full is not None and battery.full.voltage_v is not None:
        absorption_v = battery.full.voltage_v + NEAR_V * packs
    meta = Meta(
        chem=battery.chemistry,
        nominal_Ah=battery.capacity_ah,
        prior_soc=battery.initial_soc_pct / 100.0,
        vabs=None if absorption_v is None else absorption_v / packs,
        vfloat=None if battery.float_voltage_v is None else battery.float_voltage_v / packs,
        sample_s=battery.max_gap_s / GAP_STEPS,
    )
    largest_a = battery.largest_current_a or LARGEST_A_PER_AH * battery.capacity_ah
    half_ohm = float(np.interp(0.5, model.soc, model.r0_ohm))
    return Characteristics(model, meta, assumed, packs, largest_a, half_ohm)


def _model(battery: EstimatedBattery) -> BatteryModel:
    if not battery.model_file:
        return typical(battery.chemistry).scaled_to(battery.capacity_ah)
    where = f"batteries.{battery.name}.model_file: {battery.model_file}"
    try:
        model = load_model(Path(battery.model_file))
    except (OSError, ValueError) as error:
        raise ConfigError(where, str(error), "Make one with soclab model fit.") from error
    if model.chemistry != battery.chemistry:
        raise ConfigError(
            where,
            f"a model of {model.chemistry}, the battery is {battery.chemistry}",
            "Name the battery's own model, or mend chemistry.",
        )
    if abs(model.capacity_ah / battery.capacity_ah - 1.0) > CAPACITY_TOLERANCE:
        raise ConfigError(
            where,
            f"a model of {model.capacity_ah:g} Ah, the battery has {battery.capacity_ah:g} Ah",
            "Name the battery's own model, or leave the key out: a typical one is scaled.",
        )
    return (
        model if model.capacity_ah == battery.capacity_ah else model.scaled_to(battery.capacity_ah)
    )
