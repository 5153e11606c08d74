"""What the terminals of the simulated devices show: from the virtual plant or from a recording."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Snapshot(NamedTuple):
    """The physical quantities of one moment; current above zero charges the battery."""

    time_s: float
    battery_v: float
    battery_a: float
    temperature_c: float = 25.0
    solar_v: float = 0.0
    solar_a: float = 0.0
    load_a: float = 0.0
    stage: int = 0
    soc: float = float("nan")
    """True state of charge, 0 to 1; no device ever shows it."""


class Source(Protocol):
    """Where a simulated device takes its values from; one source per device."""

    def snapshot(self) -> Snapshot:
        """Return what a device that is asked right now would measure."""

    async def publication(self) -> Snapshot:
        """Wait until the next publication is due and return what it shows."""

    lossless: bool
    """Whether a publication waits for room on the wire (a recording) or is lost (a real device)."""
