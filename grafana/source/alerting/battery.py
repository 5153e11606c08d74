"""Rules about a battery itself, as instruments and the state of charge tell it."""

from __future__ import annotations

from typing import Final

from grafana.source.alerting.flux import AMOUNT, field, whole
from grafana.source.alerting.rule import Rule

_DASHBOARD: Final = "soclab-battery"
_HOLDS: Final = """
    Hysteresis is in the query, so noise around the limit gives one alert. No data is OK: that an
    instrument is silent is an alert of its own. An error is reported as such, once for all rules.
"""

_SOC: Final = field("derived", "soc", "soc_pct", 'r.method == "coulomb"') + whole("2m")
_DAYS: Final = 2 * 86_400  # a dull winter's day within the dead band


def measured(name: str, every: str) -> str:
    """Return the means of a field of the battery, from every instrument that measures it."""
    return field("raw", "battery", name) + whole(every)


RULES: Final = (
    Rule(
        uid="soclab-soc-low",
        title="State of charge low",
        severity="warning",
        series=_SOC,
        history=True,
        range_s=_DAYS,
        limit="soc_low_pct",
        unit="%",
        summary="{{ $labels.battery }}: state of charge VALUE (alert below LIMIT)",
        why="Pending 5 minutes: charge does not fall quickly, and an anchor may correct it."
        + _HOLDS,
        dashboard=_DASHBOARD,
        pending="5m",
        keep_firing="10m",
    ),
    Rule(
        uid="soclab-soc-critical",
        title="State of charge critical",
        severity="critical",
        series=_SOC,
        history=True,
        range_s=_DAYS,
        limit="soc_critical_pct",
        unit="%",
        summary="{{ $labels.battery }}: state of charge VALUE (alert below LIMIT)",
        why="Pending 1 minute: long enough for one recomputed row, no longer." + _HOLDS,
        dashboard=_DASHBOARD,
        pending="1m",
        keep_firing="10m",
    ),
    Rule(
        uid="soclab-soc-high",
        title="Battery full for long",
        severity="info",
        series=_SOC,
        history=True,
        range_s=_DAYS,
        limit="soc_high_pct",
        unit="%",
        summary="{{ $labels.battery }}: state of charge VALUE (alert above LIMIT for 12 hours)",
        why="Pending 12 hours: being full in the afternoon is what a battery is for." + _HOLDS,
        dashboard=_DASHBOARD,
        pending="12h",
        keep_firing="10m",
    ),
    Rule(
        uid="soclab-voltage-low",
        title="Voltage too low",
        severity="critical",
        series=measured("voltage_v", "30s"),
        history=True,
        range_s=6 * 3600,
        labels=("site", "battery", "instrument"),
        limit="voltage_low_v",
        unit="V",
        decimals=2,
        summary="{{ $labels.battery }}: voltage VALUE by {{ $labels.instrument }}"
        " (alert below LIMIT)",
        why="Pending 1 minute on means of 30 s: a motor that starts is no alert." + _HOLDS,
        dashboard=_DASHBOARD,
        pending="1m",
        keep_firing="5m",
    ),
    Rule(
        uid="soclab-voltage-high",
        title="Voltage too high",
        severity="critical",
        series=measured("voltage_v", "30s"),
        history=True,
        range_s=6 * 3600,
        labels=("site", "battery", "instrument"),
        limit="voltage_high_v",
        unit="V",
        decimals=2,
        summary="{{ $labels.battery }}: voltage VALUE by {{ $labels.instrument }}"
        " (alert above LIMIT)",
        why="Pending 1 minute on means of 30 s: a load that switches off is no alert." + _HOLDS,
        dashboard=_DASHBOARD,
        pending="1m",
        keep_firing="5m",
    ),
    Rule(
        uid="soclab-temperature-high",
        title="Battery too hot",
        severity="critical",
        series=measured("temperature_c", "1m"),
        history=True,
        range_s=6 * 3600,
        labels=("site", "battery", "instrument"),
        limit="temperature_high_c",
        unit="°C",
        summary="{{ $labels.battery }}: VALUE by {{ $labels.instrument }} (alert above LIMIT)",
        why="Pending 2 minutes on means of 1 minute: a battery has mass." + _HOLDS,
        dashboard=_DASHBOARD,
        pending="2m",
        keep_firing="10m",
    ),
    Rule(
        uid="soclab-current-high",
        title="Current too high",
        severity="critical",
        series=measured("current_a", "10s") + AMOUNT,
        history=True,
        range_s=3600,
        labels=("site", "battery", "instrument"),
        limit="current_high_a",
        unit="A",
        summary="{{ $labels.battery }}: current VALUE either way by {{ $labels.instrument }}"
        " (alert above LIMIT)",
        why="Pending 30 s on means of 10 s: inrush is over by then, a fuse is not yet." + _HOLDS,
        dashboard=_DASHBOARD,
        pending="30s",
        keep_firing="5m",
    ),
)
