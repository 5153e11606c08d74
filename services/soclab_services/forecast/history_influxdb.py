"""Histories from the lab's InfluxDB: what the Flux task or the estimator stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from soclab_collectors.measurements import BUCKET_DERIVED

from soclab_services.forecast.history import History, HistoryError, from_samples

if TYPE_CHECKING:
    from influxdb_client import InfluxDBClient

# Fine enough for a value at the full hour: it is at most so old.
EVERY: Final = "10m"


def question(battery: str, method: str, days: int) -> str:
    """Return the Flux query; names must match NAME_PATTERN, so nothing needs escaping."""
    return (
        f'from(bucket: "{BUCKET_DERIVED}")\n'
        f"  |> range(start: -{days}d)\n"
        '  |> filter(fn: (r) => r._measurement == "soc" and r._field == "soc_pct"'
        f' and r.battery == "{battery}" and r.method == "{method}")\n'
        f"  |> aggregateWindow(every: {EVERY}, fn: last, createEmpty: false)\n"
        '  |> keep(columns: ["_time", "_value"])\n'
        "  |> group()\n"
        '  |> sort(columns: ["_time"])\n'
    )


def fetch_history(client: InfluxDBClient, battery: str, method: str, days: int) -> History:
    """Return the last days of a battery's `soc`.

    Raises
    ------
    HistoryError
        If nothing is stored of it, or no history.
    """
    tables = client.query_api().query(question(battery, method, days))
    rows = [(row["_time"].timestamp(), row["_value"]) for table in tables for row in table]
    source = f"soc of battery {battery}, method {method}, last {days} days"
    if not rows:
        raise HistoryError(
            source,
            "nothing stored",
            "Check the names of battery and method (docs/data-contract.md), or give more --days.",
        )
    time_s, soc_pct = np.array(rows, dtype=np.float64).T
    return from_samples(time_s, soc_pct, "t_unix", source, battery)
