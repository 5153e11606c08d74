"""The replay clock gives every row its recorded time, once."""

import math
import struct
import time

import pytest
from soclab_collectors.clock.replay import ReplayClock
from soclab_collectors.errors import ConfigError

TIMES_NS = [1_000, 2_000, 5_000, 9_000]


@pytest.fixture
def timeline(tmp_path):
    def write(speed: float = math.inf, cursor: int = 0):
        path = tmp_path / "x.timeline"
        path.write_bytes(
            b"SOCLABT1"
            + struct.pack("=qqd", len(TIMES_NS), cursor, speed)
            + struct.pack(f"={len(TIMES_NS)}q", *TIMES_NS)
        )
        return path

    return write


def test_published_rows_take_their_times_in_order(timeline):
    clock = ReplayClock(timeline())
    assert [clock.stamp().time_ns for _ in TIMES_NS] == TIMES_NS
    assert clock.now().time_ns == TIMES_NS[-1]


def test_now_does_not_take_a_row(timeline):
    clock = ReplayClock(timeline())
    clock.stamp()
    assert [clock.now().time_ns for _ in range(3)] == [1_000] * 3
    assert clock.stamp().time_ns == 2_000


def test_all_readings_of_one_poll_share_the_row(timeline):
    clock = ReplayClock(timeline())
    ticker = clock.ticker(1.0)
    for expected in TIMES_NS:
        assert ticker.wait() == 0
        assert [clock.stamp().time_ns for _ in range(3)] == [expected] * 3


def test_a_restart_goes_on_with_the_next_row(timeline):
    path = timeline()
    ReplayClock(path).stamp()
    assert ReplayClock(path).stamp().time_ns == 2_000


def test_speed_paces_polling(timeline):
    clock = ReplayClock(timeline(speed=8_000e-9 / 0.2))  # 8 µs of recording in 0.2 s
    ticker = clock.ticker(1.0)
    started = time.monotonic()
    for _ in TIMES_NS:
        ticker.wait()
    assert time.monotonic() - started >= 0.2


def test_no_timeline_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigError, match="Start the player first"):
        ReplayClock(tmp_path / "missing.timeline")
    (tmp_path / "other").write_bytes(b"something else, long enough to map")
    with pytest.raises(ConfigError, match="is no timeline"):
        ReplayClock(tmp_path / "other")
