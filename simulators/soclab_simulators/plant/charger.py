"""The charge controller: bulk, absorption, float, and the load output it protects."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

_EFFICIENCY: Final = 0.96
_STANDBY_W: Final = 1.0  # less sun than this is night


class Stage(IntEnum):
    """Numbers as in measurement ``charger``, field ``state``."""

    IDLE = 0
    BULK = 1
    ABSORPTION = 2
    FLOAT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerParameters:
    """Set-points."""

    max_a: float = 10.0
    absorption_v: float = 14.2
    float_v: float = 13.5
    tail_a: float = 0.1
    tail_hold_s: float = 12.0
    rebulk_v: float = 13.0
    disconnect_v: float = 11.0
    disconnect_hold_s: float = 12.0
    cut_off_v: float = 10.5
    reconnect_v: float = 13.3


class Charger:
    """Decides how much current goes into the bus and whether the consumers are supplied."""

    def __init__(self, parameters: ChargerParameters) -> None:
        self.parameters = parameters
        self.stage = Stage.IDLE
        self.load_on = True
        self._tail_s = 0.0
        self._low_s = 0.0

    def offer(self, sun_w: float, battery_v: float) -> tuple[float, float]:
        """Return the highest current into the bus and the voltage not to be exceeded."""
        p = self.parameters
        if self.stage is Stage.IDLE:
            return 0.0, p.absorption_v
        limit_v = p.float_v if self.stage is Stage.FLOAT else p.absorption_v
        return min(p.max_a, sun_w * _EFFICIENCY / battery_v), limit_v

    def step(self, sun_w: float, battery_v: float, battery_a: float, dt_s: float) -> None:
        """Follow what came of it."""
        p = self.parameters
        if sun_w < _STANDBY_W:
            self.stage = Stage.IDLE
        elif self.stage is Stage.IDLE or (self.stage is Stage.FLOAT and battery_v < p.rebulk_v):
            self.stage = Stage.BULK
        elif self.stage is Stage.BULK and battery_v >= p.absorption_v - 0.01:
            self.stage = Stage.ABSORPTION
        elif self.stage is Stage.ABSORPTION:
            at_limit = battery_v >= p.absorption_v - 0.02
            self._tail_s = self._tail_s + dt_s if at_limit and battery_a < p.tail_a else 0.0
            if self._tail_s >= p.tail_hold_s:
                self.stage = Stage.FLOAT
        if self.stage is not Stage.ABSORPTION:
            self._tail_s = 0.0
        self._low_s = self._low_s + dt_s if battery_v < p.disconnect_v else 0.0
        if self._low_s >= p.disconnect_hold_s or battery_v < p.cut_off_v:
            self.load_on = False
        elif battery_v > p.reconnect_v:
            self.load_on = True

    def solar_a(self, dcdc_a: float, battery_v: float, solar_v: float) -> float:
        """Return the current that it takes from the panel to deliver ``dcdc_a``."""
        return dcdc_a * battery_v / _EFFICIENCY / solar_v if solar_v > 0 else 0.0
