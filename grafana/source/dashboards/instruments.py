"""Dashboard 3, whether the instruments agree."""

from __future__ import annotations

from textwrap import indent
from typing import Final

from grafana.source.dashboard import BATTERY, EVENTS, INSTRUMENT, SITE, Dashboard, Row, tag_variable
from grafana.source.flux import (
    IS_WIDE,
    NAMES,
    SECOND,
    by_width,
    coloured,
    history,
    keep,
    query,
    readings,
    windows,
)
from grafana.source.panels import Panel, by_hue, series, table

REFERENCE: Final = {
    **tag_variable(
        "instrument", "Reference", "battery", chosen_before=["site", "battery"], several=False
    ),
    "name": "reference",
}
# A longer time between two windows is no time in which this current flowed.
IS_GAP: Final = "r.elapsed > 300000 and r.elapsed > 2 * int(v: v.windowPeriod) / 1000000"
HOURLY: Final = "r._value * float(v: r.elapsed) / 3600000.0"


def _difference_of(field: str) -> list[str]:
    """Return Flux with a function ``difference``: an instrument less the reference, by windows."""
    read = windows(empty=False)
    reference = by_width(
        "battery",
        field,
        variables=("site", "battery"),
        only="r.instrument =~ /^${reference:regex}$/",
    )
    return [
        readings("battery", field, read, keep(), name="other"),
        f"""
reference_read =
{indent(reference, "    ")}
reference = reference_read |> {read} |> {keep()}
""",
        """
        // One row of each kind gives both columns, also where there is nothing to compare.
        blanks = array.from(rows: [
            {_time: 1970-01-01T00:00:00Z, _value: 0.0, kind: "other"},
            {_time: 1970-01-01T00:00:00Z, _value: 0.0, kind: "reference"},
        ])
        difference = (instrument) =>
            union(tables: [
                blanks,
                other(instrument: instrument)
                    |> filter(fn: (r) => instrument !~ /^${reference:regex}$/)
                    |> set(key: "kind", value: "other"),
                reference |> set(key: "kind", value: "reference"),
            ])
                |> group()
                |> pivot(rowKey: ["_time"], columnKey: ["kind"], valueColumn: "_value")
                |> filter(fn: (r) =>
                    exists r.other and exists r.reference and r._time > 1970-01-01T00:00:00Z)
                |> map(fn: (r) => ({_time: r._time, _value: r.other - r.reference}))
                |> set(key: "instrument", value: instrument)
                |> sort(columns: ["_time"])
                |> group(columns: ["instrument"])
        """,
    ]


def _difference(title: str, field: str, unit: str, normal: str) -> Panel:
    return series(
        title,
        coloured(
            *_difference_of(field),
            "line = (instrument) => difference(instrument: instrument)",
        ),
        what="Each instrument less the reference, of means over the same windows.",
        normal=normal,
        unit=unit,
        decimals=3,
        overrides=by_hue("${__field.labels.instrument} - $reference"),
    )


CURRENT: Final = series(
    "Current of the battery",
    history("battery", "current_a"),
    what="Current by each instrument that measures the battery; above zero it charges.",
    normal="one line, as it were.",
    unit="amp",
    decimals=3,
    overrides=by_hue(),
)
LOADS: Final = series(
    "Current into loads",
    history("load", "current_a"),
    what="Current into electronic loads and load outputs, by each instrument. While nothing "
    "charges and nothing else is connected, it is what the battery loses.",
    normal="a load output includes the electronic load that hangs on it.",
    unit="amp",
    decimals=3,
    overrides=by_hue(),
)
CURRENT_DIFFERENCE: Final = _difference(
    "Difference of current",
    "current_a",
    "amp",
    "around zero, within the sum of both error budgets; a gain that is off grows with the current, "
    "an offset does not.",
)
VOLTAGE_DIFFERENCE: Final = _difference(
    "Difference of voltage",
    "voltage_v",
    "volt",
    "within 0.1 V; one that follows the current is the resistance of a cable.",
)


def _charge(measurement: str) -> str:
    return history(
        measurement,
        "current_a",
        after=[
            "filter(fn: (r) => exists r._value)",
            "elapsed(unit: 1ms)",
            f"map(fn: (r) => ({{r with _value: if {IS_GAP} then 0.0 else {HOURLY}}}))",
            'drop(columns: ["elapsed"])',
            "cumulativeSum()",
        ],
    )


CHARGE: Final = series(
    "Charge of the battery since the range began",
    _charge("battery"),
    what="Current of each instrument, summed over time; longer gaps than five minutes count "
    "nothing.",
    normal="lines drift apart slowly: an offset of 0.1 A makes 2.4 Ah in a day.",
    unit="amph",
    decimals=3,
    overrides=by_hue(),
    calcs=("min", "max", "lastNotNull"),
)
LOAD_CHARGE: Final = series(
    "Charge into loads since the range began",
    _charge("load"),
    what="Current into each load, summed over time; longer gaps than five minutes count nothing.",
    normal="it rises while a load is on.",
    unit="amph",
    decimals=3,
    overrides=by_hue(),
    calcs=("min", "max", "lastNotNull"),
)
STATISTICS: Final = table(
    "Difference of current in figures",
    query(
        IS_WIDE,
        NAMES,
        *_difference_of("current_a"),
        f"""
        steps =
            union(tables: array.map(
                arr: array.concat(arr: names, v: ["-", "-"]),
                fn: (x) => difference(instrument: x),
            ))
                |> elapsed(unit: 1ms)
                |> map(fn: (r) => ({{r with
                    days: float(v: int(v: r._time) - int(v: v.timeRangeStart)) / {SECOND} / 86400.0,
                    charge: if {IS_GAP} then 0.0 else {HOURLY},
                }}))
        said = (tables=<-, as) =>
            tables |> keep(columns: ["instrument", "_value"]) |> set(key: "figure", value: as)
        union(tables: [
            steps |> count() |> toFloat() |> said(as: "windows"),
            steps |> mean() |> said(as: "mean"),
            steps |> stddev(mode: "population") |> said(as: "sigma"),
            steps |> min() |> said(as: "least"),
            steps |> max() |> said(as: "most"),
            steps |> sum(column: "charge") |> rename(columns: {{charge: "_value"}})
                |> said(as: "charge"),
            steps |> covariance(columns: ["days", "_value"]) |> said(as: "together"),
            steps |> stddev(column: "days") |> rename(columns: {{days: "_value"}})
                |> said(as: "length"),
        ])
            |> group()
            |> pivot(rowKey: ["instrument"], columnKey: ["figure"], valueColumn: "_value")
            |> map(fn: (r) => ({{
                instrument: r.instrument,
                windows: r.windows,
                mean: r.mean,
                sigma: r.sigma,
                least: r.least,
                most: r.most,
                // the slope of the straight line through all: covariance over variance
                drift: if r.length > 0.0 then r.together / r.length ^ 2.0 else 0.0,
                charge: r.charge,
            }}))
            |> sort(columns: ["instrument"])
        """,
        imports=["array", "influxdata/influxdb/schema"],
    ),
    what="The difference of current to the reference, over the windows of this range: mean, "
    "standard deviation, extremes, the slope of a straight line through it, and the charge it "
    "sums up to.",
    normal="mean and drift within the error budgets; a deviation far above the noise of both "
    "means that they do not measure at the same moment.",
    columns={
        "instrument": {"displayName": "Instrument"},
        "windows": {"displayName": "Windows", "unit": "none", "decimals": 0},
        "mean": {"displayName": "Mean", "unit": "amp", "decimals": 4},
        "sigma": {"displayName": "Standard deviation", "unit": "amp", "decimals": 4},
        "least": {"displayName": "Least", "unit": "amp", "decimals": 3},
        "most": {"displayName": "Most", "unit": "amp", "decimals": 3},
        "drift": {"displayName": "Drift per day", "unit": "amp", "decimals": 4},
        "charge": {"displayName": "Charge", "unit": "amph", "decimals": 3},
    },
    nothing="only the reference measures this battery",
)
DAILY: Final = series(
    "Mean difference of current by day",
    coloured(
        *_difference_of("current_a"),
        """
        line = (instrument) =>
            difference(instrument: instrument)
                |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
                |> aggregateWindow(every: 1d, fn: mean, createEmpty: false, timeSrc: "_start")
                |> keep(columns: ["_time", "_value", "instrument"])
        """,
    ),
    what="Mean of each day (UTC) of the difference to the reference: what drifts shows here.",
    normal="the same from day to day; a step is a new calibration or a moved sensor.",
    unit="amp",
    decimals=4,
    bars=True,
    overrides=by_hue("${__field.labels.instrument} - $reference"),
)

DASHBOARD: Final = Dashboard(
    uid="soclab-instruments",
    title="Instrument comparison",
    description="Do the instruments agree? Current, voltage and charge of each beside the others.",
    variables=[SITE, BATTERY, INSTRUMENT, REFERENCE],
    annotations=[EVENTS],
    rows=[
        Row(title="Side by side", panels=[(0, 0, 12, 9, CURRENT), (12, 0, 12, 9, LOADS)]),
        Row(
            title="Differences to $reference",
            panels=[
                (0, 0, 12, 9, CURRENT_DIFFERENCE),
                (12, 0, 12, 9, VOLTAGE_DIFFERENCE),
                (0, 9, 12, 7, STATISTICS),
                (12, 9, 12, 7, DAILY),
            ],
        ),
        Row(title="Charge", panels=[(0, 0, 12, 9, CHARGE), (12, 0, 12, 9, LOAD_CHARGE)]),
    ],
)
