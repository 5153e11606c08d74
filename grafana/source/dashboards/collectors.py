"""Dashboard 7, whether every reading arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.source.dashboard import EVENTS, INSTRUMENT, SITE, Dashboard, Row
from grafana.source.dashboards.hosts import hosts
from grafana.source.dashboards.tasks import TASKS
from grafana.source.dashboards.units import UNITS, line, rate
from grafana.source.flux import SECOND, history, query, state_lines, stored
from grafana.source.palette import GREEN, RED
from grafana.source.panels import (
    Panel,
    above,
    by_hue,
    series,
    states,
    steps,
    table,
    words,
)

if TYPE_CHECKING:
    from grafana.source.alerting.settings import Settings

NAME: Final = "${__field.labels.instrument}"


def _now(settings: Settings) -> Panel:
    silent_s, backlog_s = (settings.limits[n].fire for n in ("silent_s", "backlog_age_s"))
    return table(
        "Units",
        query(
            f"""
            values =
                {
                stored(
                    "collector",
                    "up",
                    "duration_s",
                    "spool_age_s",
                    "spool_bytes",
                    "quarantine_bytes",
                    "dropped_total",
                    "clock_synced",
                    "memory_bytes",
                    variables=UNITS,
                )
            }
                    |> last()
            ages =
                values
                    |> filter(fn: (r) => r._field == "up")
                    |> map(fn: (r) => ({{r with
                        _field: "age",
                        _value: float(v: int(v: v.timeRangeStop) - int(v: r._time)) / {SECOND},
                    }}))
            union(tables: [values, ages])
                |> group()
                |> pivot(
                    rowKey: ["site", "instrument"],
                    columnKey: ["_field"],
                    valueColumn: "_value",
                )
                |> sort(columns: ["site", "instrument"])
            """
        ),
        what="The last words of every unit within the range, and how old they are at its end.",
        normal="up, an age below 15 seconds, a backlog of seconds, nothing in quarantine or"
        " dropped.",
        columns={
            "site": {"displayName": "Site"},
            "instrument": {"displayName": "Unit"},
            "up": {
                "displayName": "State",
                "mappings": words({0: ("DOWN", RED), 1: ("up", GREEN)}),
                "custom.displayMode": "color-text",
            },
            "age": {
                "displayName": "Age",
                "unit": "s",
                "decimals": 0,
                "thresholds": above(60, silent_s),
                "custom.displayMode": "color-text",
            },
            "duration_s": {"displayName": "Reading takes", "unit": "s"},
            "spool_age_s": {
                "displayName": "Backlog",
                "unit": "s",
                "decimals": 0,
                "thresholds": above(60, backlog_s),
                "custom.displayMode": "color-text",
            },
            "spool_bytes": {"displayName": "Backlog", "unit": "decbytes"},
            "quarantine_bytes": {
                "displayName": "Quarantine",
                "unit": "decbytes",
                "thresholds": above(1, 1),
                "custom.displayMode": "color-text",
            },
            "dropped_total": {
                "displayName": "Dropped",
                "thresholds": above(1, 1),
                "custom.displayMode": "color-text",
            },
            "clock_synced": {
                "displayName": "Clock",
                "mappings": words({0: ("WRONG", RED), 1: ("right", GREEN)}),
                "custom.displayMode": "color-text",
            },
            "memory_bytes": {"displayName": "Memory", "unit": "decbytes"},
        },
        nothing="no unit has reported in this range",
    )


UP: Final = states(
    "Reaches its device or server",
    state_lines("collector", "up", variables=UNITS, fn="min"),
    what="Whether each collector reaches its device, the uploader the server, the WLAN the router.",
    normal="up all the time; a gap means that the unit itself said nothing.",
    mappings=words({0: ("down", RED), 1: ("up", GREEN)}),
    name=NAME,
)
CLOCK: Final = states(
    "Clock",
    state_lines("collector", "clock_synced", variables=UNITS, fn="min"),
    what="Whether the clock of the Raspberry Pi is known to be right.",
    normal="right within a minute of switching on; before, readings wait for their date.",
    mappings=words({0: ("not synchronised", RED), 1: ("right", GREEN)}),
    name=NAME,
)
RATE: Final = rate(
    "Readings",
    "readings_total",
    "suffix:/s",
    "Readings that each collector takes in a second.",
    "constant: once a second at most instruments.",
)
UPLOADED: Final = rate(
    "Lines stored by the server",
    "uploaded_total",
    "suffix:/s",
    "Lines that the server confirmed to each uploader in a second.",
    "the sum of all readings; higher after an outage.",
)
DURATION: Final = line(
    "Time a reading takes",
    "duration_s",
    "s",
    "How long each collector waits for its instrument.",
    "below the interval between readings.",
)


def _backlog_age(settings: Settings) -> Panel:
    return line(
        "Age of the backlog",
        "spool_age_s",
        "s",
        "Age of the oldest line that waits in each spool.",
        "a few seconds; it grows while the server is away, and nothing is lost.",
        fn="max",
        stat="max",
        thresholds=above(60, settings.limits["backlog_age_s"].fire),
    )


BACKLOG: Final = line(
    "Size of the backlog",
    "spool_bytes",
    "decbytes",
    "Bytes that wait in each spool; in the uploader's line those of all.",
    "kilobytes.",
    fn="max",
    stat="max",
)
ERRORS: Final = rate(
    "Errors",
    "errors_total",
    "suffix:/h",
    "Bad replies and lost connections in an hour.",
    "0; single ones on long serial lines.",
    per="1h",
)
MISSED: Final = rate(
    "Missed readings",
    "missed_total",
    "suffix:/h",
    "Readings in an hour that were left out because the one before was late.",
    "0; the Raspberry Pi is busy else.",
    per="1h",
)
FAILED: Final = rate(
    "Failed uploads",
    "uploads_failed_total",
    "suffix:/h",
    "Attempts to upload in an hour that failed.",
    "0; some while the server restarts.",
    per="1h",
)
DROPPED: Final = line(
    "Dropped lines",
    "dropped_total",
    "none",
    "Lines given up at a bound since the unit started: spool full, or quarantine.",
    "0. Anything else is data lost.",
    fn="max",
    stat="max",
    thresholds=above(1, 1),
)
QUARANTINE: Final = line(
    "Quarantine",
    "quarantine_bytes",
    "decbytes",
    "Bytes of lines that the server refused, each with its reason, on the Raspberry Pi.",
    "0 B.",
    fn="max",
    stat="max",
    thresholds=above(1, 1),
)
RESTARTS: Final = series(
    "Restarts",
    history(
        "collector",
        "cpu_s",
        variables=UNITS,
        fn="min",
        stat="min",
        after=[
            "filter(fn: (r) => exists r._value)",
            "difference()",
            "map(fn: (r) => ({r with _value: if r._value < 0.0 then 1.0 else 0.0}))",
        ],
    ),
    what="Windows of this range in which a unit started anew: its processor time began at zero.",
    normal="only when somebody updates or restarts.",
    unit="none",
    decimals=0,
    bars=True,
    overrides=by_hue(),
    thresholds=steps((None, GREEN)),
    minimum=0,
    calcs=("sum",),
)


def dashboard(settings: Settings) -> Dashboard:
    """Return it with the limits of a lab."""
    return Dashboard(
        uid="soclab-collectors",
        title="Collectors and tasks",
        description="Does every reading arrive? Units on Raspberry Pis, uploads, tasks on the"
        " server.",
        variables=[SITE, INSTRUMENT],
        annotations=[EVENTS],
        since="now-6h",
        rows=[
            Row(
                title="Now",
                panels=[(0, 0, 24, 8, _now(settings)), (0, 8, 14, 6, UP), (14, 8, 10, 6, CLOCK)],
            ),
            Row(
                title="Flow",
                panels=[
                    (0, 0, 8, 8, RATE),
                    (8, 0, 8, 8, UPLOADED),
                    (16, 0, 8, 8, DURATION),
                    (0, 8, 12, 8, _backlog_age(settings)),
                    (12, 8, 12, 8, BACKLOG),
                ],
            ),
            Row(
                title="What should not happen",
                panels=[
                    (0, 0, 8, 7, ERRORS),
                    (8, 0, 8, 7, MISSED),
                    (16, 0, 8, 7, FAILED),
                    (0, 7, 8, 7, DROPPED),
                    (8, 7, 8, 7, QUARANTINE),
                    (16, 7, 8, 7, RESTARTS),
                ],
            ),
            hosts(settings),
            Row(title="Tasks of InfluxDB", panels=TASKS),
        ],
    )
