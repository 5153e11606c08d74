"""The player writes what the clock of the collector reads, each with code of its own."""

import asyncio
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from soclab_collectors.clock.replay import ReplayClock
from soclab_simulators.replay import PolledReplay, Timeline, create_timeline, read_recording

TIMES_NS = np.array([1_000, 2_000, 5_000], dtype=np.int64)


def test_both_sides_agree(tmp_path):
    path = tmp_path / "deep" / "mppt.timeline"
    timeline = create_timeline(path, TIMES_NS, math.inf)
    clock = ReplayClock(path)
    for taken, time_ns in enumerate(TIMES_NS.tolist()):
        assert (timeline.cursor, timeline.finished) == (taken, False)
        assert clock.stamp().time_ns == time_ns
    assert timeline.finished
    assert (timeline.rows, timeline.speed) == (3, math.inf)


def test_what_is_no_timeline_is_refused(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"x" * 64)
    with pytest.raises(ValueError, match="is no timeline"):
        Timeline(path)


def test_a_polled_device_shows_the_row_of_the_last_tick(tmp_path):
    columns = {"t_unix": [1, 2, 3], "I_mA": [10, 20, 30], "V_mV": [1000, 2000, 3000]}
    pq.write_table(pa.table(columns), tmp_path / "r.parquet")
    recording = read_recording(tmp_path / "r.parquet")
    path = tmp_path / "load.timeline"
    source = PolledReplay(recording, create_timeline(path, recording.times_ns, math.inf))
    assert source.snapshot().battery_v == 1.0  # asked before the first tick
    clock = ReplayClock(path)
    ticker = clock.ticker(1.0)
    for volt in (1.0, 2.0, 3.0):
        ticker.wait()
        assert source.snapshot().battery_v == volt
        assert clock.stamp().time_ns == volt * 1e9


def test_a_polled_device_does_not_publish(tmp_path):
    timeline = create_timeline(tmp_path / "t", TIMES_NS, 1.0)
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(PolledReplay(None, timeline).publication(), 0.01))
