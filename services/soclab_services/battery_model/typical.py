"""Models of typical batteries, for those that nobody has characterised.

Scaled to the capacity they give voltages that are roughly right; the filters have to be told that
no more is known (`noise.of_another`). What they were fitted to stands in the files.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import msgspec

from soclab_services.battery_model.model import BatteryModel

if TYPE_CHECKING:
    from soclab_services.battery_model.model import Chemistry


def typical(chemistry: Chemistry) -> BatteryModel:
    """Return the model of a 12 V pack of 100 Ah."""
    file = resources.files("soclab_services.battery_model") / "typical_models" / f"{chemistry}.json"
    return msgspec.json.decode(file.read_bytes(), type=BatteryModel)
