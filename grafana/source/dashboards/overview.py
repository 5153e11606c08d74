"""Dashboard 1, made to hang on a wall: whether everything is fine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.source.dashboard import BATTERY, EVENTS, INSTRUMENT, METHOD, SITE, Dashboard, Row
from grafana.source.dashboards import charge
from grafana.source.dashboards.problems import status, wrong_now
from grafana.source.flux import SECOND, chosen, present, query, stored
from grafana.source.palette import BLUE, FINE, WATCH, WRONG
from grafana.source.panels import PLAIN, Panel, above, alerts, stat, steps, table

if TYPE_CHECKING:
    from grafana.source.alerting.settings import Settings

ALERTS: Final = alerts(
    "Alerts",
    what="Alerts of Grafana that are firing or about to.",
    normal="none. The watchdog, which always fires, is left out.",
    matching='{severity!="watchdog"}',
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


def _temperature(settings: Settings) -> Panel:
    hot, cool = settings.limits["temperature_high_c"]
    return _of_battery(
        "Temperature",
        "temperature_c",
        "celsius",
        1,
        f"5 to {cool:g} °C; lithium cells must not be charged below 0 °C.",
        steps((None, BLUE), (5, FINE), (cool, WATCH), (hot, WRONG)),
    )


def _readings(silent_s: float) -> Panel:
    return table(
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
        what="The last values of every instrument within the range, and how old they are at its"
        " end.",
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
                "thresholds": above(60, silent_s),
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


def dashboard(settings: Settings) -> Dashboard:
    """Return it with the limits of a lab."""
    return Dashboard(
        uid="soclab-overview",
        title="Lab overview",
        description="Is everything fine? Charge, power and health of every battery on one screen.",
        variables=[SITE, BATTERY, INSTRUMENT, METHOD],
        annotations=[EVENTS],
        rows=[
            Row(
                title="",
                panels=[
                    (0, 0, 7, 5, status(settings)),
                    (7, 0, 9, 5, wrong_now(settings)),
                    (16, 0, 8, 5, ALERTS),
                ],
            ),
            Row(
                title="$battery",
                repeat="battery",
                panels=[
                    (0, 0, 4, 8, charge.now_gauge("Charged", settings)),
                    (4, 0, 9, 8, charge.over_time("Charge", settings)),
                    (13, 0, 4, 4, VOLTAGE),
                    (17, 0, 4, 4, CURRENT),
                    (21, 0, 3, 4, charge.uncertainty("Unsure by")),
                    (13, 4, 4, 4, POWER),
                    (17, 4, 4, 4, _temperature(settings)),
                    (21, 4, 3, 4, charge.time_to_go("Time to go")),
                ],
            ),
            Row(
                title="Instruments and events",
                panels=[
                    (0, 0, 14, 8, _readings(settings.limits["silent_s"].fire)),
                    (14, 0, 10, 8, LAST_EVENTS),
                ],
            ),
        ],
    )
