"""Dashboard 5: electronic loads and load outputs; experiments come with the unit that runs them."""

from __future__ import annotations

from typing import Final

from grafana.source.dashboard import BATTERY, EVENTS, INSTRUMENT, SITE, Dashboard, Row
from grafana.source.dashboards.per_day import TIME_ZONE, counter, total
from grafana.source.flux import history, present, state_lines
from grafana.source.palette import BLUE, GREEN, GREY, ORANGE, SKY, YELLOW
from grafana.source.panels import PLAIN, Panel, by_hue, series, stat, states, words

NAME: Final = "${__field.labels.instrument}"


def _line(title: str, field: str, unit: str, what: str, normal: str) -> Panel:
    return series(
        title,
        history("load", field),
        what=what,
        normal=normal,
        unit=unit,
        decimals=2,
        overrides=by_hue(),
    )


def _now(title: str, field: str, unit: str) -> Panel:
    return stat(
        title,
        present("load", field),
        what=f"{title} at the end of the range.",
        normal="what the experiment asks for; zero while switched off.",
        unit=unit,
        decimals=2,
        name=NAME,
        thresholds=PLAIN,
    )


CURRENT: Final = _line(
    "Current", "current_a", "amp", "Current into each load.", "steps as commanded; never below 0."
)
POWER: Final = _line("Power", "power_w", "watt", "Power into each load.", "below its rating.")
VOLTAGE: Final = _line(
    "Voltage",
    "voltage_v",
    "volt",
    "Voltage at the terminals of each load.",
    "a little below the battery's: the cables take the rest.",
)
COUNTER: Final = _line(
    "Charge counter",
    "charge_ah",
    "amph",
    "Charge counter of each load; a decrease is a reset.",
    "it rises while the load is on.",
)
ENABLED: Final = states(
    "Switched on",
    state_lines("load", "enabled"),
    what="Whether each load is switched on.",
    normal="on during an experiment.",
    mappings=words({0: ("off", GREY), 1: ("on", ORANGE)}),
    name=NAME,
)
MODE: Final = states(
    "Regulation",
    state_lines("load", "mode"),
    what="What an electronic load keeps constant: voltage, resistance, current or power.",
    normal="constant current in most experiments.",
    mappings=words(
        {0: ("voltage", BLUE), 1: ("resistance", SKY), 2: ("current", GREEN), 3: ("power", YELLOW)}
    ),
    name=NAME,
)
REMOTE: Final = states(
    "Remote control",
    state_lines("load", "remote"),
    what="Whether an electronic load is under remote control.",
    normal="only during an experiment: else somebody can turn its knobs.",
    mappings=words({0: ("at the device", GREY), 1: ("remote", SKY)}),
    name=NAME,
)
ENERGY: Final = series(
    "Energy per day",
    total("load", "power_w"),
    what="Energy into each load for each day, from means of minutes.",
    normal="as the experiments.",
    unit="watth",
    decimals=1,
    bars=True,
    name=NAME,
    calcs=("sum", "mean", "max"),
)
COUNTED: Final = series(
    "Energy per day, by devices",
    counter("load", "energy_day_wh"),
    what="How far the counter of the day of each load output came.",
    normal="near the energy beside it, where both exist.",
    unit="watth",
    decimals=1,
    bars=True,
    name=NAME,
    calcs=("sum", "mean", "max"),
)

DASHBOARD: Final = Dashboard(
    uid="soclab-load",
    title="Electronic load",
    description="What loads take from the battery, and in what state they are.",
    variables=[SITE, BATTERY, INSTRUMENT, TIME_ZONE],
    annotations=[EVENTS],
    since="now-6h",
    rows=[
        Row(
            title="Now",
            panels=[
                (0, 0, 8, 4, _now("Current now", "current_a", "amp")),
                (8, 0, 8, 4, _now("Power now", "power_w", "watt")),
                (16, 0, 8, 4, _now("Charge counter now", "charge_ah", "amph")),
            ],
        ),
        Row(
            title="Load",
            panels=[
                (0, 0, 24, 8, CURRENT),
                (0, 8, 12, 7, POWER),
                (12, 8, 12, 7, VOLTAGE),
                (0, 15, 24, 7, COUNTER),
            ],
        ),
        Row(
            title="State",
            panels=[(0, 0, 8, 5, ENABLED), (8, 0, 8, 5, MODE), (16, 0, 8, 5, REMOTE)],
        ),
        Row(title="Days", panels=[(0, 0, 12, 8, ENERGY), (12, 0, 12, 8, COUNTED)]),
    ],
)
