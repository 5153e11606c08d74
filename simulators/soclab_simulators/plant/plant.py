"""The plant: all elements on one bus, advanced in fixed steps to the present."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final

from soclab_simulators.plant.battery import Battery, BatteryParameters
from soclab_simulators.plant.charger import Charger, ChargerParameters
from soclab_simulators.plant.household import Household, PulseProgramme
from soclab_simulators.plant.sun import Panel, Sun
from soclab_simulators.source import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

STEP_S: Final = 0.05  # a fifth of the fastest thing in it: an appliance being switched
DAY_S: Final = 600.0
START_PHASE: Final = 0.2  # morning: three quarters of a minute before the battery is full
START_SOC: Final = 0.80


class Plant:
    """A seeded plant; two with one seed and one history of commands are the same.

    Parameters
    ----------
    seed
        Of clouds and appliances.
    soc, phase
        Where the battery (0 to 1) and the day (0 sunrise, 0.5 sunset) begin.
    clock
        Real time in seconds, to be replaced in tests.
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        soc: float = START_SOC,
        phase: float = START_PHASE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.battery = Battery(BatteryParameters(), soc)
        self.charger = Charger(ChargerParameters())
        self.commanded_load: Callable[[], float | None] = lambda: None
        """Current set at the electronic load, or None while nobody commands it."""
        self._sun = Sun(Panel(), random.Random(seed))  # noqa: S311  weather, not secrets
        self._household = Household(random.Random(seed + 1))  # noqa: S311
        self._programme = PulseProgramme()
        self._clock = clock
        self._started = clock()
        self._start_phase = phase
        self._steps = 0
        self._now = self._solve()

    @property
    def phase(self) -> float:
        """The time of day: 0 sunrise, 0.5 sunset."""
        return (self._start_phase + self._steps * STEP_S / DAY_S) % 1.0

    @property
    def electronic_load_a(self) -> float:
        """The part of the load current that the electronic load takes."""
        return self._electronic_load_a() if self.charger.load_on else 0.0

    def snapshot(self) -> Snapshot:
        """Return the true state of this moment."""
        due = int((self._clock() - self._started) / STEP_S)
        while self._steps < due:
            self._step()
        return self._now

    def _step(self) -> None:
        before = self._now
        self.battery.step(before.battery_a, STEP_S)
        self.charger.step(
            self._sun.available_w(self.phase), before.battery_v, before.battery_a, STEP_S
        )
        self._sun.step(STEP_S)
        self._household.step(self.phase, STEP_S)
        self._steps += 1
        self._now = self._solve()

    def _solve(self) -> Snapshot:
        """Return the currents and voltages that fit together right now (Kirchhoff)."""
        sun_w = self._sun.available_w(self.phase)
        load_a = self._electronic_load_a() + self._household.current_a()
        load_a *= self.charger.load_on
        dcdc_a, limit_v = self.charger.offer(sun_w, self.battery.emf_v())
        # The battery takes what is left over, unless that lifts the voltage above the set-point.
        battery_a = min(dcdc_a - load_a, max(self.battery.current_for_a(limit_v), -load_a))
        battery_v = self.battery.terminal_v(battery_a)
        solar_v = self._panel_v(sun_w)
        return Snapshot(
            time_s=self._started + self._steps * STEP_S,
            battery_v=battery_v,
            battery_a=battery_a,
            temperature_c=self.battery.temperature_c,
            solar_v=solar_v,
            solar_a=self.charger.solar_a(battery_a + load_a, battery_v, solar_v),
            load_a=load_a,
            stage=int(self.charger.stage),
            soc=self.battery.soc,
        )

    def _panel_v(self, sun_w: float) -> float:
        panel = self._sun.panel
        if sun_w <= 0:
            return 0.0
        share = min(sun_w / panel.peak_w, 1.0)
        return panel.mpp_v - (1.0 - share)  # a weak sun lowers it a little

    def _electronic_load_a(self) -> float:
        commanded = self.commanded_load()
        if commanded is not None:
            return commanded
        return self._programme.current_a(self._steps * STEP_S)
