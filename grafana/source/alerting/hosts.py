"""Rules about the Raspberry Pis, as their uploaders tell it."""

from __future__ import annotations

from typing import Final

from grafana.source.alerting.flux import field, whole
from grafana.source.alerting.rule import Rule

_DASHBOARD: Final = "soclab-collectors"
_HOST: Final = ("site", "instrument")
_SILENT: Final = """
    No data is OK: that nothing arrives is an alert of its own. An error is reported as such, once
    for all rules.
"""
_NEVER_D: Final = "1000.0"
_LEAST_WINDOWS: Final = "12.0"  # six hours: what happens within fewer is no trend

# A straight line through the half hours of a day, by least squares; hours count from its beginning.
_DAYS_LEFT: Final = (
    field("raw", "collector", "disk_free_bytes")
    + whole("30m")
    + f"""\
    |> group(columns: ["site", "instrument"])
    |> sort(columns: ["_time"])
    |> map(
        fn: (r) => {{
            passed = int(v: r._time) - int(v: v.timeRangeStart)

            return {{r with t: float(v: passed) / 3600000000000.0}}
        }},
    )
    |> reduce(
        identity: {{n: 0.0, t: 0.0, b: 0.0, tt: 0.0, tb: 0.0, last: 0.0}},
        fn: (r, accumulator) =>
            ({{
                n: accumulator.n + 1.0,
                t: accumulator.t + r.t,
                b: accumulator.b + r._value,
                tt: accumulator.tt + r.t * r.t,
                tb: accumulator.tb + r.t * r._value,
                last: r._value,
            }}),
    )
    |> filter(fn: (r) => r.n >= {_LEAST_WINDOWS})
    |> map(
        fn: (r) =>
            ({{r with slope: (r.n * r.tb - r.t * r.b) / (r.n * r.tt - r.t * r.t)}}),
    )
    |> map(
        fn: (r) => {{
            days = if r.slope < 0.0 then r.last / -r.slope / 24.0 else {_NEVER_D}

            return {{
                site: r.site,
                instrument: r.instrument,
                _value: if days < {_NEVER_D} then days else {_NEVER_D},
            }}
        }},
    )
"""
)

RULES: Final = (
    Rule(
        uid="soclab-disk-full",
        title="Disk nearly full",
        severity="critical",
        series=field("raw", "collector", "disk_used_pct") + "    |> last()",
        labels=_HOST,
        limit="disk_used_pct",
        unit="%",
        decimals=0,
        summary="{{ $labels.instrument }}: VALUE of its disk are in use (alert above LIMIT)",
        why="Critical: without room, readings are lost as soon as the server is away. Pending 5"
        " minutes: an upgrade needs room for a moment." + _SILENT,
        dashboard=_DASHBOARD,
        range_s=600,
        pending="5m",
        keep_firing="10m",
    ),
    Rule(
        uid="soclab-disk-filling",
        title="Disk filling",
        severity="warning",
        series=_DAYS_LEFT,
        labels=_HOST,
        limit="disk_full_d",
        unit="d",
        summary="{{ $labels.instrument }}: its disk is full in VALUE (alert below LIMIT)",
        why="From a straight line through the free space of a day, from six hours of data on."
        " Pending 30 minutes: the line moves slowly." + _SILENT,
        dashboard=_DASHBOARD,
        range_s=86_400,
        pending="30m",
        keep_firing="30m",
    ),
    Rule(
        uid="soclab-processor-hot",
        title="Processor too hot",
        severity="warning",
        series=field("raw", "collector", "cpu_temperature_c") + whole("1m"),
        history=True,
        labels=_HOST,
        limit="cpu_temperature_c",
        unit="°C",
        decimals=0,
        summary="{{ $labels.instrument }}: its processor has VALUE (alert above LIMIT)",
        why="Pending 5 minutes: at its limit it slows down by itself." + _SILENT,
        dashboard=_DASHBOARD,
        range_s=3600,
        pending="5m",
        keep_firing="10m",
    ),
)
