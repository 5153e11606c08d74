"""The data objects of each generation: where a value stands, how it is printed, who may write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Access = Literal["read", "maker"]


@dataclass(frozen=True)
class Item:
    """One data object; ``quantity`` names the value in generation A's words."""

    group: str
    name: str
    quantity: str
    decimals: int | None = None
    """Digits behind the point, or None for integers."""
    published: bool = False
    access: Access = "read"


@dataclass(frozen=True)
class Table:
    """One generation."""

    root: tuple[str, ...]
    items: tuple[Item, ...]
    report: str
    """What stands between ``#`` and the values."""
    nested: bool
    status_text: bool
    not_a_number: str
    line_end: bytes
    subset: str
    """Path of the list of what is published."""
    switches: dict[str, str]
    """Path of every setting of the publication and what it sets: ``enable`` or ``period_ms``."""
    about: str
    reset: str
    auth: str
    function_status: int = 0x83


def _flat(group: str, names: str, *, maker: bool = False) -> list[Item]:
    """Return items from ``name:decimals`` words; an integer has no colon, ``*`` is published."""
    items = []
    for word in names.split():
        name, _, decimals = word.removesuffix("*").partition(":")
        items.append(
            Item(
                group,
                name,
                name,
                int(decimals) if decimals else None,
                published=word.endswith("*"),
                access="maker" if maker else "read",
            )
        )
    return items


_MEASURED: Final = "Bat_W:2 Bat_degC:1 BatTempExt Int_degC:1 Mosfet_degC:1 Solar_W:2 Load_W:2"

_A_ITEMS: Final = (
    *_flat(
        "output",
        "Uptime_s* Bat_V:2* Bat_A:2* SOC_pct* ChgState* DCDCState* Solar_V:2* Solar_A:2*"
        " Load_A:2* LoadInfo* UsbInfo* ErrorFlags*",
    ),
    *_flat("rec", "DeepDisCount* BatUsable_Ah:1* SolarInDay_Wh:2* LoadOutDay_Wh:2*", maker=True),
    *_flat("rec", "BatChgDay_Wh:2* BatDisDay_Wh:2* Dis_Ah:0*", maker=True),
    *_flat("output", _MEASURED),
)

_B_ITEMS: Final = (
    *_flat("meas", "Uptime_s* Bat_V:2* Bat_A:2* Solar_V:2* Solar_A:2* Load_A:2* SOC_pct*"),
    *_flat("state", "ChgState* DCDCState* LoadInfo* UsbInfo* ErrorFlags*"),
    *_flat("rec", "DeepDisCount* BatUsable_Ah:1* BatChgDay_Wh:2* BatDisDay_Wh:2*", maker=True),
    *_flat("rec", "Dis_Ah:0* SolarInDay_Wh:2* LoadOutDay_Wh:2*", maker=True),
    *_flat("meas", _MEASURED),
)


def _paths(rows: str) -> tuple[Item, ...]:
    """Return items from lines ``group item quantity[:decimals][*]``."""
    items = []
    for row in rows.strip().splitlines():
        group, name, rest = row.split()
        quantity, _, decimals = rest.removesuffix("*").partition(":")
        items.append(
            Item(
                group,
                name,
                quantity,
                int(decimals) if decimals else None,
                published=rest.endswith("*"),
                access="maker" if name.startswith("p") else "read",
            )
        )
    return tuple(items)


_C_ROWS: Final = """
Device rUptime_s Uptime_s*
Device rErrorFlags ErrorFlags*
Device rIntTemp_degC Int_degC:1
Battery rVoltage_V Bat_V:2*
Battery rCurrent_A Bat_A:2*
Battery rPower_W Bat_W:2
Battery rTemperature_degC Bat_degC:1
Battery rSOC_pct SOC_pct*
Battery pCapacityEstimation_Ah BatUsable_Ah:1*
Battery pChgEnergyToday_Wh BatChgDay_Wh:2*
Battery pDisEnergyToday_Wh BatDisDay_Wh:2*
Battery pDeepDisCount DeepDisCount*
Battery pDisCapacity_Ah Dis_Ah:0*
Charger rState ChgState*
Charger rDCDCState DCDCState*
Charger rMosfetTemp_degC Mosfet_degC:1
Solar rVoltage_V Solar_V:2*
Solar rCurrent_A Solar_A:2*
Solar rPower_W Solar_W:2
Solar pInputToday_Wh SolarInDay_Wh:2*
Load rCurrent_A Load_A:2*
Load rPower_W Load_W:2
Load rState LoadInfo*
Load pOutputToday_Wh LoadOutDay_Wh:2*
USB rState UsbInfo*
"""

# v0.6 publishes powers as well.
_D_ROWS: Final = _C_ROWS.replace("_W:2\n", "_W:2*\n")
_GROUPS: Final = ("Device", "Battery", "Charger", "Solar", "Load", "USB")

TABLES: Final = {
    "A": Table(
        ("info", "conf", "output", "rec", "exec", "auth", "pub"),
        _A_ITEMS,
        report="",
        nested=False,
        status_text=True,
        not_a_number="nan",
        line_end=b"\n",
        subset="pub/serial/IDs",
        switches={"pub/serial/Enable": "enable"},
        about="info",
        reset="exec/reset",
        auth="auth",
    ),
    "B": Table(
        ("info", "meas", "state", "rec", "input", "conf", "cal", "rpc", "dfu", "serial", ".pub"),
        _B_ITEMS,
        report="serial",
        nested=False,
        status_text=True,
        not_a_number="nan",
        line_end=b"\n",
        subset="serial",
        switches={".pub/serial/Enable": "enable"},
        about="info",
        reset="rpc/x-reset",
        auth="rpc/x-auth",
    ),
    "C": Table(
        ("Device", "Battery", "Charger", "Solar", "Load", "USB", "mSerial", "_Pub"),
        _paths(_C_ROWS),
        report="mSerial",
        nested=True,
        status_text=True,
        not_a_number="null",
        line_end=b"\n",
        subset="mSerial",
        switches={"_Pub/mSerial/wEnable": "enable"},
        about="Device",
        reset="Device/xReset",
        auth="Device/xAuth",
    ),
    "D": Table(
        (*_GROUPS, "mLive", "mSummary", "_Reporting"),
        _paths(_D_ROWS),
        report="mLive",
        nested=True,
        status_text=False,
        not_a_number="null",
        line_end=b"\r\n",
        subset="mLive",
        switches={
            "_Reporting/mLive/sEnable": "enable",
            "_Reporting/mLive/sPeriod_ms": "period_ms",
        },
        about="Device",
        reset="Device/xReset",
        auth="xAuth",
        function_status=0x84,
    ),
}

ABOUT: Final = {
    "DeviceType": "MPPT-1210-HUS",
    "HardwareVersion": "0.7",
    "FirmwareVersion": "simulated",
}
"""What the device says it is; generations C and D put a ``c`` before the names."""
