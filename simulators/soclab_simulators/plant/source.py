"""What each simulated device measures of the plant: the truth through its own sensors."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from soclab_simulators.plant.plant import Plant
    from soclab_simulators.source import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Imperfection:
    """Gain and offset that stay, and noise that does not (standard deviation)."""

    voltage_gain: float = 1.0
    voltage_offset_v: float = 0.0
    voltage_noise_v: float = 0.0
    current_gain: float = 1.0
    current_offset_a: float = 0.0
    current_noise_a: float = 0.0


# A closed-loop transducer and a 16-bit converter; the load's own meters; a charge controller, of
# which the one in the lab reads 3 % above the transducer.
LABJACK: Final = Imperfection(
    voltage_gain=1.0003,
    voltage_noise_v=0.002,
    current_gain=1.002,
    current_offset_a=0.012,
    current_noise_a=0.008,
)
EA_EL3000: Final = Imperfection(voltage_offset_v=-0.02, current_gain=0.999, current_noise_a=0.005)
MPPT: Final = Imperfection(
    voltage_offset_v=0.01,
    voltage_noise_v=0.004,
    current_gain=1.03,
    current_offset_a=0.02,
    current_noise_a=0.02,
)


class PlantSource:
    """The plant as one device measures it; implements ``soclab_simulators.source.Source``."""

    lossless = False  # a device in the lab does not wait for its listener

    def __init__(
        self,
        plant: Plant,
        imperfection: Imperfection,
        *,
        seed: int,
        publication_period_s: float = 1.0,
        only_electronic_load: bool = False,
    ) -> None:
        self._plant = plant
        self._imperfection = imperfection
        self._noise = random.Random(seed)  # noqa: S311  sensor noise, not secrets
        self._period_s = publication_period_s
        self._only_electronic_load = only_electronic_load
        self._next_publication_s: float | None = None

    def snapshot(self) -> Snapshot:
        """Return what the device would measure right now."""
        true = self._plant.snapshot()
        load_a = self._plant.electronic_load_a if self._only_electronic_load else true.load_a
        return true._replace(
            battery_v=self._voltage(true.battery_v),
            battery_a=self._current(true.battery_a),
            solar_a=true.solar_a * self._imperfection.current_gain,
            load_a=max(self._current(load_a), 0.0) if load_a else 0.0,
        )

    async def publication(self) -> Snapshot:
        """Wait for the next deadline and measure then."""
        loop = asyncio.get_running_loop()
        if self._next_publication_s is None:
            self._next_publication_s = loop.time()
        self._next_publication_s += self._period_s
        await asyncio.sleep(self._next_publication_s - loop.time())
        return self.snapshot()

    def _voltage(self, true_v: float) -> float:
        i = self._imperfection
        return true_v * i.voltage_gain + i.voltage_offset_v + self._noisy(i.voltage_noise_v)

    def _current(self, true_a: float) -> float:
        i = self._imperfection
        return true_a * i.current_gain + i.current_offset_a + self._noisy(i.current_noise_a)

    def _noisy(self, sigma: float) -> float:
        return self._noise.gauss(0.0, sigma) if sigma else 0.0
