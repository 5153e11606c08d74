"""What a lab may change of the alert rules: limits and quiet hours, with their defaults.

Inventory variables of the role ``grafana`` have the same names with ``grafana_`` in front; a test
compares them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""Of batteries and instruments, as the data contract has it: safe within a Flux text."""
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_TIMEZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]*")


class SettingsError(Exception):
    """A setting that cannot be; the message names it and says what would do."""


class Pair(NamedTuple):
    """Where an alert fires and, on its safe side, where it clears."""

    fire: float
    clear: float


class Limit(NamedTuple):
    """One kind of limit."""

    default: Pair
    unit: str
    of: str
    """What may have a limit of its own: ``battery``, ``instrument``, or ``lab`` for nothing."""
    meaning: str

    @property
    def above(self) -> bool:
        """Whether it fires above its limit; else below."""
        return self.default.fire >= self.default.clear


LIMITS: Final[dict[str, Limit]] = {
    "soc_low_pct": Limit(Pair(30, 35), "%", "battery", "low state of charge"),
    "soc_critical_pct": Limit(Pair(15, 20), "%", "battery", "critically low state of charge"),
    "soc_high_pct": Limit(Pair(99, 95), "%", "battery", "battery full for half a day"),
    "voltage_low_v": Limit(Pair(11.0, 11.8), "V", "battery", "voltage too low"),
    "voltage_high_v": Limit(Pair(15.0, 14.6), "V", "battery", "voltage too high"),
    "temperature_high_c": Limit(Pair(45, 40), "°C", "battery", "battery too hot"),
    "current_high_a": Limit(Pair(30, 25), "A", "battery", "current too high, either way"),
    "disagree_current_a": Limit(
        Pair(1.0, 0.5), "A", "battery", "difference of two instruments' current"
    ),
    "disagree_charge_ah": Limit(
        Pair(2.0, 1.0), "Ah", "battery", "difference of two instruments' charge in a day"
    ),
    "disagree_soc_pct": Limit(
        Pair(10, 5), "%", "battery", "difference of two methods' state of charge"
    ),
    "anchor_age_d": Limit(Pair(14, 13), "d", "battery", "time since the battery was full or empty"),
    "soc_lag_s": Limit(Pair(300, 60), "s", "battery", "state of charge behind its readings"),
    "silent_s": Limit(Pair(300, 60), "s", "instrument", "time without a reading"),
    "restarts": Limit(Pair(3, 1), "", "instrument", "restarts of a collector in an hour"),
    "backlog_age_s": Limit(Pair(900, 60), "s", "lab", "age of readings waiting for the server"),
    "rollup_lag_s": Limit(Pair(900, 300), "s", "lab", "minutes' summary behind the readings"),
    "disk_used_pct": Limit(Pair(90, 85), "%", "instrument", "disk of a Raspberry Pi in use"),
    "disk_full_d": Limit(Pair(4, 6), "d", "instrument", "time until that disk is full"),
    "cpu_temperature_c": Limit(Pair(80, 70), "°C", "instrument", "processor too hot"),
}
ANYTHING: Final = Limit(Pair(0, 0), "", "lab", "what must not be there at all")
"""The limit of rules that no inventory can have another opinion of."""


class QuietHours(NamedTuple):
    """When only critical alerts are sent: wall-clock times and the zone they are meant in."""

    start: str = "22:00"
    end: str = "07:00"
    timezone: str = "Local"  # the server's own


@dataclass(frozen=True)
class Settings:
    """Everything a lab may change."""

    limits: dict[str, Pair] = field(
        default_factory=lambda: {name: limit.default for name, limit in LIMITS.items()}
    )
    battery_limits: dict[str, dict[str, Pair]] = field(default_factory=dict)
    instrument_limits: dict[str, dict[str, Pair]] = field(default_factory=dict)
    quiet_hours: QuietHours = field(default_factory=QuietHours)

    def own(self, limit: str) -> dict[str, Pair]:
        """Return the limits of batteries or instruments that have one of their own, by name."""
        owners = {"battery": self.battery_limits, "instrument": self.instrument_limits}
        of = owners.get(LIMITS.get(limit, ANYTHING).of, {})
        return {name: limits[limit] for name, limits in sorted(of.items()) if limit in limits}


def read(given: dict[str, Any]) -> Settings:
    """Return settings from the inventory's variables; what is not given has its default.

    Raises
    ------
    SettingsError
        If a name is unknown, or a limit would fire and clear at once.
    """
    known = {"limits", "battery_limits", "instrument_limits", "quiet_hours"}
    _refuse_unknown(given, known, "")
    hours = given.get("quiet_hours") or {}
    _refuse_unknown(hours, set(QuietHours._fields), "quiet_hours.")
    return Settings(
        limits={n: limit.default for n, limit in LIMITS.items()}
        | _limits(given.get("limits") or {}, set(LIMITS), "limits"),
        battery_limits=_named(given, "battery"),
        instrument_limits=_named(given, "instrument"),
        quiet_hours=_quiet(QuietHours(**hours)),
    )


def _named(given: dict[str, Any], of: str) -> dict[str, dict[str, Pair]]:
    allowed = {name for name, limit in LIMITS.items() if limit.of == of}
    found = {}
    for name, limits in (given.get(f"{of}_limits") or {}).items():
        if not _NAME.fullmatch(str(name)):
            raise SettingsError(f"{of}_limits: {name!r} cannot be the name of a {of}")
        found[str(name)] = _limits(limits or {}, allowed, f"{of}_limits.{name}")
    return found


def _limits(given: dict[str, Any], allowed: set[str], where: str) -> dict[str, Pair]:
    _refuse_unknown(given, allowed, f"{where}.")
    return {name: _pair(value, LIMITS[name], f"{where}.{name}") for name, value in given.items()}


def _pair(value: Any, limit: Limit, where: str) -> Pair:
    example = f"such as [{limit.default.fire:g}, {limit.default.clear:g}]"
    try:
        fire, clear = (float(number) for number in value)
    except (TypeError, ValueError):
        raise SettingsError(f"{where}: give two numbers, {example}") from None
    if not (math.isfinite(fire) and math.isfinite(clear)):
        raise SettingsError(f"{where}: give two numbers, {example}")
    if (fire < clear) if limit.above else (fire > clear):
        side = "above" if limit.above else "below"
        raise SettingsError(
            f"{where}: it fires {side} the first and clears at the second: {example}"
        )
    return Pair(fire, clear)


def _quiet(hours: QuietHours) -> QuietHours:
    for name, value in (("start", hours.start), ("end", hours.end)):
        if not _CLOCK.fullmatch(str(value)):
            raise SettingsError(f'quiet_hours.{name}: give a time such as "22:00", in quotes')
    if hours.start == hours.end:
        raise SettingsError("quiet_hours: start and end are the same")
    if not _TIMEZONE.fullmatch(str(hours.timezone)):
        raise SettingsError("quiet_hours.timezone: give a name such as Europe/Berlin, or Local")
    return hours


def _refuse_unknown(given: Any, known: set[str], where: str) -> None:
    if not isinstance(given, dict):
        raise SettingsError(f"{where.rstrip('.') or 'settings'}: give names with values")
    for name in given:
        if name not in known:
            raise SettingsError(f"{where}{name}: unknown; there are {', '.join(sorted(known))}")
