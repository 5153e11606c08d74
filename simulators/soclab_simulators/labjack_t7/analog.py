"""The analog front end: inputs, ranges, clipping, and counts as this one device makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from soclab_simulators.labjack_t7.wiring import Wiring
    from soclab_simulators.source import Source

RANGES_V: Final = (10.0, 1.0, 0.1, 0.01)
GROUND: Final = 199
_COUNTS: Final = 65535


class Calibration(NamedTuple):
    """Constants of one range; this device is a little off nominal, as every real one is."""

    slope_above: float
    slope_below: float
    centre: float
    offset: float

    @classmethod
    def of_range(cls, range_v: float) -> Calibration:
        """Return what the factory found for this device."""
        unit = range_v / 10
        return cls(0.00031595 * unit, -0.00031570 * unit, 33511.0, -10.579 * unit)

    def limits_v(self) -> tuple[float, float]:
        """Return the volts at which the converter clips."""
        return self.centre * self.slope_below, (_COUNTS - self.centre) * self.slope_above

    def counts(self, volts: np.ndarray) -> np.ndarray:
        """Return what the converter makes of volts."""
        above = self.centre + volts / self.slope_above
        below = self.centre - volts / self.slope_below
        return np.clip(np.rint(np.where(volts >= 0, above, below)), 0, _COUNTS).astype(np.uint16)


class AnalogInputs:
    """Volts at the inputs, from the source through the wiring."""

    def __init__(self, source: Source, wiring: Wiring, seed: int = 7) -> None:
        self._source = source
        self._wiring = wiring
        self._random = np.random.default_rng(seed)

    def volts(self) -> dict[int, float]:
        """Return the volts at every wired input at this moment, without noise."""
        return self._wiring.volts(self._source.snapshot())

    def noise(self, samples: int) -> np.ndarray:
        """Return noise for that many samples."""
        if not self._wiring.noise_v:
            return np.zeros(samples)
        return self._random.normal(0.0, self._wiring.noise_v, samples)

    def measure(self, volts: dict[int, float], ain: int, negative: int, range_v: float) -> float:
        """Return what command-response mode reads."""
        value = difference(volts, ain, negative) + float(self.noise(1)[0])
        low, high = Calibration.of_range(range_v).limits_v()
        return min(max(value, low), high)


def difference(volts: dict[int, float], ain: int, negative: int) -> float:
    """Return the volts between an input and its negative channel."""
    return volts.get(ain, 0.0) - (0.0 if negative == GROUND else volts.get(negative, 0.0))
