"""The sun over a short day: half of it light, with clouds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random

_CLOUD_TAU_S: Final = 6.0
_CLOUD_DEPTH: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The photovoltaic panel."""

    peak_w: float = 185.0
    mpp_v: float = 18.2


class Sun:
    """What the panel could deliver; ``phase`` 0 to 0.5 is day, 0.5 to 1 is night."""

    def __init__(self, panel: Panel, noise: random.Random) -> None:
        self.panel = panel
        self._noise = noise
        self._cloud = 0.0

    def step(self, dt_s: float) -> None:
        """Move the clouds: noise through a low pass, so that they come and go."""
        kick = self._noise.gauss(0.0, 1.0) * math.sqrt(2.0 * dt_s / _CLOUD_TAU_S)
        self._cloud += -self._cloud * dt_s / _CLOUD_TAU_S + kick

    def available_w(self, phase: float) -> float:
        """Return the power at the maximum power point."""
        if phase >= 0.5:
            return 0.0
        clear = math.sin(2.0 * math.pi * phase)
        shade = _CLOUD_DEPTH * min(max(self._cloud, 0.0), 1.0)
        return self.panel.peak_w * clear * (1.0 - shade)
