"""What the live view shows at one moment, free of how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from soclab_simulators.demo.influx import LastReading

CHARGER_STATES: Final = {
    0: "idle",
    1: "bulk",
    2: "absorption",
    3: "float",
    4: "equalisation",
}


@dataclass(frozen=True, slots=True)
class InstrumentLine:
    """One instrument: its device, what it said last, how long ago, and what waits to be sent."""

    name: str
    device: str
    reading: str
    age_s: float | None
    backlog_bytes: int


@dataclass(frozen=True, slots=True)
class SocLine:
    """One method's state of charge and, where the truth is known, its error."""

    method: str
    soc_pct: float
    sigma_pct: float
    error_pct: float | None


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One program: its name, how it is doing, and whether that is fine."""

    name: str
    state: str
    fine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything the view shows."""

    source: str
    elapsed_s: float
    limit_s: float | None
    instruments: Sequence[InstrumentLine] = ()
    true_pct: float | None = None
    soc: Sequence[SocLine] = ()
    history: Sequence[tuple[float | None, float | None]] = ()
    """True and first method's state of charge, oldest first."""
    stored: int = 0
    latency_s: Mapping[str, float | None] = field(default_factory=dict)
    first_reading_s: float | None = None
    units: Sequence[UnitLine] = ()
    url: str = ""
    root: Path | None = None


def describe(measurements: Mapping[str, LastReading]) -> str:
    """Return the last reading of one instrument in a line."""
    parts = []
    if battery := measurements.get("battery"):
        parts.append(_values(battery.fields, voltage_v="{:.2f} V", current_a="{:+.2f} A"))
        parts.append(_values(battery.fields, temperature_c="{:.1f} °C"))
    if solar := measurements.get("solar"):
        parts.append(_values(solar.fields, "sun ", voltage_v="{:.1f} V", current_a="{:.1f} A"))
    if load := measurements.get("load"):
        own = "" if "battery" not in measurements else "load "
        parts.append(_values(load.fields, own, voltage_v="{:.2f} V", current_a="{:.2f} A"))
        if not own:
            parts.append(_values(load.fields, power_w="{:.1f} W", charge_ah="{:.3f} Ah"))
    if charger := measurements.get("charger"):
        state = charger.fields.get("state")
        if state is not None:
            parts.append(CHARGER_STATES.get(int(state), f"state {state:.0f}"))
    return " · ".join(p for p in parts if p)


def _values(fields: Mapping[str, float], prefix: str = "", **formats: str) -> str:
    texts = [form.format(fields[name]) for name, form in formats.items() if name in fields]
    return prefix + " ".join(texts) if texts else ""
