"""The data contract: every measurement, field and tag that soclab writes.

Names are added, never renamed: dashboards, alert rules and years of data depend on them.
Every number is a float on the wire, because the first write of a field fixes its type in InfluxDB.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
"""Of sites, batteries and instruments: they stand in tags, folders, systemd units and Flux."""

BUCKET_RAW: Final = "raw"
BUCKET_ROLLUP: Final = "rollup_1m"
BUCKET_DERIVED: Final = "derived"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a measurement: its unit ("1" if it has none) and what it means."""

    unit: str
    meaning: str
    text: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measurement with its fields and the tags it carries beside ``site`` and ``instrument``."""

    meaning: str
    fields: dict[str, Field]
    tags: tuple[str, ...] = ()
    bucket: str = BUCKET_RAW
    open_fields: bool = field(default=False)
    """Whether fields that are not listed are allowed (names chosen by a device)."""


ROLLUP_TAG: Final = "stat"
ROLLUP_STATS: Final = ("mean", "min", "max", "count")
"""Bucket rollup_1m: the measurements, tags and fields of raw, with one more tag to tell these."""

COMMON_TAGS: Final = ("site", "instrument")

_VOLTAGE = Field("V", "terminal voltage")
_POWER = Field("W", "power")

CONTRACT: Final[dict[str, Measurement]] = {
    "battery": Measurement(
        "the battery at its terminals",
        {
            "voltage_v": _VOLTAGE,
            "current_a": Field("A", "current; above zero it charges the battery"),
            "power_w": Field("W", "power; above zero it charges the battery"),
            "temperature_c": Field("°C", "temperature of the battery or its sensor"),
            "soc_pct": Field("%", "state of charge as the device itself claims it"),
            "charge_ah": Field("Ah", "charge counter of the device"),
            "voltage_min_v": Field("V", "lowest voltage within a stream interval"),
            "voltage_max_v": Field("V", "highest voltage within a stream interval"),
            "voltage_rms_v": Field("V", "root mean square voltage of a stream interval"),
            "current_min_a": Field("A", "lowest current within a stream interval"),
            "current_max_a": Field("A", "highest current within a stream interval"),
            "current_rms_a": Field("A", "root mean square current of a stream interval"),
            "usable_capacity_ah": Field("Ah", "usable capacity as the device estimates it"),
            "charge_energy_day_wh": Field("Wh", "energy charged since the device's day began"),
            "discharge_energy_day_wh": Field("Wh", "energy discharged since its day began"),
            "discharged_ah": Field("Ah", "charge taken out since full, by the device's count"),
            "deep_discharges": Field("1", "deep discharges counted by the device"),
        },
        tags=("battery",),
    ),
    "burst": Measurement(
        "single samples around a trigger, at stream rate",
        {
            "voltage_v": _VOLTAGE,
            "current_a": Field("A", "current; above zero it charges the battery"),
        },
        tags=("battery",),
    ),
    "solar": Measurement(
        "the photovoltaic input",
        {
            "voltage_v": Field("V", "voltage of the solar terminals"),
            "current_a": Field("A", "current out of the panel, above zero by day"),
            "power_w": Field("W", "power out of the panel, above zero by day"),
            "energy_day_wh": Field("Wh", "energy since the device's day began"),
        },
        tags=("battery",),
    ),
    "load": Measurement(
        "what consumes: an electronic load or a load output",
        {
            "voltage_v": _VOLTAGE,
            "current_a": Field("A", "current into the load, never below zero"),
            "power_w": Field("W", "power into the load"),
            "charge_ah": Field("Ah", "charge counter of the load; a decrease is a reset"),
            "enabled": Field("1", "1 while the load is switched on"),
            "remote": Field("1", "1 while the load is under remote control"),
            "mode": Field("1", "regulation: 0 CV, 1 CR, 2 CC, 3 CP"),
            "state": Field("1", "state of a load output as its device codes it"),
            "energy_day_wh": Field("Wh", "energy since the device's day began"),
        },
        tags=("battery",),
    ),
    "charger": Measurement(
        "the charge controller",
        {
            "state": Field("1", "0 idle, 1 bulk, 2 absorption, 3 float, 4 equalisation"),
            "dcdc_state": Field("1", "state of the converter as its device codes it"),
            "error_flags": Field("1", "error bits as an integer"),
            "energy_day_wh": Field("Wh", "energy charged since the device's day began"),
            "uptime_s": Field("s", "time since the device started; a decrease is a restart"),
            "usb_state": Field("1", "state of the USB output as its device codes it"),
        },
        tags=("battery",),
    ),
    "grid": Measurement(
        "the connection to the grid",
        {"power_w": Field("W", "power; above zero it is imported")},
        tags=("battery",),
    ),
    "relay": Measurement(
        "a relay and what was asked of it",
        {
            "closed": Field("1", "1 while the contact is closed"),
            "requested": Field("1", "1 while it is requested to be closed"),
            "reason": Field("1", "why it is in this state", text=True),
        },
        tags=("battery",),
    ),
    "price": Measurement(
        "electricity prices",
        {
            "import_per_kwh": Field("currency/kWh", "price of imported energy"),
            "export_per_kwh": Field("currency/kWh", "price paid for exported energy"),
        },
        tags=("area", "currency"),
    ),
    "soc": Measurement(
        "state of charge, computed",
        {
            "soc_pct": Field("%", "state of charge"),
            "charge_ah": Field("Ah", "charge in the battery"),
            "sigma_pct": Field("%", "standard uncertainty of soc_pct"),
            "unobserved_s": Field("s", "time without data since the last anchor"),
            "observed_s": Field("s", "time with data since the last anchor"),
            "throughput_ah": Field("Ah", "charge moved, either way, since the last anchor"),
            "base_sigma_pct": Field("%", "standard uncertainty right after the last anchor"),
            "full_held_s": Field("s", "how long it has looked full; -1 if it does not"),
            "empty_held_s": Field("s", "how long it has looked empty; -1 if it does not"),
            "sample_age_s": Field("s", "from the newest sample counted to this row"),
            "sample_current_a": Field("A", "the newest current counted; above zero it charges"),
            "samples": Field("1", "samples of current counted since the first"),
            "bias_a": Field("A", "what the current sensor reads too much"),
            "bias_sigma_a": Field("A", "standard uncertainty of bias_a"),
            "capacity_ah": Field("Ah", "charge between empty and full, estimated"),
            "capacity_sigma_ah": Field("Ah", "standard uncertainty of capacity_ah"),
            "resistance_ohm": Field("Ω", "inner resistance at half charge and 25 °C"),
            "resistance_sigma_ohm": Field("Ω", "standard uncertainty of resistance_ohm"),
            "to_empty_h": Field("h", "median time until empty; none beyond a week"),
            "to_empty_low_h": Field("h", "it lasts longer in 97.5 of 100 cases"),
            "to_empty_high_h": Field("h", "it lasts longer in 2.5 of 100 cases"),
            "to_full_h": Field("h", "median time until full; none beyond a week"),
            "to_full_low_h": Field("h", "it takes longer in 97.5 of 100 cases"),
            "to_full_high_h": Field("h", "it takes longer in 2.5 of 100 cases"),
        },
        tags=("battery", "method"),
        bucket=BUCKET_DERIVED,
    ),
    "soc_check": Measurement(
        "whether the methods agree on a battery's state of charge",
        {
            "methods": Field("1", "methods that were compared"),
            "spread_pct": Field("%", "largest difference between two of them"),
            "distance": Field("1", "largest difference, in its own standard deviations"),
        },
        tags=("battery",),
        bucket=BUCKET_DERIVED,
    ),
    "schedule": Measurement(
        "what the planner wants",
        {
            "power_w": Field("W", "planned power; above zero it charges the battery"),
            "soc_pct": Field("%", "planned state of charge"),
        },
        tags=("battery", "plan"),
        bucket=BUCKET_DERIVED,
    ),
    "collector": Measurement(
        "how a unit of soclab itself is doing",
        {
            "up": Field("1", "1 while the device answers"),
            "duration_s": Field("s", "time the last reading took"),
            "readings_total": Field("1", "readings taken since the unit started"),
            "errors_total": Field("1", "bad replies and lost connections since it started"),
            "missed_total": Field("1", "readings skipped because the one before was late"),
            "dropped_total": Field("1", "accepted or waiting lines given up at a bound"),
            "unknown_total": Field("1", "values that a device sent under unknown names"),
            "invalid_total": Field("1", "values that were no measurements: clipped or not finite"),
            "spool_bytes": Field("B", "bytes waiting in the spool"),
            "spool_age_s": Field("s", "age of the oldest line waiting in the spool"),
            "undated_bytes": Field("B", "bytes of boots whose clock was never right"),
            "clock_synced": Field("1", "1 once the clock is known to be right"),
            "uploaded_total": Field("1", "lines confirmed by the server since it started"),
            "quarantined_total": Field("1", "lines the server refused, since it started"),
            "quarantine_bytes": Field("B", "bytes in quarantine"),
            "uploads_failed_total": Field("1", "failed upload attempts since it started"),
            "repairs_total": Field("1", "steps taken to bring the network back since it started"),
            "stream_skipped_total": Field("1", "scans the device could not deliver"),
            "memory_bytes": Field("B", "resident memory of the unit"),
            "cpu_s": Field("s", "processor time the unit has used since it started"),
            "disk_free_bytes": Field("B", "room that is left on the disk of the spool"),
            "disk_used_pct": Field("%", "part of the disk of the spool that is in use"),
            "cpu_temperature_c": Field("°C", "temperature of the host's processor"),
        },
    ),
    "event": Measurement(
        "what happened",
        {"text": Field("1", "what happened, in a sentence", text=True)},
        tags=("battery", "kind"),
    ),
    "thingset_extra": Measurement(
        "values of a ThingSet device that the contract has no name for",
        {},
        tags=("battery",),
        open_fields=True,
    ),
}
