"""What the firmware computes from what its terminals measure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from soclab_simulators.source import Snapshot

# The firmware takes the state of charge from the open-circuit voltage, linearly, per 12 V block.
OCV_EMPTY_V: Final = 11.9
OCV_FULL_V: Final = 12.9
RESTING_BELOW_A: Final = 0.2
NOMINAL_AH: Final = 12.0
OUTPUT_ON: Final = 1
DCDC_OFF, DCDC_MPPT = 0, 1
# A jump of the source's clock (a gap in a recording) is no time in which energy flowed.
LONGEST_STEP_S: Final = 3600.0


class Quantities:
    """Values by the names of generation A; energies and charge are counted from start."""

    def __init__(self) -> None:
        self.error_flags = 0
        self.output_state = OUTPUT_ON
        self._booted_at_s: float | None = None
        self._last_s = math.nan
        self._soc_pct = -1
        self._charged_wh = self._discharged_wh = self._solar_wh = self._load_wh = 0.0
        self._discharged_ah = 0.0

    def restart(self) -> None:
        """Begin a new uptime with the next snapshot; day counters live in RAM and are lost."""
        self._booted_at_s = None
        self._last_s = math.nan
        self._charged_wh = self._discharged_wh = self._solar_wh = self._load_wh = 0.0

    def values(self, now: Snapshot) -> dict[str, float]:
        """Return every value at this moment."""
        if self._booted_at_s is None:
            self._booted_at_s = now.time_s
        self._count(now)
        return {
            "Uptime_s": int(now.time_s - self._booted_at_s),
            "Bat_V": now.battery_v,
            "Bat_A": now.battery_a,
            "Bat_W": now.battery_v * now.battery_a,
            "Bat_degC": now.temperature_c,
            "Int_degC": now.temperature_c + 5.0,
            "Mosfet_degC": now.temperature_c + 8.0,
            "BatTempExt": 0,
            "SOC_pct": self._soc(now),
            "ChgState": now.stage,
            "DCDCState": DCDC_MPPT if now.solar_a > 0 else DCDC_OFF,
            "Solar_V": now.solar_v,
            # Port currents count into the external device: a panel that produces is negative.
            "Solar_A": -now.solar_a,
            "Solar_W": -now.solar_v * now.solar_a,
            "Load_A": now.load_a,
            "Load_W": now.battery_v * now.load_a,
            "LoadInfo": self.output_state,
            "UsbInfo": self.output_state,
            "ErrorFlags": self.error_flags,
            "DeepDisCount": 0,
            "BatUsable_Ah": NOMINAL_AH,
            "SolarInDay_Wh": self._solar_wh,
            "LoadOutDay_Wh": self._load_wh,
            "BatChgDay_Wh": self._charged_wh,
            "BatDisDay_Wh": self._discharged_wh,
            "Dis_Ah": self._discharged_ah,
        }

    def _count(self, now: Snapshot) -> None:
        step_s = now.time_s - self._last_s
        if step_s <= 0:
            return  # a row of a recording that was sent again
        self._last_s = now.time_s
        if not step_s <= LONGEST_STEP_S:
            return
        hours = step_s / 3600
        battery_wh = now.battery_v * now.battery_a * hours
        self._charged_wh += max(battery_wh, 0.0)
        self._discharged_wh += max(-battery_wh, 0.0)
        self._solar_wh += now.solar_v * now.solar_a * hours
        self._load_wh += now.battery_v * now.load_a * hours
        self._discharged_ah = max(self._discharged_ah - now.battery_a * hours, 0.0)

    def _soc(self, now: Snapshot) -> int:
        if self._soc_pct < 0 or abs(now.battery_a) < RESTING_BELOW_A:
            share = (now.battery_v - OCV_EMPTY_V) / (OCV_FULL_V - OCV_EMPTY_V)
            self._soc_pct = round(100 * min(max(share, 0.0), 1.0))
        return self._soc_pct
