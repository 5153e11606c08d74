"""Settings of a ``thingset`` instrument."""

from __future__ import annotations

from soclab_collectors.instruments.base import InstrumentConfig


class ThingSetConfig(InstrumentConfig, frozen=True, tag="thingset"):
    """Settings; see docs/configuration.md."""
