"""Settings of a ``ea_el3000`` instrument."""

from __future__ import annotations

from soclab_collectors.instruments.base import InstrumentConfig


class EaEl3000Config(InstrumentConfig, frozen=True, tag="ea_el3000"):
    """Settings; see docs/configuration.md."""
