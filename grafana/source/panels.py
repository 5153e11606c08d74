"""Panels as Grafana's JSON, only of types that Grafana itself brings.

What is not said here has Grafana's default, so that a difference between two versions of a
dashboard is a difference somebody made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from grafana.source.contract import reads
from grafana.source.palette import FINE, HUES, WATCH, WRONG

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json = dict[str, Any]

DATASOURCE: Final[Json] = {"type": "influxdb", "uid": "${datasource}"}
# The oldest version for which options are written here: newer ones migrate from it.
PLUGIN_VERSION: Final = "9.4.0"
LONGEST_GAP_MS: Final = 300_000  # a line bridges this much without data, and no more


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel but for its place.

    Attributes
    ----------
    what, normal
        Its description: what it shows, and what is normal. Where from is read off the queries.
    """

    kind: str
    title: str
    what: str
    normal: str
    queries: tuple[str, ...] = ()
    defaults: Json = field(default_factory=dict)
    overrides: tuple[Json, ...] = ()
    options: Json = field(default_factory=dict)
    transformations: tuple[Json, ...] = ()

    def as_json(self, number: int, x: int, y: int, width: int, height: int) -> Json:
        """Return the panel at its place."""
        made: Json = {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description(),
            "gridPos": {"x": x, "y": y, "w": width, "h": height},
            "pluginVersion": PLUGIN_VERSION,
        }
        if self.queries:
            made |= {
                "datasource": DATASOURCE,
                "targets": [
                    {"refId": chr(ord("A") + place), "datasource": DATASOURCE, "query": query}
                    for place, query in enumerate(self.queries)
                ],
                "fieldConfig": {"defaults": self.defaults, "overrides": list(self.overrides)},
            }
        if self.transformations:
            made["transformations"] = list(self.transformations)
        return made | {"options": self.options}

    def description(self) -> str:
        """Return what the panel shows, where that is from and what is normal."""
        parts = [self.what]
        if self.queries:
            parts.append(f"From {_origin(self.queries)}.")
        return "\n\n".join([*parts, f"Normal: {self.normal}"])


def _origin(queries: Sequence[str]) -> str:
    """Return measurements and fields with their buckets, in the order of the queries."""
    found: dict[str, list[str]] = {}
    for query in queries:
        for read in reads(query):
            for measurement in read.measurements:
                fields = f"`{measurement}` ({', '.join(f'`{f}`' for f in read.fields)})"
                buckets = found.setdefault(fields if read.fields else f"`{measurement}`", [])
                if read.bucket not in buckets:
                    buckets.append(read.bucket)
    shown = [
        f"{what} in {' or '.join(sorted(buckets))}" for what, buckets in found.items() if buckets
    ]
    return "; ".join(shown)


def steps(*pairs: tuple[float | None, str]) -> Json:
    """Return thresholds: from each value on its colour; the first has no value."""
    return {
        "mode": "absolute",
        "steps": [{"value": value, "color": colour} for value, colour in pairs],
    }


PLAIN: Final = steps((None, HUES[0]))
"""For numbers that are neither good nor bad."""


def below(watch: float, wrong: float) -> Json:
    """Return thresholds for what must not get low."""
    return steps((None, WRONG), (wrong, WATCH), (watch, FINE))


def above(watch: float, wrong: float) -> Json:
    """Return thresholds for what must not get high."""
    return steps((None, FINE), (watch, WATCH), (wrong, WRONG))


def words(named: Mapping[float, tuple[str, str]]) -> list[Json]:
    """Return a mapping of numbers to words and colours."""
    return [
        {
            "type": "value",
            "options": {
                f"{value:g}": {"text": text, "color": colour, "index": place}
                for place, (value, (text, colour)) in enumerate(named.items())
            },
        }
    ]


def override(matcher: str, wanted: object, **properties: object) -> Json:
    """Return an override; ``custom_x`` stands for Grafana's ``custom.x``."""
    return {
        "matcher": {"id": matcher, "options": wanted},
        "properties": [
            {"id": name.replace("custom_", "custom."), "value": value}
            for name, value in properties.items()
        ],
    }


def named(name: str, **properties: object) -> Json:
    """Return an override for the column or line of this name."""
    return override("byName", name, **properties)


def fixed(colour: str) -> Json:
    """Return this colour, whatever the value."""
    return {"mode": "fixed", "fixedColor": colour}


def by_hue(name: str = "${__field.labels.instrument}", more: Sequence[Json] = ()) -> list[Json]:
    """Return overrides that give lines the colour that ``flux.hued`` chose, and their name.

    The label is looked for in the name that Grafana gives a line with labels: so there must be no
    default for that name.
    """
    return [
        *(
            override("byRegexp", f'/hue="{place}"/', color=fixed(colour), displayName=name)
            for place, colour in enumerate(HUES)
        ),
        *more,
    ]


def series(
    title: str,
    *queries: str,
    what: str,
    normal: str,
    unit: str,
    overrides: Sequence[Json] = (),
    name: str = "",
    thresholds: Json = PLAIN,
    show_thresholds: bool = False,
    bars: bool = False,
    fill: int = 0,
    decimals: int | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    calcs: Sequence[str] = ("min", "mean", "max", "lastNotNull"),
    custom: Json | None = None,
) -> Panel:
    """Return lines (or bars) over time, with a legend that has figures."""
    defaults: Json = {
        "unit": unit,
        "color": {"mode": "palette-classic"} if not queries else fixed(HUES[0]),
        "thresholds": thresholds,
        "custom": {
            "drawStyle": "bars" if bars else "line",
            "lineWidth": 1,
            "fillOpacity": 80 if bars else fill,
            "showPoints": "never",
            "spanNulls": LONGEST_GAP_MS,
            "axisWidth": 70,  # the same everywhere, so that panels above each other share time
            "thresholdsStyle": {"mode": "dashed" if show_thresholds else "off"},
            **(custom or {}),
        },
    }
    return Panel(
        kind="timeseries",
        title=title,
        what=what,
        normal=normal,
        queries=queries,
        defaults=defaults | _given(displayName=name, decimals=decimals, min=minimum, max=maximum),
        overrides=tuple(overrides),
        options={
            "legend": {
                "showLegend": True,
                "displayMode": "table",
                "placement": "bottom",
                "calcs": list(calcs),
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    )


def stat(
    title: str,
    *queries: str,
    what: str,
    normal: str,
    unit: str,
    thresholds: Json = PLAIN,
    mappings: Sequence[Json] = (),
    name: str = "",
    decimals: int | None = None,
    nothing: str = "no data",
    background: bool = False,
    overrides: Sequence[Json] = (),
) -> Panel:
    """Return big numbers: the last value of every series."""
    return Panel(
        kind="stat",
        title=title,
        what=what,
        normal=normal,
        queries=queries,
        defaults={
            "unit": unit,
            "color": {"mode": "thresholds"},
            "thresholds": thresholds,
            "mappings": list(mappings),
            "noValue": nothing,
        }
        | _given(displayName=name, decimals=decimals),
        overrides=tuple(overrides),
        options={
            "colorMode": "background" if background else "value",
            "graphMode": "none",
            "justifyMode": "center",
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": "value_and_name" if name else "auto",
        },
    )


def gauge(
    title: str,
    *queries: str,
    what: str,
    normal: str,
    unit: str,
    thresholds: Json,
    minimum: float,
    maximum: float,
    name: str = "",
) -> Panel:
    """Return a needle between two ends."""
    return Panel(
        kind="gauge",
        title=title,
        what=what,
        normal=normal,
        queries=queries,
        defaults={
            "unit": unit,
            "decimals": 0,
            "min": minimum,
            "max": maximum,
            "color": {"mode": "thresholds"},
            "thresholds": thresholds,
            "noValue": "no data",
        }
        | _given(displayName=name),
        options={
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "showThresholdLabels": False,
            "showThresholdMarkers": True,
        },
    )


def table(
    title: str,
    *queries: str,
    what: str,
    normal: str,
    columns: Mapping[str, Json],
    nothing: str = "no data",
    sort: str = "",
    descending: bool = False,
) -> Panel:
    """Return a table; ``columns`` holds in their order the properties of each, by its name."""
    return Panel(
        kind="table",
        title=title,
        what=what,
        normal=normal,
        queries=queries,
        defaults={
            "unit": "none",
            "thresholds": PLAIN,
            "noValue": nothing,
            "custom": {"align": "auto"},
        },
        overrides=tuple(named(column, **given) for column, given in columns.items() if given),
        options={
            "showHeader": True,
            "sortBy": [{"displayName": sort, "desc": descending}] if sort else [],
        },
        transformations=(
            {
                "id": "organize",
                "options": {
                    "indexByName": {column: place for place, column in enumerate(columns)},
                    "excludeByName": {},
                    "renameByName": {},
                },
            },
        ),
    )


def states(
    title: str,
    *queries: str,
    what: str,
    normal: str,
    mappings: Sequence[Json],
    name: str,
    overrides: Sequence[Json] = (),
) -> Panel:
    """Return bands over time, a colour and a word for each state."""
    return Panel(
        kind="state-timeline",
        title=title,
        what=what,
        normal=normal,
        queries=queries,
        defaults={
            "unit": "none",
            "color": {"mode": "thresholds"},
            "thresholds": PLAIN,
            "mappings": list(mappings),
            "displayName": name,
            "custom": {"fillOpacity": 80, "lineWidth": 0},
        },
        overrides=tuple(overrides),
        options={
            "mergeValues": True,
            "showValue": "auto",
            "alignValue": "left",
            "rowHeight": 0.8,
            "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "single", "sort": "none"},
        },
    )


def alerts(title: str, *, what: str, normal: str, matching: str = "") -> Panel:
    """Return the alerts of Grafana that are firing or about to."""
    return Panel(
        kind="alertlist",
        title=title,
        what=what,
        normal=normal,
        options={
            "viewMode": "list",
            "groupMode": "default",
            "groupBy": [],
            "maxItems": 20,
            "sortOrder": 3,
            "alertName": "",
            "alertInstanceLabelFilter": matching,
            "dashboardAlerts": False,
            "stateFilter": {
                "firing": True,
                "pending": True,
                "error": True,
                "noData": True,
                "normal": False,
            },
        },
    )


def _given(**values: object) -> Json:
    """Return what is neither None nor empty: the rest has Grafana's default."""
    return {name: value for name, value in values.items() if value is not None and value != ""}
