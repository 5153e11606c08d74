"""Settings of a ``labjack_t7`` instrument."""

from __future__ import annotations

from soclab_collectors.instruments.base import InstrumentConfig


class LabJackT7Config(InstrumentConfig, frozen=True, tag="labjack_t7"):
    """Settings; see docs/configuration.md."""
