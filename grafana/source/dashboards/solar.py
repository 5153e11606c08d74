"""Dashboard 4: sun, charge controller and what becomes of the energy."""

from __future__ import annotations

from typing import Final

from grafana.source.dashboard import BATTERY, EVENTS, INSTRUMENT, SITE, Dashboard, Row
from grafana.source.dashboards.per_day import TIME_ZONE, counter
from grafana.source.flux import (
    coloured,
    history,
    keep,
    present,
    readings,
    state_lines,
    windows,
)
from grafana.source.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, YELLOW
from grafana.source.panels import (
    PLAIN,
    Panel,
    above,
    by_hue,
    series,
    stat,
    states,
    steps,
    words,
)

LEAST_SUN_W: Final = 5.0
"""Below this the efficiency is that of noise."""

STATES: Final = words(
    {
        0: ("idle", GREY),
        1: ("bulk", ORANGE),
        2: ("absorption", SKY),
        3: ("float", GREEN),
        4: ("equalisation", PURPLE),
    }
)


def _now(title: str, measurement: str, field: str, unit: str, normal: str) -> Panel:
    return stat(
        title,
        present(measurement, field),
        what=f"{title} at the end of the range.",
        normal=normal,
        unit=unit,
        decimals=1,
        name="${__field.labels.instrument}",
        thresholds=PLAIN,
    )


def _efficiency() -> str:
    """Return what leaves the converter over what enters it: a battery's and a load's share."""
    reads = [
        readings(name, "power_w", windows(empty=False), keep("_measurement"), name=name)
        for name in ("battery", "load", "solar")
    ]
    return coloured(
        *reads,
        f"""
        // One row of each kind gives the columns that an instrument lacks.
        blanks = array.from(rows: [
            {{_time: 1970-01-01T00:00:00Z, _value: 0.0, _measurement: "battery"}},
            {{_time: 1970-01-01T00:00:00Z, _value: 0.0, _measurement: "load"}},
            {{_time: 1970-01-01T00:00:00Z, _value: 0.0, _measurement: "solar"}},
        ])
        line = (instrument) =>
            union(tables: [
                blanks,
                battery(instrument: instrument),
                load(instrument: instrument),
                solar(instrument: instrument),
            ])
                |> group()
                |> pivot(rowKey: ["_time"], columnKey: ["_measurement"], valueColumn: "_value")
                |> filter(fn: (r) =>
                    exists r.battery and exists r.solar and r.solar > {LEAST_SUN_W})
                |> map(fn: (r) => ({{
                    _time: r._time,
                    _value: (r.battery + (if exists r.load then r.load else 0.0)) / r.solar,
                }}))
                |> set(key: "instrument", value: instrument)
                |> sort(columns: ["_time"])
                |> group(columns: ["instrument"])
        """,
    )


def _line(title: str, measurement: str, field: str, unit: str, what: str, normal: str) -> Panel:
    return series(
        title,
        history(measurement, field),
        what=what,
        normal=normal,
        unit=unit,
        decimals=1,
        overrides=by_hue(),
        fill=10 if field == "power_w" else 0,
    )


PV_POWER: Final = _line(
    "Power of the panels",
    "solar",
    "power_w",
    "watt",
    "Power out of the panels, by each charge controller.",
    "a hill by day, nothing by night; a flat top means that the battery is full.",
)
PV_VOLTAGE: Final = _line(
    "Voltage of the panels",
    "solar",
    "voltage_v",
    "volt",
    "Voltage at the solar terminals.",
    "near the panels' maximum power point by day; the open-circuit voltage when nothing is taken.",
)
PV_CURRENT: Final = _line(
    "Current of the panels",
    "solar",
    "current_a",
    "amp",
    "Current out of the panels.",
    "as the sun.",
)
EFFICIENCY: Final = series(
    "Efficiency of the converter",
    _efficiency(),
    what="Power into battery and load output over power out of the panels, as the controller "
    f"itself measures all three; only while the panels give more than {LEAST_SUN_W:g} W.",
    normal="0.90 to 0.98; above 1 one of its sensors is off.",
    unit="percentunit",
    decimals=1,
    minimum=0,
    overrides=by_hue(),
    thresholds=steps((None, RED), (0.85, ORANGE), (0.9, GREEN), (1.05, RED)),
)
CHARGER: Final = states(
    "State of the charger",
    state_lines("charger", "state"),
    what="What the charge controller does.",
    normal="idle by night; bulk, absorption, float by day.",
    mappings=STATES,
    name="${__field.labels.instrument}",
)
CONVERTER: Final = states(
    "State of the converter",
    state_lines("charger", "dcdc_state"),
    what="State of the DC-DC converter as the device codes it; 0 is off.",
    normal="off by night, 1 (maximum power point) by day on Libre Solar devices.",
    mappings=words({0: ("off", GREY), 1: ("1", BLUE), 2: ("2", SKY), 3: ("3", YELLOW)}),
    name="${__field.labels.instrument}",
)
ERRORS: Final = states(
    "Errors of the charger",
    state_lines("charger", "error_flags"),
    what="Error bits of the device as a number; what each means is in its manual.",
    normal="none.",
    mappings=[
        *words({0: ("none", GREEN)}),
        {"type": "range", "options": {"from": 1, "to": None, "result": {"color": RED}}},
    ],
    name="${__field.labels.instrument}",
)
SOLAR_PER_DAY: Final = series(
    "Energy of the panels per day",
    counter("solar", "energy_day_wh"),
    what="How far the controller's counter of the day came: its day begins when it says so, "
    "usually at night.",
    normal="as the weather and the season.",
    unit="watth",
    decimals=0,
    bars=True,
    name="${__field.labels.instrument}",
    calcs=("sum", "mean", "max"),
)
CHARGED_PER_DAY: Final = series(
    "Energy charged per day",
    counter("charger", "energy_day_wh"),
    what="How far the controller's counter of charged energy came on each day.",
    normal="below the energy of the panels.",
    unit="watth",
    decimals=0,
    bars=True,
    name="${__field.labels.instrument}",
    calcs=("sum", "mean", "max"),
)
UPTIME: Final = stat(
    "Charger runs since",
    present("charger", "uptime_s"),
    what="Time since the charge controller started.",
    normal="weeks; a short time after an unexplained restart.",
    unit="s",
    decimals=0,
    name="${__field.labels.instrument}",
    thresholds=steps((None, ORANGE), (3600, GREEN)),
)
FLAGS: Final = stat(
    "Errors now",
    present("charger", "error_flags"),
    what="Error bits of the device at the end of the range.",
    normal="none.",
    unit="none",
    decimals=0,
    name="${__field.labels.instrument}",
    mappings=words({0: ("none", GREEN)}),
    thresholds=above(1, 1),
)

DASHBOARD: Final = Dashboard(
    uid="soclab-solar",
    title="Solar and charger",
    description="What the panels give, what the charge controller makes of it, day by day.",
    variables=[SITE, BATTERY, INSTRUMENT, TIME_ZONE],
    annotations=[EVENTS],
    since="now-2d",
    rows=[
        Row(
            title="Now",
            panels=[
                (0, 0, 6, 4, _now("Panels", "solar", "power_w", "watt", "sunshine.")),
                (6, 0, 6, 4, _now("Into the battery", "battery", "power_w", "watt", "by day > 0.")),
                (12, 0, 6, 4, UPTIME),
                (18, 0, 6, 4, FLAGS),
            ],
        ),
        Row(
            title="Sun",
            panels=[
                (0, 0, 24, 9, PV_POWER),
                (0, 9, 12, 7, PV_VOLTAGE),
                (12, 9, 12, 7, PV_CURRENT),
                (0, 16, 24, 7, EFFICIENCY),
            ],
        ),
        Row(
            title="Charger",
            panels=[(0, 0, 24, 5, CHARGER), (0, 5, 12, 5, CONVERTER), (12, 5, 12, 5, ERRORS)],
        ),
        Row(
            title="Days",
            panels=[(0, 0, 12, 8, SOLAR_PER_DAY), (12, 0, 12, 8, CHARGED_PER_DAY)],
        ),
    ],
)
