"""State of charge with its uncertainty, as several dashboards show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.source.flux import IS_WIDE, JUST_NOW, by_width, keep, query, stored, windows
from grafana.source.palette import BLUE, GREEN, GREY, ORANGE, PURPLE
from grafana.source.panels import above, below, fixed, gauge, named, override, series, stat

if TYPE_CHECKING:
    from grafana.source.alerting.settings import Settings
    from grafana.source.panels import Json, Panel

METHODS: Final = {"coulomb": BLUE, "ekf": ORANGE, "spkf": GREEN, "smoother": PURPLE}
"""Methods with a colour of their own; others share grey."""
OF_BATTERY: Final = ("site", "battery", "method")

# The method that is surest of itself speaks for the battery, if it has spoken just now.
SUREST: Final = f"""
surest =
    {stored("soc", "soc_pct", "sigma_pct", "charge_ah", variables=OF_BATTERY, within=JUST_NOW)}
    |> last()
    |> group()
    |> pivot(rowKey: ["battery", "method"], columnKey: ["_field"], valueColumn: "_value")
    |> group(columns: ["battery"])
    |> sort(columns: ["sigma_pct"])
    |> limit(n: 1)
"""


def _full_enough(settings: Settings) -> Json:
    limits = settings.limits
    return below(limits["soc_low_pct"].fire, limits["soc_critical_pct"].fire)


def now_gauge(title: str, settings: Settings) -> Panel:
    """Return the state of charge, big."""
    return gauge(
        title,
        query(SUREST, 'surest |> keep(columns: ["soc_pct"])', imports=["date"]),
        what="State of charge at the end of the range, by the method that is surest of it.",
        normal=f"above {settings.limits['soc_low_pct'].fire:g} %; it moves slowly and comes to"
        " 100 % every few days.",
        unit="percent",
        thresholds=_full_enough(settings),
        minimum=0,
        maximum=100,
    )


def uncertainty(title: str) -> Panel:
    """Return how far off it may be."""
    return stat(
        title,
        query(
            SUREST,
            """
            surest
                |> map(fn: (r) => ({"± 2σ": 2.0 * r.sigma_pct}))
                |> group()
            """,
            imports=["date"],
        ),
        what="Two standard uncertainties of the state of charge: the true one is within them "
        "19 times of 20.",
        normal="below 10 %; it grows until the battery is known to be full or empty.",
        unit="percent",
        decimals=1,
        thresholds=above(10, 20),
    )


def time_to_go(title: str) -> Panel:
    """Return when it will be empty or full."""
    return stat(
        title,
        query(
            SUREST,
            f"""
            mean15 =
                {
                stored(
                    "soc",
                    "sample_current_a",
                    variables=("site", "battery"),
                    within="range(start: date.sub(d: 15m, from: v.timeRangeStop),"
                    " stop: v.timeRangeStop)",
                )
            }
                |> group(columns: ["battery"])
                |> mean()
            both =
                join(tables: {{state: surest, current: mean15}}, on: ["battery"])
                    |> map(fn: (r) => ({{
                        battery: r.battery,
                        charge: r.charge_ah,
                        capacity: r.charge_ah / r.soc_pct * 100.0,
                        current: r._value,
                    }}))
            emptying =
                both
                    |> filter(fn: (r) => r.current < -r.capacity / 200.0)
                    |> map(fn: (r) => ({{
                        what: "to empty",
                        _time: v.timeRangeStop,
                        _value: r.charge / -r.current * 3600.0,
                    }}))
            filling =
                both
                    |> filter(fn: (r) => r.current > r.capacity / 200.0)
                    |> map(fn: (r) => ({{
                        what: "to full",
                        _time: v.timeRangeStop,
                        _value: (r.capacity - r.charge) / r.current * 3600.0,
                    }}))
            union(tables: [emptying, filling]) |> group(columns: ["what"])
            """,
            imports=["date"],
        ),
        what="Time until the battery is empty or full, if the mean current of the last quarter of "
        "an hour goes on. Nothing below a current that would take 200 hours.",
        normal="hours to days; `resting` when hardly any current flows.",
        unit="s",
        decimals=1,
        nothing="resting",
        name="${__field.labels.what}",
        thresholds=below(4 * 3600.0, 3600.0),
    )


def over_time(title: str, settings: Settings) -> Panel:
    """Return every method with its band."""
    return series(
        title,
        *(band(method, "soc_pct", "sigma_pct") for method in METHODS),
        _other_methods(),
        _claimed(),
        what="State of charge by every method, each with a band of two standard uncertainties to "
        "either side, and in grey what devices claim themselves.",
        normal="the bands overlap; a band that grows waits for a full or empty battery.",
        unit="percent",
        decimals=1,
        minimum=0,
        maximum=100,
        thresholds=_full_enough(settings),
        overrides=[
            *(one for method, colour in METHODS.items() for one in drawn(method, colour)),
            *(
                override(
                    "byFrameRefID",
                    ref,
                    color=fixed(GREY),
                    displayName=name,
                    custom_lineStyle={"fill": "dash", "dash": [10, 10]},
                )
                for ref, name in (
                    ("E", "${__field.labels.method}"),
                    ("F", "${__field.labels.instrument} claims"),
                )
            ),
        ],
        calcs=("min", "max", "lastNotNull"),
    )


def band(method: str, field: str, sigma: str) -> str:
    """Return a field of a method, and two standard uncertainties to either side of it."""
    rows = stored("soc", field, sigma, variables=OF_BATTERY, only=f'r.method == "{method}"')
    return query(
        f"""
        {rows}
            |> {windows()}
            |> group()
            |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
            |> map(fn: (r) => ({{
                _time: r._time,
                "{method}": r.{field},
                "{method} - 2σ": r.{field} - 2.0 * r.{sigma},
                "{method} + 2σ": r.{field} + 2.0 * r.{sigma},
            }}))
            |> sort(columns: ["_time"])
        """
    )


def _other_methods() -> str:
    known = " and ".join(f'r.method != "{method}"' for method in METHODS)
    rows = stored("soc", "soc_pct", variables=OF_BATTERY, only=known)
    return query(f'{rows}\n    |> {windows()}\n    |> keep(columns: ["_time", "_value", "method"])')


def _claimed() -> str:
    rows = by_width("battery", "soc_pct", variables=("site", "battery"))
    return query(
        IS_WIDE, f"values =\n{rows}", f"values\n    |> {windows()}\n    |> {keep('instrument')}"
    )


def drawn(method: str, colour: str) -> list[Json]:
    """Return overrides that give the lines of ``band`` their colour and their shade."""
    hidden = {"legend": True, "tooltip": False, "viz": False}
    edge = {"color": fixed(colour), "custom_lineWidth": 0, "custom_hideFrom": hidden}
    return [
        named(method, color=fixed(colour), custom_lineWidth=2),
        named(f"{method} - 2σ", **edge),
        named(f"{method} + 2σ", **edge, custom_fillBelowTo=f"{method} - 2σ", custom_fillOpacity=20),
    ]
