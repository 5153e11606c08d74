"""Rules about instruments, the units that read them, and the way of readings to the server.

Every Raspberry Pi has an uploader, which speaks for the spools of all of its units.
"""

from __future__ import annotations

from typing import Final

from grafana.source.alerting.flux import SECONDS_PER_NS, field, stored
from grafana.source.alerting.rule import Rule

_DASHBOARD: Final = "soclab-collectors"
_UNIT: Final = ("site", "instrument")
_ERROR: Final = " An error is reported as such, once for all rules."
_NO_ROWS: Final = " No data is OK: whoever sends nothing is silent, which is an alert of its own."
_MEASURING: Final = """\
r._measurement == "battery" or r._measurement == "load"
            or r._measurement == "solar" or r._measurement == "charger"\
"""

_SILENT: Final = (
    stored("raw", _MEASURING)
    + f"""\
    |> last()
    |> keep(columns: ["_time", "site", "instrument"])
    |> group(columns: ["site", "instrument"])
    |> max(column: "_time")
    |> map(
        fn: (r) => {{
            passed = int(v: v.timeRangeStop) - int(v: r._time)

            return {{r with _value: float(v: passed) * {SECONDS_PER_NS}}}
        }},
    )
"""
)


def _rows(name: str, *conditions: str) -> str:
    return field("raw", "collector", name, *conditions)


_OF_UPLOADERS: Final = "r.instrument =~ /^uploader-/"
_CHANGES: Final = """\
    |> group(columns: ["site", "instrument"])
    |> sort(columns: ["_time"])
    |> difference()
"""

RULES: Final = (
    Rule(
        uid="soclab-instrument-silent",
        title="Instrument silent",
        severity="critical",
        series=_SILENT,
        labels=_UNIT,
        limit="silent_s",
        unit="s",
        decimals=0,
        summary="{{ with $labels.instrument }}{{ . }}{{ else }}every instrument{{ end }}:"
        " no reading for VALUE (alert after LIMIT)",
        why="""
            Critical, since nobody watches the battery meanwhile. The query itself counts the time,
            so that an instrument that vanishes does not vanish from the alert; one that was removed
            is forgotten after 7 days. Pending 1 minute. No data alerts: nothing at all has arrived
            for 7 days."""
        + _ERROR,
        dashboard=_DASHBOARD,
        range_s=7 * 86_400,
        pending="1m",
        keep_firing="2m",
        no_data="Alerting",
    ),
    Rule(
        uid="soclab-collector-restarting",
        title="Collector restarting",
        severity="warning",
        series=_rows("cpu_s")
        + _CHANGES
        + """\
    |> map(fn: (r) => ({r with _value: if r._value < 0.0 then 1.0 else 0.0}))
    |> sum()
""",
        labels=_UNIT,
        limit="restarts",
        decimals=0,
        summary="{{ $labels.instrument }}: its program was restarted VALUE times in an hour"
        " (alert above LIMIT)",
        why="A restart is where processor time begins anew. No pending period: the hour in the"
        " query is one." + _NO_ROWS + _ERROR,
        dashboard=_DASHBOARD,
        range_s=3600,
        pending="0s",
    ),
    Rule(
        uid="soclab-backlog-age",
        title="Readings wait for the server",
        severity="warning",
        series=_rows("spool_age_s", _OF_UPLOADERS) + "    |> max()",
        labels=_UNIT,
        limit="backlog_age_s",
        unit="s",
        decimals=0,
        summary="{{ $labels.instrument }}: readings have waited VALUE for the server"
        " (alert after LIMIT)",
        why="The worst of 10 minutes. Pending 5 minutes: after an outage the backlog goes quickly."
        + _NO_ROWS
        + _ERROR,
        dashboard=_DASHBOARD,
        range_s=600,
        pending="5m",
    ),
    Rule(
        uid="soclab-quarantine",
        title="Readings in quarantine",
        severity="warning",
        series=_rows("quarantine_bytes", _OF_UPLOADERS) + "    |> max()",
        labels=_UNIT,
        limit="any",
        unit="bytes",
        decimals=0,
        summary="{{ $labels.instrument }}: VALUE in quarantine; the server refused these readings",
        why="Any is too much: it is never empty again by itself. Pending 1 minute."
        + _NO_ROWS
        + _ERROR,
        dashboard=_DASHBOARD,
        range_s=600,
        pending="1m",
    ),
    Rule(
        uid="soclab-readings-dropped",
        title="Readings lost",
        severity="critical",
        series=_rows("dropped_total")
        + _CHANGES
        + """\
    |> map(
        fn: (r) =>
            ({r with _value: if r._value < 0.0 then 0.0 else r._value}),
    )
    |> sum()
""",
        labels=_UNIT,
        limit="any",
        unit="lines",
        decimals=0,
        summary="{{ $labels.instrument }}: VALUE given up in an hour; the spool is full",
        why="Critical, without a pending period: these readings are gone, and more follow."
        + _NO_ROWS
        + _ERROR,
        dashboard=_DASHBOARD,
        range_s=3600,
        pending="0s",
    ),
    Rule(
        uid="soclab-clock-unsynchronised",
        title="Clock not synchronised",
        severity="warning",
        series=_rows("clock_synced")
        + "    |> last()\n    |> map(fn: (r) => ({r with _value: 1.0 - r._value}))",
        labels=_UNIT,
        limit="any",
        decimals=0,
        summary="{{ $labels.instrument }}: the clock of its computer is not synchronised",
        why="Pending 10 minutes: after a start it takes a while. A Raspberry Pi whose clock was"
        " never right since its start sends nothing: it is silent first." + _NO_ROWS + _ERROR,
        dashboard=_DASHBOARD,
        range_s=600,
        pending="10m",
    ),
    Rule(
        uid="soclab-readings-undated",
        title="Readings without a date",
        severity="warning",
        series=_rows("undated_bytes", _OF_UPLOADERS) + "    |> max()",
        labels=_UNIT,
        limit="any",
        unit="bytes",
        decimals=0,
        summary="{{ $labels.instrument }}: VALUE wait for a date; the clock was never right when"
        " they were taken",
        why="Pending 15 minutes: they are dated when the clock becomes right in the same boot."
        + _NO_ROWS
        + _ERROR,
        dashboard=_DASHBOARD,
        range_s=600,
        pending="15m",
    ),
)
