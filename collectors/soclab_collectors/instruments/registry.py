"""Every kind of instrument that ``[[instruments]]`` can name."""

from __future__ import annotations

from soclab_collectors.instruments.ea_el3000.config import EaEl3000Config
from soclab_collectors.instruments.labjack_t7.config import LabJackT7Config
from soclab_collectors.instruments.thingset.config import ThingSetConfig

INSTRUMENT_CONFIGS = (EaEl3000Config, LabJackT7Config, ThingSetConfig)

AnyInstrumentConfig = EaEl3000Config | LabJackT7Config | ThingSetConfig
