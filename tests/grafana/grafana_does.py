"""What Grafana does to a Flux query on its way to InfluxDB, and to the answer on its way back.

In the browser, variables of the dashboard are replaced and the interval is chosen; in Grafana's
server ``v.…`` is replaced, as a text, and tables become frames.
https://grafana.com/docs/grafana/latest/datasources/influxdb/query-editor/#flux-support-in-grafana
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from influxdb_client.client.flux_table import FluxTable

ALL = "$__all"
Value = str | list[str]

_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")
_OF_V = re.compile(r"([a-zA-Z]+)\.([a-zA-Z]+)")
_ROUNDED_MS = (  # below the first, the second
    *((15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500), (1_500, 1_000)),
    *((3_500, 2_000), (7_500, 5_000), (12_500, 10_000), (17_500, 15_000), (25_000, 20_000)),
    *((45_000, 30_000), (90_000, 60_000), (210_000, 120_000), (450_000, 300_000)),
    *((750_000, 600_000), (1_050_000, 900_000), (1_500_000, 1_200_000), (2_700_000, 1_800_000)),
    *((5_400_000, 3_600_000), (9_000_000, 7_200_000), (16_200_000, 10_800_000)),
    *((32_400_000, 21_600_000), (86_400_000, 43_200_000), (604_800_000, 86_400_000)),
)


class Range(NamedTuple):
    """From when to when, in seconds since the epoch."""

    start_s: float
    stop_s: float


class Frame(NamedTuple):
    """What a panel gets: columns by name with their type, and how many rows."""

    columns: dict[str, str]
    labels: dict[str, str]
    rows: list[dict[str, Any]]
    is_series: bool


def fill_in(
    query: str, within: Range, variables: Mapping[str, Value], *, width_px: int = 1000
) -> str:
    """Return the query as InfluxDB gets it."""
    return in_server(in_browser(query, variables), within, width_px)


def in_browser(query: str, variables: Mapping[str, Value]) -> str:
    """Return the query with the dashboard's variables replaced."""

    def replaced(match: re.Match[str]) -> str:
        name, how = match.group(1) or match.group(3), match.group(2)
        if name not in variables:
            return match.group(0)  # Grafana leaves what it does not know
        return formatted(variables[name], how)

    return _VARIABLE.sub(replaced, query)


def in_server(text: str, within: Range, width_px: int) -> str:
    """Return the query with whatever is called v.timeRangeStart and the like replaced."""
    interval_ms = interval((within.stop_s - within.start_s) * 1000, width_px)
    values = {
        "timeRangeStart": rfc3339(within.start_s),
        "timeRangeStop": rfc3339(within.stop_s),
        "windowPeriod": go_duration(interval_ms),
        "bucket": '""',
        "defaultBucket": '"raw"',
        "organization": '"soclab"',
    }
    for whole, name in sorted({(m.group(0), m.group(2)) for m in _OF_V.finditer(text)}):
        if name in values:
            text = text.replace(whole, values[name])
    return text


def formatted(value: Value, how: str | None) -> str:
    """Return a variable's value in a format; ``.*`` stands for All and is never escaped."""
    if value == ".*":
        return value
    if how == "regex":
        if isinstance(value, str):
            return _escaped(value)
        return f"({'|'.join(map(_escaped, value))})" if len(value) > 1 else _escaped(value[0])
    if isinstance(value, str):
        return value
    return value[0] if len(value) == 1 else "{" + ",".join(value) + "}"


def _escaped(text: str) -> str:
    return re.sub(r"[\\^$*+?.()|[\]{}/]", r"\\\g<0>", text)


def interval(range_ms: float, width_px: int) -> int:
    """Return the interval for a range in a panel that is so many pixels wide."""
    exact = range_ms / width_px
    return next((rounded for limit, rounded in _ROUNDED_MS if exact < limit), 604_800_000)


def rfc3339(time_s: float) -> str:
    """Return a time as Go's RFC3339Nano."""
    text = datetime.fromtimestamp(time_s, UTC).isoformat().replace("+00:00", "")
    return (text.rstrip("0") if "." in text else text) + "Z"


def go_duration(milliseconds: int) -> str:
    """Return a duration as Go prints it, such as ``1h0m0s``."""
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    hours, rest = divmod(milliseconds // 1000, 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


def frames(tables: Sequence[FluxTable]) -> list[Frame]:
    """Return frames as Grafana's server makes them: a series has a ``_value`` and a time."""
    made = []
    for table in tables:
        types = {c.label: c.data_type for c in table.columns if c.label not in {"result", "table"}}
        times = [name for name, kind in types.items() if kind.startswith("dateTime")]
        rows = [record.values for record in table.records]
        if not rows:
            continue  # InfluxDB may send a table's head alone; Grafana makes no frame of it
        if "_value" in types and times:
            time = "_time" if "_time" in times else times[0]
            labels = {
                name: rows[0][name]
                for name, kind in types.items()
                if not name.startswith("_") and kind == "string" and rows[0][name] is not None
            }
            columns = {time: types[time], "_value": types["_value"]}
            made.append(Frame(columns, labels, rows, is_series=True))
        else:
            made.append(Frame(types, {}, rows, is_series=False))
    return made
