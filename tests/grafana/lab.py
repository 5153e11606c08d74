"""A lab in fast motion: what instruments say of the virtual plant, through the pipeline's code.

The plant and its instruments' errors are those of the simulators; names and values go through the
mapping of the ThingSet instrument, through ``Health`` and line protocol as in the collectors. State
of charge and minutes come from the Flux tasks, run by InfluxDB itself.
"""

from __future__ import annotations

import time
from itertools import count, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from influxdb_client import InfluxDBClient
from soclab_collectors.collector.health import Health
from soclab_collectors.instruments.thingset.mapping import Mapper
from soclab_collectors.line_protocol import field_set, series
from soclab_collectors.measurements import CONTRACT
from soclab_services.config.model import (
    BatteryConfig,
    Config,
    CoulombConfig,
    EmptyAnchor,
    FullAnchor,
    InfluxdbConfig,
    RollupConfig,
)
from soclab_services.flux.install import install
from soclab_simulators.plant.plant import Plant
from soclab_simulators.plant.source import EA_EL3000, LABJACK, MPPT, PlantSource
from soclab_simulators.thingset.quantities import Quantities

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.pipeline.influxd import Influxd

SITE, BATTERY = "lab", "demo"
LENGTH_S = 25 * 60  # two days and a half of the plant
OUTAGE = (400, 520)  # of the LabJack: the first and, but for one, the last reading
RESTARTED = 700  # the charge controller's unit, at this reading
MONITOR_S = 10
TASK_TIMEOUT_S = 120  # on a busy machine
METHODS = ("ekf", "spkf", "smoother", "by-hand")  # none of them has a unit yet
NS_PER_S = 1_000_000_000


class Rows:
    """Lines of line protocol, each held against the contract when it is added."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(
        self, measurement: str, tags: Mapping[str, str], fields: Mapping[str, Any], time_s: float
    ) -> None:
        kind = CONTRACT[measurement]
        assert set(fields) <= set(kind.fields), (measurement, fields)
        assert set(tags) <= {"site", "instrument", *kind.tags}, (measurement, tags)
        self.lines.append(
            f"{series(measurement, tags)} {field_set(fields)} {int(time_s * NS_PER_S)}"
        )


class Clock:
    """The plant's time, which we move."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Pace(NamedTuple):
    """How often instruments are read (s), and how many seconds of the lab one of the plant is."""

    every_s: int = 1
    stretch: int = 1


REAL: Final = Pace()


def raw_lines(end_s: float, site: str = SITE) -> list[str]:
    """Return what the instruments of a lab write in the minutes before ``end_s``."""
    begin = end_s - LENGTH_S
    lines = [one for step in islice(instruments(begin, site=site), LENGTH_S) for one in step]
    rows = Rows()
    rows.add("collector", _unit(site, "old-mppt"), {"up": 1.0, "spool_age_s": 1.0}, begin + 60)
    return lines + rows.lines


def instruments(begin_s: float, pace: Pace = REAL, site: str = SITE) -> Iterator[list[str]]:
    """Yield what instruments write at each reading, without end."""
    clock = Clock(begin_s)
    plant = Plant(seed=3, clock=clock)
    sources = {
        name: PlantSource(plant, error, seed=n, only_electronic_load=name == "load")
        for n, (name, error) in enumerate(
            {"labjack": LABJACK, "load": EA_EL3000, "mppt": MPPT}.items()
        )
    }
    firmware, mapper = Quantities(), Mapper()
    health = {name: Health(name) for name in sources}
    rows, counter_ah = Rows(), 0.0
    tags = {name: {"site": site, "battery": BATTERY, "instrument": name} for name in sources}
    text = "LabJack T7 470012345, firmware 1.03; current = 20 A/V * AIN2 +0 A"
    rows.add("event", {**tags["labjack"], "kind": "calibration"}, {"text": text}, begin_s)
    for number in count():
        second = number * pace.every_s
        now_s = begin_s + second
        clock.now = begin_s + second / pace.stretch
        seen = {name: source.snapshot() for name, source in sources.items()}
        away = OUTAGE[0] <= number < OUTAGE[1]
        if not away:
            u, i = seen["labjack"].battery_v, seen["labjack"].battery_a
            fields = {"voltage_v": u, "current_a": i, "power_w": u * i}
            rows.add("battery", tags["labjack"], fields, now_s)
        u, i = seen["load"].battery_v, seen["load"].load_a
        counter_ah += i * pace.every_s / 3600
        fields = {"voltage_v": u, "current_a": i, "power_w": u * i, "charge_ah": counter_ah}
        fields |= {"enabled": float(i > 0), "remote": 0.0, "mode": 2.0}
        rows.add("load", tags["load"], fields, now_s)
        for measurement, found in mapper.fields(firmware.values(seen["mppt"])).items():
            rows.add(measurement, tags["mppt"], found, now_s)
        if number == RESTARTED:
            health["mppt"] = Health("mppt")
        for name, unit in health.items():
            if away and name == "labjack":
                unit.went_down("no answer")
            else:
                unit.went_up()
                unit.readings_total += 1
                unit.duration_s = 0.01
            if second % MONITOR_S == 0:
                since = RESTARTED * (name == "mppt" and number >= RESTARTED) * pace.every_s
                rows.add("collector", _unit(site, name), _said(unit, second - since), now_s)
        if second % MONITOR_S == 0:
            rows.add("collector", _unit(site, "uploader-pi1"), _uploader(second), now_s)
            rows.add("collector", _unit(site, "wlan-pi1"), _wlan(), now_s)
        yield rows.lines
        rows = Rows()


def _unit(site: str, name: str) -> dict[str, str]:
    return {"site": site, "instrument": name}


def _said(unit: Health, uptime_s: float) -> dict[str, Any]:
    said = {**unit.fields(), "cpu_s": uptime_s * 0.002, "dropped_total": 0.0}
    return said | {"spool_bytes": 400.0, "spool_age_s": 1.2, "clock_synced": 1.0}


def _uploader(second: int) -> dict[str, float]:
    return {
        **dict.fromkeys(("undated_bytes", "quarantined_total", "quarantine_bytes"), 0.0),
        "up": 1.0,
        "spool_bytes": 1200.0,
        "spool_age_s": 1.5,
        "uploaded_total": 7.0 * second,
        "uploads_failed_total": 0.0,
        "dropped_total": 0.0,
        "clock_synced": 1.0,
        "memory_bytes": 20e6,
        "cpu_s": 0.01 * second,
        "disk_free_bytes": 20e9 - 1e4 * second,
        "disk_used_pct": 37.5,
        "cpu_temperature_c": 52.0,
    }


def _wlan() -> dict[str, float]:
    always = {"up": 1.0, "duration_s": 0.02, "errors_total": 0.0, "repairs_total": 0.0}
    return always | {"spool_bytes": 200.0, "spool_age_s": 1.0, "dropped_total": 0.0, "cpu_s": 1.0}


def config(pace: Pace = REAL, every_s: int = 86_400) -> Config:
    """Return tasks that run when they are asked to and, by default, hardly ever by themselves."""
    cell_s = 5 * pace.every_s
    return Config(
        influxdb=InfluxdbConfig(org="soclab"),
        coulomb=CoulombConfig(every_s=every_s, cell_s=cell_s, settle_s=5, late_window_s=600),
        rollup=RollupConfig(every_s=every_s),
        batteries=(
            BatteryConfig(
                name=BATTERY,
                site=SITE,
                instrument="labjack",
                capacity_ah=0.5 * pace.stretch,
                coulombic_efficiency=0.995,
                initial_soc_pct=80.0,
                initial_sigma_pct=3.0,
                max_gap_s=5 * pace.every_s,
                full=FullAnchor(voltage_v=14.15, tail_current_a=0.2, hold_s=6 * pace.every_s),
                empty=EmptyAnchor(voltage_v=11.2, current_a=0.5, hold_s=6 * pace.every_s),
            ),
        ),
    )


def fill(server: Influxd) -> float:
    """Write the lab's last minutes, let the tasks do their work; return when the minutes ended."""
    end_s = float(int(time.time()) - 2)
    lines = raw_lines(end_s)
    for start in range(0, len(lines), 20_000):
        server.write("\n".join(lines[start : start + 20_000]))
    with InfluxDBClient(
        server.url, server.admin_token, org=server.org, timeout=TASK_TIMEOUT_S * 1000
    ) as client:
        install(client, config())
    for task in server.request("GET", "/api/v2/tasks")["tasks"]:
        run_task(server, task["id"])
    server.write("\n".join(_other_methods(server)), "derived")
    return end_s


def run_task(server: Influxd, task_id: str) -> None:
    """Run a task now, in InfluxDB, and wait until it is written down that it did."""
    server.request("POST", f"/api/v2/tasks/{task_id}/runs")
    deadline = time.monotonic() + TASK_TIMEOUT_S
    done = f"""
        from(bucket: "_tasks") |> range(start: -1h)
            |> filter(fn: (r) => r._measurement == "runs" and r._field == "name")
            |> filter(fn: (r) => r.taskID == "{task_id}" and r.status == "success")
    """
    while time.monotonic() < deadline:
        if server.query(done):
            return
        time.sleep(0.2)
    runs = server.request("GET", f"/api/v2/tasks/{task_id}/runs")["runs"]
    raise RuntimeError(f"a task did not end well: {runs}")


def _other_methods(server: Influxd) -> Iterator[str]:
    """Yield rows of methods that no unit computes yet, as the contract has them."""
    counted = server.query(
        'from(bucket: "derived") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "soc"'
        ' and r.method == "coulomb" and r._field == "soc_pct")'
    )
    for method in METHODS:
        rows = Rows()
        tags = {"site": SITE, "battery": BATTERY, "method": method}
        for row in counted[::10]:
            soc = min(row["_value"] + 0.5, 100.0)
            fields = {"soc_pct": soc, "charge_ah": soc / 200, "sigma_pct": 1.5}
            rows.add("soc", tags, fields, row["_time"].timestamp())
        yield from rows.lines
