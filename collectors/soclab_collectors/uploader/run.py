"""Puts the uploader together from the configuration and runs it."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soclab_collectors import systemd
from soclab_collectors.clock.system import SystemClock
from soclab_collectors.collector.stop import Stopper, StopUnit
from soclab_collectors.spool import SpoolWriter
from soclab_collectors.spool.boots import BootDates
from soclab_collectors.uploader.archive import Archive
from soclab_collectors.uploader.client import WriteClient
from soclab_collectors.uploader.health import NAME, HealthPublisher
from soclab_collectors.uploader.loop import Uploader
from soclab_collectors.uploader.quarantine import Quarantine

if TYPE_CHECKING:
    from soclab_collectors.clock import Clock
    from soclab_collectors.config import Config

_WATCHDOG_S: Final = 5.0  # the longest that the service manager hears nothing while we wait


def run_uploader(config: Config) -> None:
    """Upload until SIGTERM or SIGINT; what has not arrived by then stays in the spool."""
    stopper = Stopper()
    directory = Path(config.spool.directory)
    client = WriteClient(config.uploader)
    clock = _clock(config)
    boots = BootDates(directory)
    quarantine = Quarantine(directory, int(config.uploader.quarantine_max_mb * 1e6))
    spool = SpoolWriter(directory / NAME, config.spool)
    uploader = Uploader(
        directory,
        config.uploader.batch_lines,
        client,
        clock,
        boots,
        quarantine,
        Archive(config.spool),
    )
    publisher = HealthPublisher(
        directory, config.site, uploader, spool, clock, boots, quarantine, config.monitor_s
    )
    gc.freeze()  # what start-up allocated stays: the collector need not look at it again
    publisher.start()
    systemd.notify("READY=1")
    try:
        _pause(uploader.greet(), stopper)
        while True:
            _pause(uploader.step(), stopper)
    except StopUnit:
        systemd.notify("STOPPING=1")
    finally:
        publisher.stop()
        spool.close()


def _clock(config: Config) -> Clock:
    """Return this machine's clock: a replayed recording is no time for the uploader's own rows."""
    source = "trusted" if config.clock.source == "replay" else config.clock.source
    return SystemClock(source, Path(config.clock.sync_file) if config.clock.sync_file else None)


def _pause(seconds: float, stopper: Stopper) -> None:
    """Wait, and keep telling the service manager that this is as it should be."""
    end = time.monotonic() + seconds
    while True:
        systemd.notify("WATCHDOG=1")
        with stopper.waiting():
            remaining_s = end - time.monotonic()
            if remaining_s <= 0:
                return
            time.sleep(min(remaining_s, _WATCHDOG_S))
