"""Runs of the Flux tasks, from InfluxDB's own bucket, which keeps them for three days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.source.flux import SECOND, query
from grafana.source.palette import GREEN, RED
from grafana.source.panels import above, series, table

if TYPE_CHECKING:
    from grafana.source.dashboard import Place

_RUNS: Final = f"""
runs =
    from(bucket: "_tasks")
        |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
        |> filter(fn: (r) => r._measurement == "runs" and
            (r._field == "name" or r._field == "scheduledFor" or
                r._field == "startedAt" or r._field == "finishedAt"))
        |> group()
        |> pivot(
            rowKey: ["_time", "taskID", "status"],
            columnKey: ["_field"],
            valueColumn: "_value",
        )
        |> map(fn: (r) => ({{
            _time: r._time,
            name: r.name,
            status: r.status,
            took: float(v: int(v: time(v: r.finishedAt)) - int(v: time(v: r.startedAt))) / {SECOND},
            late: float(v: int(v: time(v: r.startedAt)) - int(v: time(v: r.scheduledFor)))
                / {SECOND},
        }}))
        |> group(columns: ["name"])
"""

LAST: Final = table(
    "Tasks",
    query(
        _RUNS,
        f"""
        runs
            |> sort(columns: ["_time"])
            |> reduce(
                identity: {{
                    runs: 0.0, failed: 0.0, took: 0.0, longest: 0.0, late: 0.0,
                    last: 1970-01-01T00:00:00Z, status: "",
                }},
                fn: (r, accumulator) => ({{
                    runs: accumulator.runs + 1.0,
                    failed: accumulator.failed + (if r.status == "success" then 0.0 else 1.0),
                    took: accumulator.took + r.took,
                    longest: if r.took > accumulator.longest then r.took else accumulator.longest,
                    late: r.late,
                    last: r._time,
                    status: r.status,
                }}),
            )
            |> map(fn: (r) => ({{
                name: r.name,
                status: r.status,
                age: float(v: int(v: v.timeRangeStop) - int(v: r.last)) / {SECOND},
                runs: r.runs,
                failed: r.failed,
                mean: r.took / r.runs,
                longest: r.longest,
            }}))
            |> group()
            |> sort(columns: ["name"])
        """,
    ),
    what="Runs of each task of InfluxDB within the range: how the last one ended and how long ago "
    "it began, how many there were and failed, and how long they took.",
    normal="success, an age below the task's interval, nothing failed, much shorter than the "
    "interval.",
    columns={
        "name": {"displayName": "Task"},
        "status": {
            "displayName": "Last run",
            "mappings": [
                {
                    "type": "value",
                    "options": {
                        "success": {"color": GREEN, "index": 0},
                        "failed": {"text": "FAILED", "color": RED, "index": 1},
                    },
                }
            ],
            "custom.displayMode": "color-text",
        },
        "age": {"displayName": "Age", "unit": "s", "decimals": 0},
        "runs": {"displayName": "Runs", "decimals": 0},
        "failed": {
            "displayName": "Failed",
            "decimals": 0,
            "thresholds": above(1, 1),
            "custom.displayMode": "color-text",
        },
        "mean": {"displayName": "Mean", "unit": "s", "decimals": 2},
        "longest": {"displayName": "Longest", "unit": "s", "decimals": 2},
    },
    nothing="no task has run in this range",
)
DURATION: Final = series(
    "How long tasks take",
    query(
        _RUNS,
        """
        runs
            |> map(fn: (r) => ({_time: r._time, name: r.name, _value: r.took}))
            |> sort(columns: ["_time"])
            |> aggregateWindow(every: v.windowPeriod, fn: max, createEmpty: false)
            |> keep(columns: ["_time", "_value", "name"])
        """,
    ),
    what="How long each run of a task took; the longest of each window.",
    normal="the Coulomb counter well below the ten seconds between its runs.",
    unit="s",
    name="${__field.labels.name}",
    minimum=0,
)
TASKS: Final[list[Place]] = [(0, 0, 12, 8, LAST), (12, 0, 12, 8, DURATION)]
