"""Which battery quantity arrives at which analog input, as how many volts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soclab_simulators.source import Snapshot


@dataclass(frozen=True, slots=True)
class VoltageSensor:
    """A divider: volts at the battery per volt at the input."""

    ain: int = 2
    ratio: float = 2.0

    def volts(self, snapshot: Snapshot) -> float:
        """Return the volts at the input."""
        return snapshot.battery_v / self.ratio


@dataclass(frozen=True, slots=True)
class CurrentSensor:
    """A current transducer with burden; ``zero_v`` is what it shows without current."""

    ain: int = 1
    volts_per_a: float = 0.1
    zero_v: float = 0.0

    def volts(self, snapshot: Snapshot) -> float:
        """Return the volts at the input."""
        return snapshot.battery_a * self.volts_per_a + self.zero_v


@dataclass(frozen=True, slots=True)
class Wiring:
    """Everything between battery and inputs; what is not wired floats at zero volts."""

    voltage: VoltageSensor | None = VoltageSensor()
    current: CurrentSensor | None = CurrentSensor()
    noise_v: float = 0.0
    """Standard deviation at every input."""

    def volts(self, snapshot: Snapshot) -> dict[int, float]:
        """Return the volts at each wired input."""
        sensors = [sensor for sensor in (self.voltage, self.current) if sensor is not None]
        return {sensor.ain: sensor.volts(snapshot) for sensor in sensors}
