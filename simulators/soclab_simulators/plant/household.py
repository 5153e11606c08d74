"""What consumes: a household with appliances, and the electronic load of the lab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random

_BASE_A: Final = 0.4
_APPLIANCE_EVERY_S: Final = 14.0
_APPLIANCE_LASTS_S: Final = (6.0, 20.0)
_APPLIANCE_DAY_A: Final = (0.1, 0.8)
_APPLIANCE_NIGHT_A: Final = (3.0, 8.5)


@dataclass(slots=True)
class _Appliance:
    current_a: float
    left_s: float


class Household:
    """Appliances that come on by chance, larger ones by night."""

    def __init__(self, noise: random.Random) -> None:
        self._noise = noise
        self._running: list[_Appliance] = []

    def step(self, phase: float, dt_s: float) -> None:
        """Switch appliances on and off."""
        for appliance in self._running:
            appliance.left_s -= dt_s
        self._running = [a for a in self._running if a.left_s > 0]
        if self._noise.random() < dt_s / _APPLIANCE_EVERY_S:
            sizes = _APPLIANCE_DAY_A if phase < 0.5 else _APPLIANCE_NIGHT_A
            self._running.append(
                _Appliance(self._noise.uniform(*sizes), self._noise.uniform(*_APPLIANCE_LASTS_S))
            )

    def current_a(self) -> float:
        """Return the current that it takes while it is supplied."""
        return _BASE_A + sum(a.current_a for a in self._running)


@dataclass(frozen=True, slots=True)
class PulseProgramme:
    """What the electronic load does when nobody commands it: a pulse every now and then."""

    low_a: float = 0.3
    high_a: float = 1.6
    period_s: float = 40.0
    high_s: float = 15.0

    def current_a(self, time_s: float) -> float:
        """Return the current at a time."""
        return self.high_a if time_s % self.period_s < self.high_s else self.low_a
