"""Puts a unit together from the configuration and runs it."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

from soclab_collectors import systemd
from soclab_collectors.clock.create import create_clock
from soclab_collectors.collector.health import Health, HealthPublisher
from soclab_collectors.collector.stop import Stopper, StopUnit
from soclab_collectors.collector.unit import Unit
from soclab_collectors.spool import SpoolWriter

if TYPE_CHECKING:
    from soclab_collectors.config import Config
    from soclab_collectors.instruments.base import InstrumentConfig


def run_instrument(config: Config, instrument_config: InstrumentConfig) -> None:
    """Read one instrument into its spool until SIGTERM or SIGINT."""
    stopper = Stopper()
    name = instrument_config.name
    clock = create_clock(config.clock, name)
    instrument = instrument_config.create(clock)
    tags = {"site": config.site, "battery": instrument_config.battery, "instrument": name}
    health = Health(name)
    spool = SpoolWriter(Path(config.spool.directory) / name, config.spool)
    publisher = HealthPublisher(
        health,
        instrument.counters,
        spool,
        clock,
        {"site": config.site, "instrument": name},
        config.monitor_s,
    )
    gc.freeze()  # what start-up allocated stays: the collector need not look at it again
    publisher.start()
    try:
        Unit(instrument, clock, spool, tags, health, stopper).run()
    except StopUnit:
        systemd.notify("STOPPING=1")
    finally:
        publisher.stop()
        spool.close()
