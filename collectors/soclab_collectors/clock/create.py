"""The clock that the configuration asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from soclab_collectors.clock.system import SystemClock

if TYPE_CHECKING:
    from soclab_collectors.clock import Clock
    from soclab_collectors.config.model import ClockConfig


def create_clock(config: ClockConfig, instrument: str) -> Clock:
    """Return the clock for one instrument; a replay has a timeline for each."""
    if config.source == "replay":
        from soclab_collectors.clock.replay import (  # noqa: PLC0415  a Pi never needs it
            ReplayClock,
        )

        return ReplayClock(Path(config.timeline_directory) / f"{instrument}.timeline")
    return SystemClock(config.source, Path(config.sync_file) if config.sync_file else None)
