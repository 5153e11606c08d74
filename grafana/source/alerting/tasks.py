"""Rules about what runs inside InfluxDB, and the rule that says that alerting itself works."""

from __future__ import annotations

from typing import Final

from grafana.source.alerting.flux import SECONDS_PER_NS, field, named
from grafana.source.alerting.rule import Rule

_DASHBOARD: Final = "soclab-collectors"
_ERROR: Final = " An error is reported as such, once for all rules."


def _newest(name: str, stream: str, labels: str) -> str:
    """Return when the newest row was stored, in seconds since 1970."""
    return named(
        name,
        stream
        + f"""\
    |> last()
    |> group(columns: [{labels}])
    |> max(column: "_time")
    |> map(
        fn: (r) =>
            ({{r with {name}_s: float(v: int(v: r._time)) * {SECONDS_PER_NS}}}),
    )
    |> keep(columns: [{labels}, "{name}_s"])
""",
    )


def _lag(computed: str, labels: str) -> str:
    """Return how much older what is computed is than the readings."""
    return (
        _newest("computed", computed, labels)
        + _newest("recorded", field("raw", "battery", "current_a"), labels)
        + f"""
join(tables: {{computed: computed, recorded: recorded}}, on: [{labels}])
    |> map(fn: (r) => ({{r with _value: r.recorded_s - r.computed_s}}))
"""
    )


_SOC_LAG: Final = _lag(
    field("derived", "soc", "soc_pct", 'r.method == "coulomb"'), '"site", "battery"'
)
_ROLLUP_LAG: Final = _lag(field("rollup_1m", "battery", "current_a", 'r.stat == "count"'), '"site"')
_FAILED: Final = (
    field("_tasks", "runs", "finishedAt", 'r.status == "failed"')
    + """\
    |> group(columns: ["taskID"])
    |> count()
    |> map(fn: (r) => ({taskID: r.taskID, _value: float(v: r._value)}))
"""
)

RULES: Final = (
    Rule(
        uid="soclab-soc-late",
        title="State of charge not computed",
        severity="critical",
        series=_SOC_LAG,
        limit="soc_lag_s",
        unit="s",
        decimals=0,
        summary="{{ $labels.battery }}: state of charge is VALUE behind its readings"
        " (alert above LIMIT)",
        why="""
            Critical, since alerts about the state of charge see an old one. It compares with the
            readings, so it keeps quiet while these are missing. Pending 5 minutes: a backlog is
            computed in a few runs. No data is OK: no state of charge is configured."""
        + _ERROR,
        dashboard="soclab-battery",
        range_s=86_400,
        pending="5m",
    ),
    Rule(
        uid="soclab-rollup-late",
        title="Minutes not summarised",
        severity="warning",
        series=_ROLLUP_LAG,
        labels=("site",),
        limit="rollup_lag_s",
        unit="s",
        decimals=0,
        summary="{{ $labels.site }}: minutes are summarised VALUE behind the readings"
        " (alert above LIMIT)",
        why="Pending 10 minutes: a backlog is summarised day by day. No data is OK: there are no"
        " readings." + _ERROR,
        dashboard=_DASHBOARD,
        range_s=86_400,
        pending="10m",
    ),
    Rule(
        uid="soclab-task-failed",
        title="Flux task failed",
        severity="warning",
        series=_FAILED,
        labels=("taskID",),
        limit="any",
        decimals=0,
        summary="InfluxDB's task {{ $labels.taskID }} failed VALUE times in 15 minutes",
        why="Pending 5 minutes: a run that fails once while InfluxDB starts is made up for by the"
        " next. No data is OK: no run has failed." + _ERROR,
        dashboard=_DASHBOARD,
        range_s=900,
        pending="5m",
    ),
)

WATCHDOG: Final = Rule(
    uid="soclab-watchdog",
    title="Watchdog",
    severity="watchdog",
    imports=("array",),
    series='array.from(rows: [{_value: 1.0, watchdog: "soclab"}])',
    labels=("watchdog",),
    limit="any",
    decimals=0,
    summary="Grafana, InfluxDB and the way from here to there work",
    why="""
        Fires always, so that a dead-man service (grafana_watchdog_url) hears of this lab every few
        minutes and speaks up when it does not. No pending period. No data and errors are OK, which
        here means silence: that is what the service waits for.""",
    dashboard=_DASHBOARD,
    pending="0s",
    range_s=600,
    exec_error="OK",
)
