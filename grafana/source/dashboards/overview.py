"""Dashboard 1, made to hang on a wall: whether everything is fine."""

from __future__ import annotations

from typing import Final

from grafana.source.dashboard import BATTERY, EVENTS, INSTRUMENT, METHOD, SITE, Dashboard, Row
from grafana.source.dashboards import charge
from grafana.source.flux import SECOND, chosen, present, query, stored
from grafana.source.palette import FINE, HUES, WRONG
from grafana.source.panels import PLAIN, Panel, above, alerts, stat, steps, table, words

SILENT_S, BACKLOG_S, STALE_S = 120, 600, 300
LOW_PCT, UNSURE_PCT = 20, 10

# Rows of columns who and problem; what is looked at is the present, whatever the range.
PROBLEMS: Final = f"""
age = (t) => float(v: int(v: now()) - int(v: t)) / {SECOND}
long = (s) =>
    if s > 172800.0 then
        string(v: int(v: s / 86400.0)) + " d"
    else if s > 7200.0 then
        string(v: int(v: s / 3600.0)) + " h"
    else
        string(v: int(v: s / 60.0)) + " min"
units =
    {
    stored(
        "collector",
        "up",
        "spool_age_s",
        "quarantine_bytes",
        "clock_synced",
        variables=("site",),
        within="range(start: -7d)",
    )
}
    |> last()
    |> map(fn: (r) =>
        ({{who: r.instrument, kind: r._field, value: r._value, age: age(t: r._time)}}))
    |> group()
charge =
    {
    stored("soc", "soc_pct", "sigma_pct", variables=("site", "battery"), within="range(start: -7d)")
}
    |> last()
    |> map(fn: (r) => ({{
        who: r.battery,
        kind: r._field,
        value: r._value,
        age: age(t: r._time),
        method: r.method,
    }}))
    |> group()
fresh = units |> filter(fn: (r) => r.age <= {SILENT_S}.0)
counted = charge |> filter(fn: (r) => r.age <= {STALE_S}.0)
nobody = length(arr: units |> findColumn(fn: (key) => true, column: "who")) == 0
problems =
    union(tables: [
        array.from(rows: [{{who: "lab", problem: "nothing has arrived for seven days"}}])
            |> filter(fn: (r) => nobody),
        units
            |> filter(fn: (r) => r.kind == "up" and r.age > {SILENT_S}.0)
            |> map(fn: (r) => ({{who: r.who, problem: "silent for " + long(s: r.age)}})),
        fresh
            |> filter(fn: (r) => r.kind == "up" and r.value < 1.0)
            |> map(fn: (r) => ({{who: r.who, problem: "does not reach its device or server"}})),
        fresh
            |> filter(fn: (r) => r.kind == "spool_age_s" and r.value > {BACKLOG_S}.0)
            |> map(fn: (r) => ({{who: r.who, problem: "backlog of " + long(s: r.value)}})),
        fresh
            |> filter(fn: (r) => r.kind == "quarantine_bytes" and r.value > 0.0)
            |> map(fn: (r) => ({{who: r.who, problem: "the server refused readings"}})),
        fresh
            |> filter(fn: (r) => r.kind == "clock_synced" and r.value < 1.0)
            |> map(fn: (r) => ({{who: r.who, problem: "clock is not synchronised"}})),
        charge
            |> filter(fn: (r) => r.kind == "soc_pct" and r.age > {STALE_S}.0)
            |> map(fn: (r) => ({{
                who: r.who,
                problem: "no state of charge (" + r.method + ") for " + long(s: r.age),
            }})),
        counted
            |> filter(fn: (r) => r.kind == "soc_pct" and r.value < {LOW_PCT}.0)
            |> map(fn: (r) => ({{
                who: r.who,
                problem: "state of charge (" + r.method + ") " + string(v: int(v: r.value)) + " %",
            }})),
        counted
            |> filter(fn: (r) => r.kind == "sigma_pct" and r.value > {UNSURE_PCT}.0)
            |> map(fn: (r) => ({{
                who: r.who,
                problem: "state of charge (" + r.method + ") unsure by "
                    + string(v: int(v: 2.0 * r.value)) + " %",
            }})),
    ])
"""

CHECKS: Final = (
    f"silent for {SILENT_S // 60} minutes, device or server out of reach, backlog older than "
    f"{BACKLOG_S // 60} minutes, readings refused, clock not synchronised, state of charge older "
    f"than {STALE_S // 60} minutes, below {LOW_PCT} % or unsure by more than {2 * UNSURE_PCT} %"
)

STATUS: Final = stat(
    "Is everything fine?",
    query(
        PROBLEMS,
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
    what=f"How many things are wrong right now, of: {CHECKS}.",
    normal="green, `everything is fine`. Look at alerts, too: their limits are the lab's own.",
    unit="suffix: wrong",
    thresholds=steps((None, FINE), (1, WRONG)),
    mappings=words({0: ("everything is fine", FINE)}),
    nothing="no answer",
    background=True,
)
WRONG_NOW: Final = table(
    "What is wrong",
    query(PROBLEMS, 'problems |> group() |> sort(columns: ["who", "problem"])', imports=["array"]),
    what=f"What is wrong right now, of: {CHECKS}.",
    normal="nothing.",
    columns={
        "who": {"displayName": "Who", "custom.width": 140},
        "problem": {"displayName": "What"},
    },
    nothing="nothing",
)
ALERTS: Final = alerts(
    "Alerts",
    what="Alerts of Grafana that are firing or about to.",
    normal="none but the watchdog, which always fires: it proves that alerts work.",
)


def _of_battery(
    title: str, field: str, unit: str, decimals: int, normal: str, thresholds: dict[str, object]
) -> Panel:
    return stat(
        title,
        present("battery", field),
        what=f"{title} at the end of the range, as each instrument measures it.",
        normal=normal,
        unit=unit,
        decimals=decimals,
        thresholds=thresholds,
        name="${__field.labels.instrument}",
    )


VOLTAGE: Final = _of_battery(
    "Voltage", "voltage_v", "volt", 2, "instruments agree within 0.1 V.", PLAIN
)
CURRENT: Final = _of_battery(
    "Current",
    "current_a",
    "amp",
    2,
    "above zero while charging, below while discharging; instruments agree within 5 %.",
    PLAIN,
)
POWER: Final = _of_battery(
    "Power", "power_w", "watt", 1, "above zero while charging, below while discharging.", PLAIN
)
TEMPERATURE: Final = _of_battery(
    "Temperature",
    "temperature_c",
    "celsius",
    1,
    "5 to 35 °C; lithium cells must not be charged below 0 °C.",
    steps((None, HUES[0]), (5, FINE), (35, "#E69F00"), (45, WRONG)),
)

READINGS: Final = table(
    "What each instrument says",
    query(
        *(
            f"{name} =\n    {read}\n    |> last()"
            for name, read in {
                "battery": stored(
                    "battery",
                    "voltage_v",
                    "current_a",
                    "power_w",
                    "temperature_c",
                    "soc_pct",
                    variables=("site", "battery", "instrument"),
                ),
                "solar": stored(
                    "solar",
                    "voltage_v",
                    "current_a",
                    "power_w",
                    variables=("site", "battery", "instrument"),
                ),
                "load": stored(
                    "load",
                    "voltage_v",
                    "current_a",
                    "power_w",
                    variables=("site", "battery", "instrument"),
                ),
            }.items()
        ),
        f"""
        values = union(tables: [battery, solar, load])
        ages =
            values
                |> map(fn: (r) => ({{r with
                    _field: "age",
                    _value: float(v: int(v: v.timeRangeStop) - int(v: r._time)) / {SECOND},
                }}))
                |> group(columns: ["battery", "instrument", "_measurement", "_field"])
                |> min()
        union(tables: [values, ages])
            |> group()
            |> pivot(
                rowKey: ["battery", "instrument", "_measurement"],
                columnKey: ["_field"],
                valueColumn: "_value",
            )
            |> rename(columns: {{_measurement: "of"}})
            |> sort(columns: ["battery", "instrument", "of"])
        """,
    ),
    what="The last values of every instrument within the range, and how old they are at its end.",
    normal="an age of a few seconds; the same battery has nearly the same values.",
    columns={
        "battery": {"displayName": "Battery"},
        "instrument": {"displayName": "Instrument"},
        "of": {"displayName": "Measures"},
        "voltage_v": {"displayName": "Voltage", "unit": "volt", "decimals": 3},
        "current_a": {"displayName": "Current", "unit": "amp", "decimals": 3},
        "power_w": {"displayName": "Power", "unit": "watt", "decimals": 1},
        "temperature_c": {"displayName": "Temperature", "unit": "celsius", "decimals": 1},
        "soc_pct": {"displayName": "Claims to be charged", "unit": "percent", "decimals": 0},
        "age": {
            "displayName": "Age",
            "unit": "s",
            "decimals": 0,
            "thresholds": above(60, SILENT_S),
            "custom.displayMode": "color-text",
        },
    },
)
LAST_EVENTS: Final = table(
    "Last events",
    query(
        f"""
        from(bucket: "raw")
            |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
            |> filter(fn: (r) => r._measurement == "event" and r._field == "text")
            |> filter(fn: (r) => {chosen("site")})
            |> group()
            |> sort(columns: ["_time"], desc: true)
            |> limit(n: 20)
            |> map(fn: (r) => ({{time: r._time, who: r.instrument, what: r.kind, text: r._value}}))
        """
    ),
    what="The last twenty events: calibrations, experiments, repairs of the network.",
    normal="a calibration whenever an instrument starts.",
    columns={
        "time": {"displayName": "When", "custom.width": 170},
        "who": {"displayName": "Who", "custom.width": 110},
        "what": {"displayName": "Kind", "custom.width": 110},
        "text": {"displayName": "What"},
    },
    nothing="none in this range",
)

DASHBOARD: Final = Dashboard(
    uid="soclab-overview",
    title="Lab overview",
    description="Is everything fine? Charge, power and health of every battery on one screen.",
    variables=[SITE, BATTERY, INSTRUMENT, METHOD],
    annotations=[EVENTS],
    rows=[
        Row(
            title="",
            panels=[(0, 0, 7, 5, STATUS), (7, 0, 9, 5, WRONG_NOW), (16, 0, 8, 5, ALERTS)],
        ),
        Row(
            title="$battery",
            repeat="battery",
            panels=[
                (0, 0, 4, 8, charge.now_gauge("Charged")),
                (4, 0, 9, 8, charge.over_time("Charge")),
                (13, 0, 4, 4, VOLTAGE),
                (17, 0, 4, 4, CURRENT),
                (21, 0, 3, 4, charge.uncertainty("Unsure by")),
                (13, 4, 4, 4, POWER),
                (17, 4, 4, 4, TEMPERATURE),
                (21, 4, 3, 4, charge.time_to_go("Time to go")),
            ],
        ),
        Row(
            title="Instruments and events",
            panels=[(0, 0, 14, 8, READINGS), (14, 0, 10, 8, LAST_EVENTS)],
        ),
    ],
)
