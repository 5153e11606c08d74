"""What is wrong right now, with the limits at which the lab's alerts fire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.source.alerting.rule import choose, number
from grafana.source.alerting.settings import LIMITS
from grafana.source.flux import SECOND, query, stored
from grafana.source.palette import FINE, WRONG
from grafana.source.panels import Panel, stat, steps, table, words

if TYPE_CHECKING:
    from grafana.source.alerting.settings import Settings

UNSURE_PCT: Final = 20.0
"""Two standard uncertainties; no alert has this limit, since it needs no action by itself."""

_UNITS: Final = stored(
    "collector",
    "up",
    "spool_age_s",
    "quarantine_bytes",
    "clock_synced",
    variables=("site",),
    within="range(start: -7d)",
)
_CHARGE: Final = stored(
    "soc", "soc_pct", "sigma_pct", variables=("site", "battery"), within="range(start: -7d)"
)


def status(settings: Settings) -> Panel:
    """Return how many things are wrong, green if none is."""
    return stat(
        "Is everything fine?",
        query(
            _problems(settings),
            """
            union(tables: [
                problems |> map(fn: (r) => ({r with _value: 1.0})),
                array.from(rows: [{who: "", problem: "", _value: 0.0}]),
            ])
                |> group()
                |> sum()
            """,
            imports=["array"],
        ),
        what=f"How many things are wrong right now, of: {_checks(settings)}.",
        normal="green, `everything is fine`. Look at alerts, too: they watch more, and remember.",
        unit="suffix: wrong",
        thresholds=steps((None, FINE), (1, WRONG)),
        mappings=words({0: ("everything is fine", FINE)}),
        nothing="no answer",
        background=True,
    )


def wrong_now(settings: Settings) -> Panel:
    """Return a table of them."""
    listed = 'problems |> group() |> sort(columns: ["who", "problem"])'
    return table(
        "What is wrong",
        query(_problems(settings), listed, imports=["array"]),
        what=f"What is wrong right now, of: {_checks(settings)}.",
        normal="nothing.",
        columns={
            "who": {"displayName": "Who", "custom.width": 140},
            "problem": {"displayName": "What"},
        },
        nothing="nothing",
    )


def _checks(settings: Settings) -> str:
    said = {
        name: settings.limits[name].fire
        for name in ("silent_s", "backlog_age_s", "soc_lag_s", "soc_low_pct")
    }
    others = "".join(
        f" ({owner}: {pair.fire:g} {LIMITS[name].unit})"
        for name in said
        for owner, pair in settings.own(name).items()
    )
    return (
        f"silent for {said['silent_s']:g} s, device or server out of reach, backlog older than "
        f"{said['backlog_age_s']:g} s, readings refused, clock not synchronised, state of charge "
        f"older than {said['soc_lag_s']:g} s, below {said['soc_low_pct']:g} % or unsure by more "
        f"than {UNSURE_PCT:g} %{others}"
    )


def _limit(settings: Settings, name: str) -> str:
    own = ((owner, pair.fire) for owner, pair in settings.own(name).items())
    return f"(name) => {choose(settings.limits[name].fire, own)}"


def _problems(settings: Settings) -> str:
    """Return Flux whose ``problems`` has columns who and problem, whatever the range."""
    return f"""
silent = {_limit(settings, "silent_s")}
stale = {_limit(settings, "soc_lag_s")}
low = {_limit(settings, "soc_low_pct")}
age = (t) => float(v: int(v: now()) - int(v: t)) / {SECOND}
long = (s) =>
    if s > 172800.0 then
        string(v: int(v: s / 86400.0)) + " d"
    else if s > 7200.0 then
        string(v: int(v: s / 3600.0)) + " h"
    else
        string(v: int(v: s / 60.0)) + " min"
units =
    {_UNITS}
    |> last()
    |> map(fn: (r) =>
        ({{who: r.instrument, kind: r._field, value: r._value, age: age(t: r._time)}}))
    |> group()
charge =
    {_CHARGE}
    |> last()
    |> map(fn: (r) => ({{
        who: r.battery,
        kind: r._field,
        value: r._value,
        age: age(t: r._time),
        method: r.method,
    }}))
    |> group()
fresh = units |> filter(fn: (r) => r.age <= silent(name: r.who))
counted = charge |> filter(fn: (r) => r.age <= stale(name: r.who))
nobody = length(arr: units |> findColumn(fn: (key) => true, column: "who")) == 0
problems =
    union(tables: [
        array.from(rows: [{{who: "lab", problem: "nothing has arrived for seven days"}}])
            |> filter(fn: (r) => nobody),
        units
            |> filter(fn: (r) => r.kind == "up" and r.age > silent(name: r.who))
            |> map(fn: (r) => ({{who: r.who, problem: "silent for " + long(s: r.age)}})),
        fresh
            |> filter(fn: (r) => r.kind == "up" and r.value < 1.0)
            |> map(fn: (r) => ({{who: r.who, problem: "does not reach its device or server"}})),
        fresh
            |> filter(fn: (r) => r.kind == "spool_age_s"
                and r.value > {number(settings.limits["backlog_age_s"].fire)})
            |> map(fn: (r) => ({{who: r.who, problem: "backlog of " + long(s: r.value)}})),
        fresh
            |> filter(fn: (r) => r.kind == "quarantine_bytes" and r.value > 0.0)
            |> map(fn: (r) => ({{who: r.who, problem: "the server refused readings"}})),
        fresh
            |> filter(fn: (r) => r.kind == "clock_synced" and r.value < 1.0)
            |> map(fn: (r) => ({{who: r.who, problem: "clock is not synchronised"}})),
        charge
            |> filter(fn: (r) => r.kind == "soc_pct" and r.age > stale(name: r.who))
            |> map(fn: (r) => ({{
                who: r.who,
                problem: "no state of charge (" + r.method + ") for " + long(s: r.age),
            }})),
        counted
            |> filter(fn: (r) => r.kind == "soc_pct" and r.value < low(name: r.who))
            |> map(fn: (r) => ({{
                who: r.who,
                problem: "state of charge (" + r.method + ") " + string(v: int(v: r.value)) + " %",
            }})),
        counted
            |> filter(fn: (r) => r.kind == "sigma_pct" and 2.0 * r.value > {number(UNSURE_PCT)})
            |> map(fn: (r) => ({{
                who: r.who,
                problem: "state of charge (" + r.method + ") unsure by "
                    + string(v: int(v: 2.0 * r.value)) + " %",
            }})),
    ])
"""
