"""Dashboard 2: one battery in depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.source.dashboard import (
    ANCHORS,
    EVENTS,
    GAPS,
    INSTRUMENT,
    METHOD,
    ONE_BATTERY,
    SITE,
    Dashboard,
    Row,
)
from grafana.source.dashboards import charge
from grafana.source.dashboards.per_day import SIGNED, TIME_ZONE, in_and_out
from grafana.source.flux import chosen, history, present, query, stored, windows
from grafana.source.palette import BLUE, ORANGE, RED
from grafana.source.panels import (
    PLAIN,
    Panel,
    above,
    by_hue,
    fixed,
    named,
    override,
    series,
    stat,
    steps,
    table,
)

if TYPE_CHECKING:
    from grafana.source.alerting.settings import Settings


def _line(title: str, field: str, unit: str, what: str, normal: str) -> Panel:
    return series(
        title,
        history("battery", field),
        what=what,
        normal=normal,
        unit=unit,
        decimals=2,
        overrides=by_hue(),
    )


CURRENT: Final = _line(
    "Current",
    "current_a",
    "amp",
    "Current by each instrument; above zero it charges.",
    "lines of instruments lie on each other within 5 %.",
)
VOLTAGE: Final = _line(
    "Voltage",
    "voltage_v",
    "volt",
    "Terminal voltage by each instrument.",
    "within 0.1 V of each other; it jumps with the current and settles within hours.",
)
POWER: Final = _line(
    "Power",
    "power_w",
    "watt",
    "Power by each instrument; above zero it charges.",
    "the sign of the current.",
)


def _temperature(settings: Settings) -> Panel:
    hot, cool = settings.limits["temperature_high_c"]
    return series(
        "Temperature",
        history("battery", "temperature_c"),
        what="Temperature of the battery or its sensor.",
        normal=f"5 to {cool:g} °C; lithium cells must not be charged below 0 °C.",
        unit="celsius",
        decimals=1,
        thresholds=steps((None, BLUE), (5, BLUE), (hot, RED)),
        show_thresholds=True,
        overrides=by_hue(),
    )


UNSURE: Final = series(
    "Uncertainty",
    query(
        f"""
        {stored("soc", "sigma_pct", variables=charge.OF_BATTERY)}
            |> {windows()}
            |> keep(columns: ["_time", "_value", "method"])
        """
    ),
    what="Standard uncertainty of the state of charge by each method.",
    normal="a saw: it grows with time and charge moved, and drops when the battery is known to "
    "be full or empty.",
    unit="percent",
    decimals=1,
    thresholds=above(10, 20),
    show_thresholds=True,
    overrides=[
        override("byRegexp", f'/^{method}$|"{method}"/', color=fixed(colour), displayName=method)
        for method, colour in charge.METHODS.items()
    ],
    minimum=0,
)
SINCE_ANCHOR: Final = series(
    "Time since it was known to be full or empty",
    query(
        f"""
        {
            stored(
                "soc",
                "observed_s",
                "unobserved_s",
                variables=charge.OF_BATTERY,
                only='r.method == "coulomb"',
            )
        }
            |> {windows("last")}
            |> group(columns: ["_field"])
            |> keep(columns: ["_time", "_value", "_field"])
        """
    ),
    what="Time with and without readings since the last anchor, as the Coulomb counter keeps it.",
    normal="below a week; time without readings near zero.",
    unit="s",
    decimals=1,
    thresholds=above(7 * 86_400, 14 * 86_400),
    overrides=[
        named("observed_s", color=fixed(BLUE), displayName="with readings"),
        named("unobserved_s", color=fixed(ORANGE), displayName="without readings"),
    ],
    minimum=0,
    calcs=("max", "lastNotNull"),
)


def _per_day(title: str, field: str, unit: str, what: str) -> Panel:
    return series(
        title,
        in_and_out("battery", field),
        what=f"{what} for each day, in above and out below zero, from means of minutes.",
        normal="over weeks a little more goes in than comes out.",
        unit=unit,
        decimals=1,
        bars=True,
        overrides=[
            override(
                "byRegexp",
                f'/direction="{way}"/',
                color=fixed(colour),
                displayName=f"${{__field.labels.instrument}} {way}",
            )
            for way, colour in (("into", BLUE), ("out", ORANGE))
        ],
        calcs=("sum", "mean"),
    )


CHARGE_PER_DAY: Final = _per_day("Charge per day", "current_a", "amph", "Charge in and out")
ENERGY_PER_DAY: Final = _per_day("Energy per day", "power_w", "watth", "Energy in and out")


def _sum(name: str, field: str, sign: str) -> str:
    only = f"{SIGNED} {sign} 0.0"
    return f"""
{name} =
    {stored("battery", field, variables=(), bucket="rollup_1m", only=only)}
    |> sum()
    |> filter(fn: (r) => {chosen("site", "instrument")})
    |> map(fn: (r) => ({{instrument: r.instrument, what: "{name}", _value: r._value / 60.0}}))
    |> group()
"""


THROUGHPUT: Final = table(
    "Charge and energy in this range",
    query(
        *(
            _sum(name, field, sign)
            for name, field, sign in (
                ("ah_in", "current_a", ">"),
                ("ah_out", "current_a", "<"),
                ("wh_in", "power_w", ">"),
                ("wh_out", "power_w", "<"),
            )
        ),
        f"""
        // What the battery holds: the charge in it over the part that it is.
        capacities =
            {stored("soc", "soc_pct", "charge_ah", variables=charge.OF_BATTERY)}
                |> last()
                |> group()
                |> pivot(rowKey: ["method"], columnKey: ["_field"], valueColumn: "_value")
                |> filter(fn: (r) => r.soc_pct > 1.0)
                |> map(fn: (r) => ({{_value: r.charge_ah / r.soc_pct * 100.0}}))
                |> mean()
                |> findColumn(fn: (key) => true, column: "_value")
        capacity = if length(arr: capacities) > 0 then capacities[0] else 0.0
        // One row of each kind gives its column, also where nothing went that way.
        blanks = array.from(rows: array.map(
            arr: ["ah_in", "ah_out", "wh_in", "wh_out"],
            fn: (x) => ({{instrument: "-", what: x, _value: 0.0}}),
        ))
        moved = (x) => if exists x then x else 0.0
        union(tables: [blanks, ah_in, ah_out, wh_in, wh_out])
            |> pivot(rowKey: ["instrument"], columnKey: ["what"], valueColumn: "_value")
            |> filter(fn: (r) => r.instrument != "-")
            |> map(fn: (r) => ({{r with
                ah_in: moved(x: r.ah_in),
                ah_out: -moved(x: r.ah_out),
                wh_in: moved(x: r.wh_in),
                wh_out: -moved(x: r.wh_out),
            }}))
            |> map(fn: (r) => ({{
                instrument: r.instrument,
                ah_in: r.ah_in,
                ah_out: r.ah_out,
                wh_in: r.wh_in,
                wh_out: r.wh_out,
                coulombic: r.ah_out / r.ah_in,
                energetic: r.wh_out / r.wh_in,
                cycles: if capacity > 0.0 then (r.ah_in + r.ah_out) / (2.0 * capacity) else 0.0,
            }}))
            |> sort(columns: ["instrument"])
        """,
        imports=["array"],
    ),
    what="What went in and came out within the range by each instrument, what comes out for what "
    "goes in, and how many full cycles it makes. Efficiencies mean something from one full "
    "battery to another, or over many cycles: else they hold the change of charge as well.",
    normal="coulombic efficiency 0.95 to 1 (lithium 0.99 and more), energy efficiency 0.7 to 0.95.",
    columns={
        "instrument": {"displayName": "Instrument"},
        "ah_in": {"displayName": "Charged", "unit": "amph", "decimals": 1},
        "ah_out": {"displayName": "Discharged", "unit": "amph", "decimals": 1},
        "wh_in": {"displayName": "Energy in", "unit": "watth", "decimals": 1},
        "wh_out": {"displayName": "Energy out", "unit": "watth", "decimals": 1},
        "coulombic": {
            "displayName": "Coulombic efficiency",
            "unit": "percentunit",
            "decimals": 1,
        },
        "energetic": {"displayName": "Energy efficiency", "unit": "percentunit", "decimals": 1},
        "cycles": {"displayName": "Full cycles", "unit": "none", "decimals": 2},
    },
)
CAPACITY: Final = stat(
    "Capacity, by devices",
    present("battery", "usable_capacity_ah"),
    what="Usable capacity as devices estimate it.",
    normal="near the name plate; it falls by some per cent a year.",
    unit="amph",
    decimals=1,
    name="${__field.labels.instrument}",
    thresholds=PLAIN,
)
DEEP: Final = stat(
    "Deep discharges",
    present("battery", "deep_discharges"),
    what="Deep discharges as devices count them.",
    normal="it stays the same; each one ages the battery.",
    unit="none",
    decimals=0,
    name="${__field.labels.instrument}",
    thresholds=steps((None, "#009E73"), (1, "#E69F00")),
)


def dashboard(settings: Settings) -> Dashboard:
    """Return it with the limits of a lab."""
    return Dashboard(
        uid="soclab-battery",
        title="Battery",
        description="One battery: charge by every method, current and voltage on the same time"
        " axis, charge and energy by day.",
        variables=[SITE, ONE_BATTERY, INSTRUMENT, METHOD, TIME_ZONE],
        annotations=[EVENTS, ANCHORS, GAPS],
        since="now-2d",
        rows=[
            Row(
                title="Now",
                panels=[
                    (0, 0, 5, 5, charge.now_gauge("Charged", settings)),
                    (5, 0, 4, 5, charge.uncertainty("Unsure by")),
                    (9, 0, 5, 5, charge.time_to_go("Time to go")),
                    (14, 0, 5, 5, CAPACITY),
                    (19, 0, 5, 5, DEEP),
                ],
            ),
            Row(
                title="Charge, current and voltage",
                panels=[
                    (0, 0, 24, 10, charge.over_time("State of charge", settings)),
                    (0, 10, 24, 7, CURRENT),
                    (0, 17, 24, 7, VOLTAGE),
                    (0, 24, 24, 7, POWER),
                    (0, 31, 24, 6, _temperature(settings)),
                ],
            ),
            Row(
                title="Trust",
                panels=[(0, 0, 12, 8, UNSURE), (12, 0, 12, 8, SINCE_ANCHOR)],
            ),
            Row(
                title="Days and cycles",
                panels=[
                    (0, 0, 12, 8, CHARGE_PER_DAY),
                    (12, 0, 12, 8, ENERGY_PER_DAY),
                    (0, 8, 24, 6, THROUGHPUT),
                ],
            ),
        ],
    )
