"""Every query of every dashboard, on a real InfluxDB that holds a lab's data."""

from __future__ import annotations

import time

import pytest
from influxdb_client import InfluxDBClient

from tests.grafana.dashboards import dashboards, panels, queries, repeated_by
from tests.grafana.grafana_does import Range, fill_in, frames
from tests.grafana.lab import BATTERY, LENGTH_S, SITE

SLOWEST_S = 10.0  # on a busy machine; benchmarks/grafana_queries.py has the goal
WIDTH_PX = 300  # of a small panel: fewer rows to look at
NARROW_S, WIDE_S = LENGTH_S + 120, 13 * 3600  # readings; minutes
EMPTY_WHEN_FINE = {"overview: What is wrong A"}
# A battery is charged or discharged at a moment, or rests.
MAY_REST = {"overview: Time to go A", "battery: Time to go A"}
ALL = dict.fromkeys(("site", "battery", "instrument", "method"), ".*")
CHOSEN = ALL | {"reference": "labjack", "timezone": "Europe/Copenhagen"}
QUERIES = list(queries())
TOOK_S = {}


@pytest.fixture(scope="module")
def ask(lab):
    """Return a function that answers a query as a panel gets it, and how long it took."""
    with InfluxDBClient(lab.server.url, lab.token, org="soclab", timeout=60_000) as client:
        api = client.query_api()

        def answer(query, length_s, **variables):
            within = Range(lab.now_s - length_s, lab.now_s)
            flux = fill_in(query.flux, within, CHOSEN | variables, width_px=WIDTH_PX)
            assert "$" not in flux.replace("$/", ""), "a variable is not replaced"
            started = time.perf_counter()
            tables = api.query(flux)
            return frames(tables), time.perf_counter() - started

        yield answer


def chosen(query):
    """Return what a dashboard with one battery, or a row for each, puts into its queries."""
    one_battery = query.dashboard == "battery" or query.panel in REPEATED[query.dashboard]
    return {"battery": BATTERY} if one_battery else {}


REPEATED = {
    name: {p["title"] for p in panels(one) if p["id"] in repeated_by(one)}
    for name, one in dashboards().items()
}


@pytest.mark.parametrize("length_s", [NARROW_S, WIDE_S], ids=["narrow", "wide"])
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_query_returns_what_its_panel_shows(ask, query, length_s):
    found, took_s = ask(query, length_s, **chosen(query))
    assert took_s < SLOWEST_S
    TOOK_S[query.name] = took_s
    assert found or query.name in MAY_REST, "nothing came back"
    for frame in found:
        CHECKS[query.kind](frame)


def test_the_slowest_query(figure):
    slowest = max(TOOK_S, key=TOOK_S.__getitem__)
    figure(f"{len(TOOK_S)} queries of dashboards, slowest {TOOK_S[slowest]:.2f} s: {slowest}")


def is_time_series(frame):
    """Hold a frame against what lines need: time and numbers, one or several columns."""
    times = [name for name, kind in frame.columns.items() if kind.startswith("dateTime")]
    numbers = [name for name, kind in frame.columns.items() if kind == "double"]
    assert len(times) == 1
    assert len(numbers) == len(frame.columns) - 1, frame.columns
    stamps = [row[times[0]] for row in frame.rows]
    assert stamps == sorted(stamps), "not in the order of time"
    values = [row.get(name) for row in frame.rows for name in numbers]
    assert any(value is not None for value in values)


def is_number(frame):
    """Hold a frame against what big numbers need: a value."""
    numbers = [name for name, kind in frame.columns.items() if kind == "double"]
    assert numbers
    assert any(row.get(name) is not None for row in frame.rows for name in numbers)


def is_table(frame):
    assert not frame.is_series, "a table has no column _value beside a time"
    assert not [name for name in frame.columns if name.startswith("_")]


def is_annotation(frame):
    assert frame.columns["time"].startswith("dateTime")
    assert frame.columns["text"] == frame.columns["tags"] == "string"
    assert not frame.is_series


def is_choice(frame):
    assert all(isinstance(row["_value"], str) for row in frame.rows)


CHECKS = {
    "timeseries": is_time_series,
    "state-timeline": is_time_series,
    "stat": is_number,
    "gauge": is_number,
    "table": is_table,
    "annotation": is_annotation,
    "variable": is_choice,
}


def by_name(name):
    return next(query for query in QUERIES if query.name == name)


def test_the_wall_says_what_is_wrong(ask):
    found, _ = ask(by_name("overview: What is wrong A"), NARROW_S)
    said = {row["who"]: row["problem"] for frame in found for row in frame.rows}
    assert said["old-mppt"].startswith("silent for")
    (count,), _ = ask(by_name("overview: Is everything fine? A"), NARROW_S)
    later, _ = ask(by_name("overview: What is wrong A"), NARROW_S)
    before, after = (sum(len(frame.rows) for frame in frames) for frames in (found, later))
    assert before <= count.rows[0]["_value"] <= after  # the lab falls silent as time goes by


def test_the_wall_says_that_all_is_fine(ask, lab):
    now_ns = time.time_ns()
    lab.server.write(
        "collector,site=shed,instrument=uploader-pi1 up=1,spool_age_s=1,quarantine_bytes=0,"
        f"clock_synced=1 {now_ns}"
    )
    fine = {"site": "shed", "battery": "none"}
    (count,), _ = ask(by_name("overview: Is everything fine? A"), NARROW_S, **fine)
    assert count.rows[0]["_value"] == 0
    found, _ = ask(by_name("overview: What is wrong A"), NARROW_S, **fine)
    assert found == []


def test_the_wall_is_not_green_when_nothing_ever_arrived(ask):
    nowhere = {"site": "nowhere", "battery": "none"}
    found, _ = ask(by_name("overview: What is wrong A"), NARROW_S, **nowhere)
    assert [row["who"] for frame in found for row in frame.rows] == ["lab"]


@pytest.mark.parametrize(("length_s", "bucket"), [(NARROW_S, "raw"), (WIDE_S, "rollup_1m")])
def test_the_width_of_the_range_decides_what_is_read(lab, ask, length_s, bucket):
    """The other bucket's rows are marked, and the marks are not seen."""
    query = by_name("battery: Voltage A")
    other = {"raw": "rollup_1m", "rollup_1m": "raw"}[bucket]
    stat = ",stat=mean" if other == "rollup_1m" else ""
    moment = int(lab.now_s - 600) // 60 * 60
    battery = f"marked-in-{other}"
    tags = f"battery={battery},instrument=labjack,site={SITE}{stat}"
    lab.server.write(f"battery,{tags} voltage_v=99 {moment}000000000", other)
    found, _ = ask(query, length_s, battery=battery)
    assert found == []


def test_instruments_have_one_colour_in_every_panel(ask):
    seen = {}
    for query in QUERIES:
        if query.kind == "timeseries" and "hue(" in query.flux:
            for frame in ask(query, NARROW_S, **chosen(query))[0]:
                seen.setdefault(frame.labels["instrument"], set()).add(frame.labels["hue"])
    assert all(len(hues) == 1 for hues in seen.values()), seen
    assert len({hue for hues in seen.values() for hue in hues}) == len(seen)


def test_instruments_differ_as_they_were_made_to(ask):
    """The simulated charge controller's current is 3 % above the LabJack's, less its 0.2 %."""
    found, _ = ask(by_name("instruments: Difference of current in figures A"), NARROW_S)
    row = next(row for frame in found for row in frame.rows if row["instrument"] == "mppt")
    assert abs(row["mean"]) < 0.2
    assert row["least"] < row["mean"] < row["most"]
    assert row["windows"] > 100
