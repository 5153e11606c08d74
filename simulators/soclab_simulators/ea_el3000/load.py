"""The load itself: its settings, what it draws, and its meters; knows nothing of telegrams."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from soclab_simulators.source import Source

_HOUR_S: Final = 3600.0


class Mode(IntEnum):
    """Regulation mode, chosen at the panel."""

    CV = 0
    CR = 1
    CC = 2
    CP = 3


class Nominal(NamedTuple):
    """What 100 % means."""

    voltage_v: float = 160.0
    current_a: float = 60.0
    power_w: float = 400.0
    resistance_ohm: float = 10.0


class Load:
    """An electronic load at the terminals that a source describes.

    Parameters
    ----------
    source
        What the terminals show.
    nominal
        Limits of the model.
    follow_source
        True: the source knows the current (a recording, or a plant that asks ``commanded_a``).
        False: the source gives the voltage alone and the load draws what it is set to.
    """

    def __init__(self, source: Source, nominal: Nominal, *, follow_source: bool) -> None:
        self.nominal = nominal
        self.mode = Mode.CC
        self.remote = False
        self.locked = False
        """Whether the panel refuses remote control."""
        self.switched_on = False
        self.set_voltage_v = 0.0
        self.set_current_a = 0.0
        self.set_power_w = nominal.power_w
        self.set_resistance_ohm = nominal.resistance_ohm
        self.charge_ah = 0.0
        self._source = source
        self._follow_source = follow_source
        self._measured_at_s: float | None = None
        self.voltage_v = 0.0
        self.current_a = 0.0

    @property
    def power_w(self) -> float:
        """What turns into heat."""
        return self.voltage_v * self.current_a

    @property
    def input_on(self) -> bool:
        """Whether the input conducts; while nobody commands it, the source's current tells."""
        if self._follow_source and not self.remote:
            return self.current_a > 0
        return self.switched_on

    def commanded_a(self) -> float | None:
        """Return the current that a plant should let flow, or None while nobody commands it."""
        return self._drawn_a() if self.remote else None

    def measure(self) -> None:
        """Look at the terminals and count the charge since the last look (trapezoid)."""
        now = self._source.snapshot()
        before_a = self.current_a
        self.voltage_v = max(now.battery_v, 0.0)
        # What the source shows is a magnitude: a load cannot feed current back.
        self.current_a = max(now.load_a, 0.0) if self._follow_source else self._drawn_a()
        if self._measured_at_s is not None:
            # A recording that starts anew turns the clock back.
            elapsed_s = max(now.time_s - self._measured_at_s, 0.0)
            self.charge_ah += (before_a + self.current_a) / 2 * elapsed_s / _HOUR_S
        self._measured_at_s = now.time_s

    def _drawn_a(self) -> float:
        """Return the lowest of the currents that mode and limits allow."""
        voltage_v = self.voltage_v
        if not self.switched_on or voltage_v <= 0:
            return 0.0
        limits = [self.set_current_a, self.set_power_w / voltage_v, self.nominal.current_a]
        if self.mode == Mode.CR:
            limits.append(voltage_v / max(self.set_resistance_ohm, 1e-3))
        if self.mode == Mode.CV and voltage_v <= self.set_voltage_v:
            limits.append(0.0)
        return min(limits)


def raw_steps(value: float, nominal: float) -> int:
    """Return ``value`` in steps of 1/25600 of nominal, rounded down, at most 110 %."""
    # Binary fractions must not cost a step: 12.8375 V is 2054 steps, not 2053.9999999.
    return min(math.floor(value / nominal * 25_600 + 1e-6), 28_160)
