"""The names of a device and their fields in the data contract.

Current and power of the solar port are counted into the panel by the device, out of it by the
contract; they change their sign here and nowhere else.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Kind = Literal["voltage", "current", "power", "amount", "count", "state", "percent", "temperature"]
WHOLE: Final = frozenset({"count", "state", "percent"})
"""Kinds that the firmware keeps as integers."""


class Target(NamedTuple):
    """Where a value goes; its kind says what the device can measure at all."""

    measurement: str
    field: str
    kind: Kind
    sign: int = 1
    also: tuple[str, str] | None = None
    """A second field of the contract with the same meaning."""


TARGETS: Final[dict[str, Target]] = {
    "Uptime_s": Target("charger", "uptime_s", "count"),
    "ErrorFlags": Target("charger", "error_flags", "count"),
    "ChgState": Target("charger", "state", "state"),
    "DCDCState": Target("charger", "dcdc_state", "state"),
    "UsbInfo": Target("charger", "usb_state", "state"),
    "Bat_V": Target("battery", "voltage_v", "voltage"),
    "Bat_A": Target("battery", "current_a", "current"),
    "Bat_W": Target("battery", "power_w", "power"),
    "Bat_degC": Target("battery", "temperature_c", "temperature"),
    "SOC_pct": Target("battery", "soc_pct", "percent"),
    "BatUsable_Ah": Target("battery", "usable_capacity_ah", "amount"),
    "BatChgDay_Wh": Target(
        "battery", "charge_energy_day_wh", "amount", also=("charger", "energy_day_wh")
    ),
    "BatDisDay_Wh": Target("battery", "discharge_energy_day_wh", "amount"),
    "Dis_Ah": Target("battery", "discharged_ah", "amount"),
    "DeepDisCount": Target("battery", "deep_discharges", "count"),
    "Solar_V": Target("solar", "voltage_v", "voltage"),
    "Solar_A": Target("solar", "current_a", "current", sign=-1),
    "Solar_W": Target("solar", "power_w", "power", sign=-1),
    "SolarInDay_Wh": Target("solar", "energy_day_wh", "amount"),
    "Load_A": Target("load", "current_a", "current"),
    "Load_W": Target("load", "power_w", "power"),
    "LoadInfo": Target("load", "state", "state"),
    "LoadOutDay_Wh": Target("load", "energy_day_wh", "amount"),
}


def ranges(voltage_max_v: float, current_max_a: float) -> dict[Kind, tuple[float, float]]:
    """Return what a value of each kind can be at all; beyond, bytes were lost.

    A device must never be able to leave these, whatever state it is in.
    """
    power_max_w = voltage_max_v * current_max_a
    return {
        "voltage": (-1.0, voltage_max_v),  # an open input reads a little below zero
        "current": (-current_max_a, current_max_a),
        "power": (-power_max_w, power_max_w),
        "amount": (-1e9, 1e9),
        "count": (0, 2**32 - 1),  # uint32 in the firmware
        "state": (-255, 15),  # outputs send their error bits negated
        "percent": (0, 100),  # the firmware clamps
        "temperature": (-100, 200),
    }


# Group and item of generations C and D for the flat names of A and B.
PATHS: Final[dict[str, tuple[str, str]]] = {
    "Uptime_s": ("Device", "rUptime_s"),
    "ErrorFlags": ("Device", "rErrorFlags"),
    "Int_degC": ("Device", "rIntTemp_degC"),
    "ChgState": ("Charger", "rState"),
    "DCDCState": ("Charger", "rDCDCState"),
    "Mosfet_degC": ("Charger", "rMosfetTemp_degC"),
    "ChgTarget_V": ("Charger", "rControlTargetVoltage_V"),
    "ChgTarget_A": ("Charger", "rControlTargetCurrent_A"),
    "Bat_V": ("Battery", "rVoltage_V"),
    "Bat_A": ("Battery", "rCurrent_A"),
    "Bat_W": ("Battery", "rPower_W"),
    "Bat_degC": ("Battery", "rTemperature_degC"),
    "SOC_pct": ("Battery", "rSOC_pct"),
    "BatUsable_Ah": ("Battery", "pCapacityEstimation_Ah"),
    "BatChgDay_Wh": ("Battery", "pChgEnergyToday_Wh"),
    "BatDisDay_Wh": ("Battery", "pDisEnergyToday_Wh"),
    "BatChgTotal_Wh": ("Battery", "pChgEnergyTotal_Wh"),
    "BatDisTotal_Wh": ("Battery", "pDisEnergyTotal_Wh"),
    "DeepDisCount": ("Battery", "pDeepDisCount"),
    "Dis_Ah": ("Battery", "pDisCapacity_Ah"),
    "Solar_V": ("Solar", "rVoltage_V"),
    "Solar_A": ("Solar", "rCurrent_A"),
    "Solar_W": ("Solar", "rPower_W"),
    "SolarInDay_Wh": ("Solar", "pInputToday_Wh"),
    "SolarInTotal_Wh": ("Solar", "pInputTotal_Wh"),
    "Load_A": ("Load", "rCurrent_A"),
    "Load_W": ("Load", "rPower_W"),
    "LoadInfo": ("Load", "rState"),
    "LoadOutDay_Wh": ("Load", "pOutputToday_Wh"),
    "LoadOutTotal_Wh": ("Load", "pOutputTotal_Wh"),
    "UsbInfo": ("USB", "rState"),
}

# Spellings of the specification's examples and of other Libre Solar products.
GROUP_ALIASES: Final = {"Battery": "Bat"}
ITEM_ALIASES: Final = {
    "rVoltage_V": "rMeas_V",
    "rCurrent_A": "rMeas_A",
    "rPower_W": "rMeas_W",
    "rTemperature_degC": "rMeas_degC",
}
