"""200 kill -9 across collector side, uploader and influxd under load: nothing lost, nothing twice.

Readings are counted by asking InfluxDB. Each is written by the ledger of its writer before it is
given to the spool (*intended*) and after the spool took it (*taken*). What is stored must lie
between the two, with the values that were intended; the two differ by at most one reading per kill
of that writer, whose last call was cut short. One of the instruments is a real unit, which knows
no ledger: what it accepted is what its archive holds, and each of its publications is unique.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pipeline.kill9_collector import Collector
from tests.pipeline.uploading import Program, wait_until, write_config

KILLS = 200
INSTRUMENTS = ("bms", "load")
LINES_PER_S = 400  # per instrument: as much as a lab of 800 instruments at 1 Hz
SEED = 20261121
# influxd takes longest to be back; it is killed less often, and not while it starts.
WEIGHTS = {"writer": 12, "uploader": 12, "influxd": 5}

# A program that was started a moment ago does not handle signals yet; systemd takes both for clean.
ENDED = (0, -signal.SIGTERM)

WRITER = Path(__file__).parent / "kill9_writer.py"


class Writer:
    """The collector side of one instrument, as a process with a ledger."""

    def __init__(self, config_path: Path, name: str) -> None:
        self.name = name
        self.ledger = config_path.parent / f"{name}.ledger"
        self._command = [sys.executable, str(WRITER), str(config_path), name, str(self.ledger)]
        self._command.append(str(LINES_PER_S))
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=20)

    def readings(self) -> tuple[dict[int, float], set[int]]:
        """Return value by time of what was intended, and the times of what was taken."""
        intended, taken = {}, set()
        for line in self.ledger.read_text().splitlines():
            sign, _, rest = line.partition(" ")
            if sign == "+":
                time_ns, _, value = rest.partition(" ")
                intended[int(time_ns)] = float(value)
            elif sign == "=":
                taken.add(int(rest))
        return intended, taken


def stored(influxdb, name: str) -> list[tuple[int, float]]:
    """Return time and value of every stored reading of an instrument."""
    answer = influxdb._http.request(
        "POST",
        f"{influxdb.url}/api/v2/query?org={influxdb.org}",
        headers={
            "Authorization": f"Token {influxdb.admin_token}",
            "Content-Type": "application/vnd.flux",
        },
        body=f'from(bucket: "raw") |> range(start: 0) |> filter(fn: (r) =>'
        f' r._measurement == "battery" and r.instrument == "{name}" and r._field == "voltage_v")'
        " |> map(fn: (r) => ({ns: int(v: r._time), v: r._value}))",
    )
    assert answer.status == 200, answer.data
    rows = [line.split(",") for line in answer.data.decode().split()]
    header = next(row for row in rows if "ns" in row)
    at, value = header.index("ns"), header.index("v")
    return [(int(r[at]), float(r[value])) for r in rows if len(r) > at and r[at] != "ns"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_200_kills_lose_and_duplicate_nothing(influxdb_factory, tmp_path, figure):
    chance = random.Random(SEED)
    influxdb = influxdb_factory()
    archive = tmp_path / "archive"
    config = write_config(
        tmp_path,
        influxdb.url,
        influxdb.write_token_file,
        spool={"archive_directory": str(archive)},
    )
    collector = Collector(config, archive)
    writers = [*(Writer(config, name) for name in INSTRUMENTS), collector]
    uploader = Program(config)
    kills = dict.fromkeys(WEIGHTS, 0)
    influxd_ready_at = time.monotonic() + 2.0
    started = time.monotonic()
    while sum(kills.values()) < KILLS:
        time.sleep(chance.uniform(0.02, 0.5))
        victim = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if victim == "influxd" and time.monotonic() < influxd_ready_at:
            victim = "uploader"
        if victim == "influxd":
            influxdb.kill()
            influxdb.start(wait=False)
            influxd_ready_at = time.monotonic() + 3.0
        else:
            process = uploader if victim == "uploader" else chance.choice(writers)
            assert process.process.poll() is None, f"the {victim} had ended by itself"
            process.kill()
            process.start()
        kills[victim] += 1
    under_load_s = time.monotonic() - started
    assert all(writer.stop() in ENDED for writer in writers)
    influxdb.wait_ready()
    folders = [tmp_path / "spool" / writer.name for writer in writers]
    drained_s = wait_until(
        lambda: not any(any(folder.iterdir()) for folder in folders), 60, "the spool is empty"
    )
    assert uploader.stop() in ENDED
    total = 0
    for writer in writers:
        intended, taken = writer.readings()
        rows = stored(influxdb, writer.name)
        found = dict(rows)
        assert len(rows) == len(found), "a reading is stored twice"
        assert taken - found.keys() == set(), "a reading is lost"
        assert found.keys() - intended.keys() == set(), "a reading is stored that nobody took"
        assert {t: intended[t] for t in found} == found, "a value is not what was read"
        assert len(intended) - len(taken) <= kills["writer"]
        assert len(found) > KILLS, f"{writer.name} was hardly under load"
        total += len(found)
    uptimes = influxdb.query(
        'from(bucket: "raw") |> range(start: 0) |> filter(fn: (r) => r._field == "uptime_s")'
    )
    published = [row["_value"] for row in uptimes]
    assert len(published) == len(set(published)), "a publication is stored twice"
    assert not (tmp_path / "spool/_quarantine").exists()
    assert total > 10 * KILLS  # there was load
    figure(
        f"kill -9: {kills} in {under_load_s:.0f} s; {total} readings stored exactly once,"
        f" {total / under_load_s:.0f}/s; spool empty {drained_s:.1f} s after the end"
    )
