"""The battery: charge, open-circuit voltage, inner resistances and temperature."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from typing import Final

# Open-circuit voltage of four LiFePO4 cells in series over state of charge: flat in the middle,
# steep at both ends, where voltage tells the state of charge.
_OCV_SOC: Final = (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95, 0.98, 1.0)
_OCV_V: Final = (10.0, 11.3, 11.9, 12.3, 12.7, 12.95, 13.12, 13.22, 13.3, 13.42, 13.6, 14.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryParameters:
    """What the battery is made of."""

    capacity_ah: float = 0.5
    r0_ohm: float = 0.02
    r1_ohm: float = 0.015
    tau1_s: float = 5.0
    coulombic_efficiency: float = 0.995
    ambient_c: float = 24.0
    thermal_k_per_w: float = 6.0
    thermal_tau_s: float = 90.0


class Battery:
    """State of charge and everything that follows from it; current above zero charges."""

    def __init__(self, parameters: BatteryParameters, soc: float) -> None:
        self.parameters = parameters
        self.soc = soc
        self.temperature_c = parameters.ambient_c
        self._rc_v = 0.0

    def emf_v(self) -> float:
        """Return the voltage behind the ohmic resistance: open circuit plus polarisation."""
        return open_circuit_v(self.soc) + self._rc_v

    def terminal_v(self, current_a: float) -> float:
        """Return the voltage at the terminals while this current flows."""
        return self.emf_v() + self.parameters.r0_ohm * current_a

    def current_for_a(self, terminal_v: float) -> float:
        """Return the current that this terminal voltage drives."""
        return (terminal_v - self.emf_v()) / self.parameters.r0_ohm

    def step(self, current_a: float, dt_s: float) -> None:
        """Let a current flow for a while."""
        p = self.parameters
        # dq/dt = η·I while charging, I while discharging
        efficiency = p.coulombic_efficiency if current_a > 0 else 1.0
        charged = self.soc + efficiency * current_a * dt_s / (3600.0 * p.capacity_ah)
        self.soc = min(max(charged, 0.0), 1.0)
        # v₁(t+dt) = v₁·e^(-dt/τ) + R₁·I·(1 - e^(-dt/τ))
        decay = math.exp(-dt_s / p.tau1_s)
        self._rc_v = self._rc_v * decay + p.r1_ohm * current_a * (1.0 - decay)
        # dT/dt = (T_ambient + Rth·I²·(R₀+R₁) - T)/τ
        loss_w = current_a**2 * (p.r0_ohm + p.r1_ohm)
        target_c = p.ambient_c + p.thermal_k_per_w * loss_w
        self.temperature_c += (target_c - self.temperature_c) * dt_s / p.thermal_tau_s


def open_circuit_v(soc: float) -> float:
    """Return the open-circuit voltage at a state of charge of 0 to 1."""
    upper = min(max(bisect.bisect_right(_OCV_SOC, soc), 1), len(_OCV_SOC) - 1)
    low, high = _OCV_SOC[upper - 1], _OCV_SOC[upper]
    share = (soc - low) / (high - low)
    return _OCV_V[upper - 1] + share * (_OCV_V[upper] - _OCV_V[upper - 1])
