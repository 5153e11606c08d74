"""Sampling does not drift and late readings are not invented."""

import math

from hypothesis import given
from hypothesis import strategies as st
from soclab_collectors.clock.deadline import SLACK, DeadlineTicker


class FakeTime:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@given(
    st.floats(0.05, 60.0),
    st.lists(st.floats(0.0, 5.0), min_size=1, max_size=50),
)
def test_every_tick_is_on_the_grid_and_the_skipped_ones_are_counted(interval_s, reading_takes):
    time = FakeTime()
    ticker = DeadlineTicker(interval_s, time.monotonic, time.sleep)
    grid_index = -1
    for takes in reading_takes:
        missed = ticker.wait()
        position = (time.now - 1000.0) / interval_s
        grid_index += missed + 1
        assert -1e-6 <= position - grid_index <= SLACK + 1e-6
        time.now += takes * interval_s
    assert grid_index <= sum(math.ceil(t) + 1 for t in reading_takes)


def test_a_fast_reader_never_drifts():
    time = FakeTime()
    ticker = DeadlineTicker(0.1, time.monotonic, time.sleep)
    for _ in range(36_000):
        assert ticker.wait() == 0
        time.now += 0.03
    assert abs(time.now - (1000.0 + 35_999 * 0.1 + 0.03)) < 1e-6


def test_a_reading_that_takes_exactly_an_interval_skips_nothing():
    time = FakeTime()
    ticker = DeadlineTicker(1.0, time.monotonic, time.sleep)
    for _ in range(100):
        assert ticker.wait() == 0
        time.now += 1.0005


def test_a_stall_is_skipped_over_not_caught_up():
    time = FakeTime()
    ticker = DeadlineTicker(1.0, time.monotonic, time.sleep)
    assert ticker.wait() == 0
    time.now += 10.5
    assert ticker.wait() == 10
    assert time.now == 1011.0
