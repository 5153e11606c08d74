"""Rules about whether the numbers can be trusted: instruments and methods against each other."""

from __future__ import annotations

from typing import Final

from grafana.source.alerting.flux import AMOUNT, field, named, stored, whole
from grafana.source.alerting.rule import Rule

_NO_DATA: Final = """
    No data is OK: with one instrument or one method there is nothing to compare. An error is
    reported as such, once for all rules.
"""
_PAIRS: Final = """
one =
    minutes
        |> map(fn: (r) => ({r with one: r.instrument, first: r._value}))
        |> drop(columns: ["instrument", "_value"])
other =
    minutes
        |> map(fn: (r) => ({r with other: r.instrument, second: r._value}))
        |> drop(columns: ["instrument", "_value"])

join(tables: {one: one, other: other}, on: ["_time", "site", "battery"])
    |> filter(fn: (r) => r.one < r.other)
    |> map(
        fn: (r) =>
            ({r with _value: r.first - r.second, pair: r.one + " and " + r.other}),
    )
"""
_BY_BATTERY: Final = """\
    |> keep(columns: ["_time", "_value", "site", "battery", "instrument"])
    |> group(columns: ["site", "battery"])
    |> sort(columns: ["_time"])
"""
_CURRENT: Final = (
    named("minutes", field("raw", "battery", "current_a") + whole("1m") + _BY_BATTERY)
    + _PAIRS
    + AMOUNT
)
_CHARGE: Final = (
    named(
        "minutes",
        field("rollup_1m", "battery", "current_a", 'r.stat == "mean"') + whole("10m") + _BY_BATTERY,
    )
    + _PAIRS
    + """\
    |> group(columns: ["site", "battery", "pair"])
    |> sum()
    |> map(fn: (r) => ({r with _value: r._value / 6.0}))
"""
    + AMOUNT
)
_METHODS: Final = (
    field("derived", "soc", "soc_pct")
    + whole("5m")
    + '    |> group(columns: ["site", "battery"])\n'
    + whole("5m", "spread")
)
_ANCHOR: Final = (
    stored(
        "derived",
        'r._measurement == "soc"',
        'r._field == "observed_s" or r._field == "unobserved_s"',
        'r.method == "coulomb"',
    )
    + """\
    |> last()
    |> group(columns: ["site", "battery"])
    |> sum()
    |> map(fn: (r) => ({r with _value: r._value / 86400.0}))
"""
)

RULES: Final = (
    Rule(
        uid="soclab-disagree-current",
        title="Instruments disagree on current",
        severity="warning",
        series=_CURRENT,
        history=True,
        labels=("site", "battery", "pair"),
        limit="disagree_current_a",
        unit="A",
        decimals=2,
        summary="{{ $labels.battery }}: current of {{ $labels.pair }} differs by VALUE"
        " (alert above LIMIT)",
        why="Pending 15 minutes on whole minutes: steps of the current that one of them sees"
        " earlier are over." + _NO_DATA,
        dashboard="soclab-instruments",
        range_s=3600,
        pending="15m",
        keep_firing="15m",
    ),
    Rule(
        uid="soclab-disagree-charge",
        title="Instruments disagree on charge",
        severity="warning",
        series=_CHARGE,
        labels=("site", "battery", "pair"),
        limit="disagree_charge_ah",
        unit="Ah",
        summary="{{ $labels.battery }}: charge of {{ $labels.pair }} differs by VALUE in a day"
        " (alert above LIMIT)",
        why="Pending 30 minutes: it is a sum over a day, of the ten minutes that both have seen."
        + _NO_DATA,
        dashboard="soclab-instruments",
        range_s=86_400,
        pending="30m",
        keep_firing="15m",
    ),
    Rule(
        uid="soclab-disagree-soc",
        title="Methods disagree on state of charge",
        severity="warning",
        series=_METHODS,
        history=True,
        limit="disagree_soc_pct",
        unit="%",
        summary="{{ $labels.battery }}: methods differ by VALUE of state of charge"
        " (alert above LIMIT)",
        why="Pending 30 minutes: one of them may be catching up." + _NO_DATA,
        dashboard="soclab-battery",
        range_s=6 * 3600,
        pending="30m",
        keep_firing="15m",
    ),
    Rule(
        uid="soclab-anchor-age",
        title="State of charge without anchor",
        severity="info",
        series=_ANCHOR,
        limit="anchor_age_d",
        unit="d",
        summary="{{ $labels.battery }}: VALUE since it was full or empty (alert above LIMIT):"
        " its state of charge drifts",
        why="Pending 1 hour: days are counted. No data is OK: no state of charge is computed."
        " An error is reported as such, once for all rules.",
        dashboard="soclab-battery",
        range_s=86_400,
        pending="1h",
    ),
)
