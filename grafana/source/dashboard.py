"""A dashboard: its variables, annotations, links and panels in their places."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from grafana.source.flux import chosen, query
from grafana.source.palette import BLUE, GREY, ORANGE
from grafana.source.panels import DATASOURCE, Json, Panel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCHEMA_VERSION: Final = 37  # of Grafana 9.4; newer ones migrate from it
FOLDER_TAG: Final = "soclab"
COLUMNS: Final = 24
LINE: Final = 100

Place = tuple[int, int, int, int, Panel]
"""Column, line within its row, width and height in Grafana's grid, and what is there."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """Panels under one heading; ``repeat`` makes it for each value of a variable."""

    title: str
    panels: Sequence[Place]
    repeat: str = ""


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """What one file holds."""

    uid: str
    title: str
    description: str
    variables: Sequence[Json]
    rows: Sequence[Row]
    annotations: Sequence[Json] = ()
    since: str = "now-24h"
    refresh: str = "30s"
    tags: Sequence[str] = field(default=(FOLDER_TAG,))

    def text(self) -> str:
        """Return the file."""
        made = {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": list(self.tags),
            "schemaVersion": SCHEMA_VERSION,
            "editable": False,
            "graphTooltip": 1,  # one cursor in all panels
            "refresh": self.refresh,
            "time": {"from": self.since, "to": "now"},
            "timezone": "",
            "links": [OTHER_DASHBOARDS],
            "annotations": {"list": list(self.annotations)},
            "templating": {"list": [DATASOURCE_VARIABLE, *self.variables]},
            "panels": list(self._panels()),
        }
        return readable(made) + "\n"

    def _panels(self) -> Iterator[Json]:
        number, y = 0, 0
        for row in self.rows:
            if row.title:
                number += 1
                yield {
                    "id": number,
                    "type": "row",
                    "title": row.title,
                    "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
                    "collapsed": False,
                    "panels": [],
                    **({"repeat": row.repeat} if row.repeat else {}),
                }
                y += 1
            for x, line, width, height, panel in row.panels:
                number += 1
                yield panel.as_json(number, x, y + line, width, height)
            y += max(line + height for _, line, _, height, _ in row.panels)


def readable(value: object, indent: int = 0) -> str:
    """Return JSON with whatever fits on a line on one line."""
    short = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(short) + indent <= LINE:
        return short
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        parts = [f"{inner}{json.dumps(k)}: {readable(v, indent + 2)}" for k, v in value.items()]
    else:
        parts = [inner + readable(one, indent + 2) for one in value]
    left, right = "{}" if isinstance(value, dict) else "[]"
    return "\n".join([left, ",\n".join(parts), " " * indent + right])


OTHER_DASHBOARDS: Final[Json] = {
    "type": "dashboards",
    "title": "soclab",
    "tags": [FOLDER_TAG],
    "asDropdown": False,
    "includeVars": True,
    "keepTime": True,
    "targetBlank": False,
    "icon": "external link",
    "tooltip": "",
    "url": "",
}
DATASOURCE_VARIABLE: Final[Json] = {
    "type": "datasource",
    "name": "datasource",
    "label": "Data source",
    "query": "influxdb",
    "regex": "",
    "current": {"text": "InfluxDB", "value": "influxdb"},
    "hide": 2,  # there is one; another can be chosen in the address
    "multi": False,
    "includeAll": False,
    "refresh": 1,
}


def tag_variable(
    name: str,
    label: str,
    measurement: str,
    *,
    bucket: str = "raw",
    chosen_before: Sequence[str] = (),
    several: bool = True,
) -> Json:
    """Return a choice among the values of a tag, of one measurement in the last 90 days."""
    conditions = [f'r._measurement == "{measurement}"']
    if chosen_before:
        conditions.append(chosen(*chosen_before))
    text = query(
        f"""
        schema.tagValues(
            bucket: "{bucket}",
            tag: "{name}",
            predicate: (r) => {" and ".join(conditions)},
            start: -90d,
        )
        """,
        imports=["influxdata/influxdb/schema"],
    )
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "query": text,
        "refresh": 1,  # when the dashboard is opened
        "regex": "",
        "sort": 1,
        "multi": several,
        "includeAll": several,
        "hide": 0,
        **(
            {"allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}}
            if several
            else {"current": {}}
        ),
    }


def text_variable(name: str, label: str, value: str) -> Json:
    """Return a choice that is typed."""
    return {
        "type": "textbox",
        "name": name,
        "label": label,
        "query": value,
        "current": {"text": value, "value": value},
        "hide": 0,
    }


def annotation(name: str, text: str, colour: str, *, shown: bool = True) -> Json:
    """Return marks over all panels, from a query with columns time, (timeEnd,) text and tags."""
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": shown,
        "hide": False,
        "iconColor": colour,
        "target": {"refId": "Anno", "query": text},
    }


SITE: Final = tag_variable("site", "Site", "collector")
BATTERY: Final = tag_variable("battery", "Battery", "battery", chosen_before=["site"])
ONE_BATTERY: Final = tag_variable(
    "battery", "Battery", "battery", chosen_before=["site"], several=False
)
INSTRUMENT: Final = tag_variable("instrument", "Instrument", "collector", chosen_before=["site"])
METHOD: Final = tag_variable(
    "method", "Method", "soc", bucket="derived", chosen_before=["site", "battery"]
)

EVENTS: Final = annotation(
    "Events",
    query(
        f"""
        from(bucket: "raw")
            |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
            |> filter(fn: (r) => r._measurement == "event" and r._field == "text")
            |> filter(fn: (r) => {chosen("site")})
            |> group()
            |> sort(columns: ["_time"], desc: true)
            |> limit(n: 200)
            |> map(fn: (r) =>
                ({{time: r._time, text: r._value, tags: r.kind + "," + r.instrument}}))
        """
    ),
    BLUE,
)
ANCHORS: Final = annotation(
    "Anchors",
    query(
        f"""
        span = int(v: v.timeRangeStop) - int(v: v.timeRangeStart)
        step = duration(v: if span < int(v: 12h) then int(v: 1m) else span / 720)
        rows = (field, fn) =>
            from(bucket: "derived")
                |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
                |> filter(fn: (r) => r._measurement == "soc" and r._field == field)
                |> filter(fn: (r) => {chosen("site", "battery")} and r.method == "coulomb")
                |> aggregateWindow(every: step, fn: fn, createEmpty: false)
        union(tables: [rows(field: "observed_s", fn: min), rows(field: "soc_pct", fn: last)])
            |> keep(columns: ["_time", "_value", "_field", "battery"])
            |> group(columns: ["battery"])
            |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
            |> sort(columns: ["_time"])
            |> map(fn: (r) => ({{r with anchored: if r.observed_s <= 0.0 then 1 else 0}}))
            |> difference(columns: ["anchored"], keepFirst: true)
            |> filter(fn: (r) => r.anchored == 1)
            |> group()
            |> map(fn: (r) => ({{
                time: r._time,
                text: r.battery + " is known to be "
                    + (if r.soc_pct > 50.0 then "full" else "empty"),
                tags: "anchor",
            }}))
        """
    ),
    ORANGE,
)
GAPS: Final = annotation(
    "Gaps",
    query(
        f"""
        span = int(v: v.timeRangeStop) - int(v: v.timeRangeStart)
        step = duration(v: if span < int(v: 12h) then int(v: 1m) else span / 720)
        from(bucket: "derived")
            |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
            |> filter(fn: (r) => r._measurement == "soc" and r._field == "unobserved_s")
            |> filter(fn: (r) => {chosen("site", "battery")} and r.method == "coulomb")
            |> aggregateWindow(every: step, fn: last, createEmpty: false)
            |> difference(nonNegative: true)
            |> filter(fn: (r) => r._value > 0.0)
            |> group()
            |> map(fn: (r) => ({{
                time: time(v: int(v: r._time) - int(v: r._value * 1000000000.0)),
                timeEnd: r._time,
                text: r.battery + ": no readings for " + string(v: int(v: r._value)) + " s",
                tags: "gap",
            }}))
        """
    ),
    GREY,
)
