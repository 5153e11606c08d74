"""How long each panel of each dashboard takes to get its data, over a month and over six hours.

Run: .venv/bin/python -m benchmarks.grafana_queries [--days 365]

The goal is for a year, which takes minutes to write. Data are as the rollup task and the Coulomb
counter would have left them: minutes of every instrument, a row of state of charge every ten
seconds, by two methods; raw readings of a day.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections import defaultdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import urllib3
from influxdb_client import InfluxDBClient

from benchmarks.figure import figure
from grafana.source.contract import reads
from tests.grafana.dashboards import queries
from tests.grafana.grafana_does import Range, fill_in, frames
from tests.pipeline.influxd import Influxd, find_influxd

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY_S = 86_400
MINUTE_S, CELL_S = 60, 10
GOAL_MS = 300
ROUNDS = 3
BATCH = 25_000
CHOSEN = {
    **dict.fromkeys(("site", "instrument", "method"), ".*"),
    "battery": "shed",
    "reference": "labjack",
    "timezone": "Europe/Copenhagen",
}
UNITS = ("labjack", "mppt", "load", "uploader-pi1", "wlan-pi1")
# Fields and how they look: base, swing over the day, noise.
BATTERY = {"voltage_v": (13, 1, 0.01), "current_a": (0, 10, 0.1), "power_w": (0, 130, 1.0)}
READ = {
    ("battery", "labjack"): BATTERY,
    ("battery", "mppt"): {
        **BATTERY,
        "temperature_c": (20, 5, 0.1),
        "soc_pct": (50, 50, 0),
        "usable_capacity_ah": (98, 0, 0),
        "deep_discharges": (2, 0, 0),
    },
    ("solar", "mppt"): {
        "voltage_v": (30, 5, 0.1),
        "current_a": (5, 5, 0.1),
        "power_w": (100, 100, 1.0),
        "energy_day_wh": (500, 500, 0),
    },
    ("load", "load"): {
        "voltage_v": (13, 1, 0.01),
        "current_a": (2, 2, 0.01),
        "power_w": (26, 26, 0.1),
        "charge_ah": (50, 50, 0.01),
        "enabled": (1, 0, 0),
        "remote": (0, 0, 0),
        "mode": (2, 0, 0),
    },
    ("load", "mppt"): {"current_a": (1, 1, 0.1), "power_w": (13, 13, 1.0)},
    ("charger", "mppt"): {
        "state": (1, 1, 0),
        "dcdc_state": (1, 0, 0),
        "error_flags": (0, 0, 0),
        "energy_day_wh": (500, 500, 0),
        "uptime_s": (1e6, 0, 1e3),
    },
    **{
        ("collector", unit): {
            "up": (1, 0, 0),
            "duration_s": (0.01, 0, 0.005),
            "readings_total": (1e6, 1e5, 0),
            "errors_total": (10, 1, 0),
            "missed_total": (3, 0, 0),
            "dropped_total": (0, 0, 0),
            "spool_bytes": (400, 0, 100),
            "spool_age_s": (1, 0, 0.5),
            "cpu_s": (1e4, 100, 0),
            "clock_synced": (1, 0, 0),
            "uploaded_total": (1e7, 1e6, 0),
            "uploads_failed_total": (2, 0, 0),
            "quarantine_bytes": (0, 0, 0),
            "memory_bytes": (20e6, 0, 1e5),
            "repairs_total": (0, 0, 0),
            "disk_free_bytes": (2e10, 1e8, 0),
            "disk_used_pct": (38, 1, 0),
            "cpu_temperature_c": (50, 5, 0.5),
        }
        for unit in UNITS
    },
}


def main() -> None:
    """Write the data, open every dashboard."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    days = parser.parse_args().days
    program = find_influxd()
    assert program is not None, "influxd not found: run make setup"
    end_s = int(time.time()) // MINUTE_S * MINUTE_S
    with tempfile.TemporaryDirectory() as folder:
        server = Influxd(program, Path(folder))
        try:
            started = time.monotonic()
            fill(server, end_s, days)
            print(f"{days} days written in {time.monotonic() - started:.0f} s", flush=True)
            measure(server, Range(end_s - days * DAY_S, end_s), f"{days} days")
            measure(server, Range(end_s - DAY_S / 4, end_s), "6 hours")
        finally:
            server.stop()


def measure(server: Influxd, within: Range, name: str) -> None:
    """Print what each panel takes: its queries one after the other, the median of some rounds."""
    took: dict[str, list[float]] = defaultdict(lambda: [0.0] * ROUNDS)
    rows: dict[str, int] = defaultdict(int)
    with InfluxDBClient(server.url, server.admin_token, org="soclab", timeout=600_000) as client:
        api = client.query_api()
        for turn in range(ROUNDS):
            for query in queries():
                flux = fill_in(query.flux, within, CHOSEN)
                started = time.perf_counter()
                found = frames(api.query(flux))
                panel = f"{query.dashboard}: {query.panel}"
                took[panel][turn] += (time.perf_counter() - started) * 1000
                rows[panel] = max(rows[panel], sum(len(frame.rows) for frame in found))
    medians = {panel: statistics.median(times) for panel, times in took.items()}
    for panel, taken_ms in sorted(medians.items(), key=lambda item: -item[1]):
        print(f"  {taken_ms:7.0f} ms  {rows[panel]:6} rows  {panel}")
    slowest = max(medians, key=medians.__getitem__)
    figure(f"panels over {name}, slowest ({slowest})", medians[slowest], "ms", at_most=GOAL_MS)
    figure(f"panels over {name}, median", statistics.median(medians.values()), "ms")


def fill(server: Influxd, end_s: int, days: int) -> None:
    """Write everything that some panel reads; days of data repeat every week."""
    start_s = end_s - days * DAY_S
    wanted = _wanted()
    _write(server, "rollup_1m", _minutes(start_s, days, wanted))
    _write(server, "derived", _charge(start_s, days, wanted))
    _write(server, "raw", _readings(end_s - DAY_S))


def _wanted() -> set[tuple[str, str, str]]:
    """Return measurement, field and stat of all that is read from the rollup, and of ``soc``."""
    return {
        (measurement, field, stat)
        for query in queries()
        for read in reads(query.flux)
        for measurement in read.measurements
        for field in read.fields
        for stat in read.stats or ("",)
    }


def _minutes(start_s: int, days: int, wanted: set[tuple[str, str, str]]) -> Iterator[str]:
    for (measurement, instrument), fields in READ.items():
        battery = "" if measurement == "collector" else "battery=shed,"
        for stat in ("mean", "min", "max"):
            some = {f: how for f, how in fields.items() if (measurement, f, stat) in wanted}
            if not some:
                continue
            week = [_day(some, MINUTE_S, seed) for seed in range(7)]
            head = f"{measurement},{battery}instrument={instrument},site=lab,stat={stat} "
            for day in range(days):
                second = start_s + day * DAY_S
                for place, body in enumerate(week[day % 7]):
                    yield f"{head}{body} {second + place * MINUTE_S}000000000"


def _charge(start_s: int, days: int, wanted: set[tuple[str, str, str]]) -> Iterator[str]:
    few = {"soc_pct": (50, 45, 0.01), "charge_ah": (50, 45, 0.01), "sigma_pct": (3, 2, 0.001)}
    more = {"observed_s": (4e5, 4e5, 1), "unobserved_s": (60, 0, 0)}
    more |= {"sample_current_a": (0, 10, 0.1)}
    assert {f for m, f, _ in wanted if m == "soc"} <= few.keys() | more.keys()
    for method, fields in {"coulomb": few | more, "ekf": few}.items():
        head = f"soc,battery=shed,method={method},site=lab "
        week = [_day(fields, CELL_S, seed) for seed in range(7)]
        for day in range(days):
            second = start_s + day * DAY_S
            for place, body in enumerate(week[day % 7]):
                yield f"{head}{body} {second + place * CELL_S}000000000"


def _readings(start_s: int) -> Iterator[str]:
    for (measurement, instrument), fields in READ.items():
        battery = "" if measurement == "collector" else "battery=shed,"
        head = f"{measurement},{battery}instrument={instrument},site=lab "
        every = 10 if measurement == "collector" else 1
        for place, body in enumerate(_day(fields, every, 0)):
            yield f"{head}{body} {start_s + place * every}000000000"


def _day(fields: dict[str, tuple[float, float, float]], every_s: int, seed: int) -> list[str]:
    """Return field sets of a day, with as many digits as readings have."""
    noise = random.Random(seed)  # noqa: S311  sensor noise, not secrets
    made = []
    for second in range(0, DAY_S, every_s):
        phase = abs(second / DAY_S * 4 - 2) - 1  # a triangle between -1 and 1
        values = (
            f"{name}={base + swing * phase + noise.uniform(-1, 1) * wide:.6g}"
            for name, (base, swing, wide) in fields.items()
        )
        made.append(",".join(values))
    return made


def _write(server: Influxd, bucket: str, lines: Iterator[str]) -> None:
    while batch := list(islice(lines, BATCH)):
        answer = urllib3.request(
            "POST",
            f"{server.url}/api/v2/write?org={server.org}&bucket={bucket}",
            headers={"Authorization": f"Token {server.admin_token}"},
            body="\n".join(batch).encode(),
            timeout=600,  # it may stop to compact what it has
        )
        assert answer.status == 204, answer.data


if __name__ == "__main__":
    main()
