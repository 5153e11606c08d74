"""No reading gets a date from a clock that lies: it waits for one, however long that takes."""

import itertools
import json
import time

import pytest
from soclab_collectors.clock.system import SystemClock, boot_id
from soclab_collectors.reading import Stamp
from soclab_collectors.spool import SpoolWriter
from soclab_collectors.uploader.main import main

from tests.pipeline.uploading import Bench, write_config

EARLIER_BOOT = "01234567-89ab-cdef-0123-456789abcdef"
_numbers = itertools.count()


@pytest.fixture
def name():
    return f"clock{next(_numbers)}"


@pytest.fixture
def sync_file(tmp_path):
    return tmp_path / "synchronized"


@pytest.fixture
def bench(influxdb, tmp_path, sync_file):
    """Return an uploader on a machine whose clock is right once ``sync_file`` exists."""
    clock = {"source": "file", "sync_file": str(sync_file)}
    config = write_config(tmp_path, influxdb.url, influxdb.write_token_file, clock=clock)
    return Bench(config, SystemClock("file", sync_file))


def times(influxdb, measurement):
    rows = influxdb.query(
        f'from(bucket: "raw") |> range(start: 1970-01-01T00:00:00Z)'
        f' |> filter(fn: (r) => r._measurement == "{measurement}") |> group()'
        ' |> sort(columns: ["_time"])'
    )
    return {row["_value"]: row["_time"].timestamp() for row in rows}


def synchronise(bench, sync_file):
    sync_file.touch()
    bench.clock._next_check = 0.0  # or wait for a second


def test_readings_wait_for_the_clock_and_then_get_the_time_at_which_they_were_taken(
    bench, influxdb, name, sync_file
):
    spool = SpoolWriter(bench.directory / "a", bench.config.spool)
    collector_clock = SystemClock("file", sync_file)
    taken = {}
    for number in range(6):
        if number == 4:
            bench.drain()
            assert influxdb.count("raw", name) == 0  # nothing before anybody knows the time
            synchronise(bench, sync_file)
            collector_clock._next_check = 0.0
        taken[number] = time.time()
        spool.append(f"{name} v={number}", collector_clock.stamp())
        time.sleep(0.1)
    spool.close()
    kinds = {name.rpartition(".")[2] for name in bench.segments("a")}
    assert kinds == {"boot", "lp"}  # the collector switched in the midst
    bench.drain()
    stored = times(influxdb, name)
    assert stored == {n: pytest.approx(t, abs=0.05) for n, t in taken.items()}
    assert bench.segments("a") == []


def test_a_boot_is_dated_once_so_that_what_is_sent_again_overwrites_itself(
    bench, influxdb, name, sync_file, monkeypatch
):
    stamp = Stamp(time.clock_gettime_ns(time.CLOCK_BOOTTIME), boot_id())
    bench.fill("a", [f"{name} v=1"], [stamp])
    segment = bench.directory / "a" / bench.segments("a")[0]
    content = segment.read_bytes()
    synchronise(bench, sync_file)
    bench.drain()
    segment.write_bytes(content)  # it died before it could delete it
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 86_400 * 10**9)  # and the clock was set
    bench.restart()
    bench.drain()
    assert (
        len(
            influxdb.query(
                f'from(bucket: "raw") |> range(start: 0, stop: 2100-01-01T00:00:00Z)'
                f' |> filter(fn: (r) => r._measurement == "{name}")'
            )
        )
        == 1
    )


def test_a_boot_whose_clock_was_never_right_is_kept_until_a_person_dates_it(
    bench, influxdb, name, sync_file, capsys
):
    config = ["--config", str(bench.config_path)]
    bench.fill(
        "a", [f"{name} v=1", f"{name} v=2"], [Stamp(s * 10**9, EARLIER_BOOT) for s in (5, 9)]
    )
    bench.fill("a", [f"{name} v=3"], [Stamp(1_790_000_000 * 10**9)])
    synchronise(bench, sync_file)  # today's clock says nothing of that boot
    bench.drain()
    assert times(influxdb, name) == {3: 1_790_000_000}  # nothing is guessed, nothing held up
    assert bench.segments("a") == [f"000000000001.{EARLIER_BOOT}.boot"]

    assert main(["status", "--json", *config]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["undated_boots"] == [EARLIER_BOOT]
    assert status["instruments"]["a"]["undated_bytes"] > 0
    assert main(["status", *config]) == 0
    assert f"soclab-uploader date {EARLIER_BOOT}" in capsys.readouterr().out

    other = "99999999-89ab-cdef-0123-456789abcdef"
    assert main(["date", other, "--started", "2026-01-01T00:00:00Z", *config]) == 65
    assert EARLIER_BOOT in capsys.readouterr().err
    with pytest.raises(SystemExit):  # a time without a zone is another lie
        main(["date", EARLIER_BOOT, "--started", "2026-01-01T00:00:00", *config])
    assert main(["date", EARLIER_BOOT, "--started", "2026-09-21T12:00:00Z", *config]) == 0
    bench.drain()
    started = 1_790_000_000 - 1_790_000_000 % 86_400 + 43_200
    assert times(influxdb, name) == {1: started + 5, 2: started + 9, 3: 1_790_000_000}
    assert bench.segments("a") == []
    assert main(["date", EARLIER_BOOT, "--started", "2026-09-22T12:00:00Z", *config]) == 65


def test_an_undated_line_without_time_is_not_given_the_time_of_its_arrival(
    bench, influxdb, name, sync_file
):
    folder = bench.directory / "a"
    folder.mkdir()
    (folder / f"000000000001.{boot_id()}.boot").write_text(f"{name} v=1 17\n{name} v=2\n")
    synchronise(bench, sync_file)
    bench.drain()
    assert list(times(influxdb, name)) == [1]
    assert [e.line.decode() for e in bench.quarantine.entries("a")] == [f"{name} v=2"]
