"""Plays recordings through a wire into InfluxDB, and asks InfluxDB what it holds of them."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
from soclab_simulators.replay import PublishedReplay, create_timeline
from soclab_simulators.thingset import ThingSetSimulator
from soclab_simulators.wire.pty_port import PtyPort

from tests.pipeline.bench_lab import DeviceThread, UnitProgram, wait_until
from tests.pipeline.influxd import EVER

if TYPE_CHECKING:
    from pathlib import Path

    from soclab_services.config.model import BatteryConfig
    from soclab_simulators.replay import Recording
    from soclab_simulators.replay.timeline import Timeline

    from tests.pipeline.influxd import Influxd

# What a recording holds; a controller that publishes no more fits this many rows on the wire.
_PUBLISHED = {"Bat_V", "Bat_A", "ChgState", "Bat_degC"}
_ROWS_ON_THE_WAY = 32
_STALLED_S = 20.0


def play(recording: Recording, battery: BatteryConfig, influxdb: Influxd, folder: Path) -> float:
    """Play a recording through a charge controller's wire; return the seconds until stored."""
    port = PtyPort(folder / "serial" / "by-id" / "usb-Libre_Solar_MPPT")
    port.plug()
    timeline = create_timeline(
        folder / f"{battery.instrument}.timeline", recording.times_ns, math.inf
    )
    source = PublishedReplay(recording, timeline, port, _ROWS_ON_THE_WAY)
    controller = ThingSetSimulator(source, port, decimals=3, extra=("Bat_degC",))
    _publish_only(controller, _PUBLISHED)
    config = folder / "collectors.toml"
    config.write_text(
        f"""
        site = "{battery.site}"
        clock = {{ source = "replay", timeline_directory = "{folder}" }}
        spool = {{ directory = "{folder / "spool"}" }}
        uploader = {{ url = "{influxdb.url}", token_file = "{influxdb.write_token_file}" }}
        [[instruments]]
        name = "{battery.instrument}"
        kind = "thingset"
        battery = "{battery.name}"
        port = "{port.path}"
        """
    )
    started = time.monotonic()
    with DeviceThread(controller.run):
        unit = UnitProgram(config, battery.instrument)
        uploader = subprocess.Popen(
            [sys.executable, "-m", "soclab_collectors.uploader.main", "run", "--config", config],
            stderr=(folder / "uploader.log").open("wb"),
        )
        try:
            _wait_for_last_row(timeline, unit)
            time.sleep(0.1)  # the last row is taken; it is about to be in the spool
            assert unit.stop() == 0, unit.logged()
            spool = folder / "spool" / battery.instrument
            wait_until(lambda: not list(spool.glob("*.lp")), timeout_s=60)
        finally:
            uploader.terminate()
            uploader.wait()
    return time.monotonic() - started


def _publish_only(controller: ThingSetSimulator, wanted: set[str]) -> None:
    """Take values out of the published set, as generation A lets its users do."""
    listed = controller.device.process("?pub/serial/IDs") or ""
    for name in set(listed.split('"')[1::2]) - wanted:
        assert controller.device.process(f'-pub/serial/IDs "{name}"') == ":82 Deleted."


def _wait_for_last_row(timeline: Timeline, unit: UnitProgram) -> None:
    taken, since = -1, time.monotonic()
    while not timeline.finished:
        if timeline.cursor != taken:
            taken, since = timeline.cursor, time.monotonic()
        assert time.monotonic() - since < _STALLED_S, f"stuck at row {taken}: {unit.logged()}"
        time.sleep(0.05)


def stored(influxdb: Influxd, battery: str, measurement: str, field: str):
    """Return times (ns since 1970) and values that InfluxDB holds of one field, by time."""
    answer = influxdb.query_csv(
        f'from(bucket: "raw") |> {EVER}'
        f' |> filter(fn: (r) => r._measurement == "{measurement}" and r._field == "{field}"'
        f' and r.battery == "{battery}") |> keep(columns: ["_time", "_value"])'
    )
    table = pcsv.read_csv(answer)
    times = pc.cast(table["_time"], pa.timestamp("ns", "UTC"))
    return np.asarray(pc.cast(times, "int64")), np.asarray(table["_value"])
