"""Bursts, however the stream is cut into blocks, are what a look at all samples would find."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from soclab_collectors.instruments.labjack_t7.burst import BurstLimit, Bursts
from soclab_collectors.instruments.labjack_t7.timebase import TimeBase
from soclab_collectors.reading import Stamp
from soclab_collectors.transports.t7_link import Column

from tests.protocol.labjack_t7.support import CURRENT, VOLTAGE, t7_config

RATE_HZ = 1000.0


def bursts(trigger: dict, channels=(VOLTAGE,), limit: BurstLimit | None = None) -> Bursts:
    stream = {"scan_rate_hz": RATE_HZ, "trigger": {"quantity": "voltage"} | trigger}
    config = t7_config(mode="stream", stream=stream, channels=list(channels))
    timebase = TimeBase(RATE_HZ)
    timebase.arrived(0, Stamp(0))  # scan n is taken at n milliseconds
    limit = limit or BurstLimit(config.stream.trigger.max_per_hour)
    return Bursts(config.stream.trigger, config.channels, RATE_HZ, timebase, limit)


def run(kept: Bursts, samples: list[float], cuts: list[int]) -> list[tuple[int, float]]:
    """Return scan and volts at the battery (twice the input) of everything kept."""
    found = []
    edges = sorted({0, len(samples), *(c for c in cuts if c < len(samples))})
    for start, stop in itertools.pairwise(edges):
        for reading in kept.add(start, [Column(samples[start:stop], 1.0, 0.0)]):
            assert reading.measurement == "burst"
            found.append((reading.stamp.time_ns // 1_000_000, reading.fields["voltage_v"]))
    return found


def plain(samples: list[float], above: float, below: float, pre: int, post: int, most: int):
    """Return the same by looking at every sample in turn."""
    keep, armed, end, taken, count = set(), False, 0, 0, 0
    for n, sample in enumerate(samples):
        within = below <= 2 * sample <= above
        if n >= end and armed and not within and count < most:
            count += 1
            end = n + post
            keep |= set(range(max(0, n - pre, taken), min(end, len(samples))))
            taken = end
        armed = within
    return [(n, 2 * samples[n]) for n in sorted(keep)]


@settings(deadline=None)  # other work on the machine is no failure
@given(
    samples=st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.0]), min_size=1, max_size=80),
    cuts=st.lists(st.integers(1, 79), max_size=10),
    pre=st.integers(0, 12),
    post=st.integers(1, 12),
    most=st.integers(1, 4),
)
def test_cuts_between_blocks_make_no_difference(samples, cuts, pre, post, most):
    kept = bursts(
        {
            "above": 7.0,
            "below": 3.0,
            "pre_s": pre / RATE_HZ,
            "post_s": post / RATE_HZ,
            "max_per_hour": most,
        }
    )
    assert run(kept, samples, cuts) == plain(samples, 7.0, 3.0, pre, post, most)


def test_silence_below_the_threshold():
    kept = bursts({"above": 7.0})
    assert run(kept, [3.4, 3.5] * 5000, list(range(0, 10_000, 256))) == []


def test_a_quantity_that_starts_beyond_its_threshold_has_not_crossed_it():
    assert run(bursts({"above": 5.0}), [4.0] * 1000, [256, 512]) == []


def test_the_limit_per_hour_ends_with_the_hour_and_not_with_the_stream(caplog):
    now_s = 0.0
    limit = BurstLimit(1, lambda: now_s)
    trigger = {"above": 5.0, "pre_s": 0.0, "post_s": 0.001}
    column = Column([1.0, 4.0], 1.0, 0.0)
    assert len(list(bursts(trigger, limit=limit).add(0, [column]))) == 1
    assert list(bursts(trigger, limit=limit).add(0, [column])) == []  # the stream began anew
    now_s = 3599.0
    assert list(bursts(trigger, limit=limit).add(0, [column])) == []
    now_s = 3600.0
    assert len(list(bursts(trigger, limit=limit).add(0, [column]))) == 1
    assert limit.left_out == 2
    assert caplog.text.count("left out") == 1


def test_a_negative_gain_turns_the_limits():
    lem = CURRENT["transfer"] | {"direction": -1}
    trigger = {"quantity": "current", "above": 20.0}
    kept = bursts(trigger, [CURRENT | {"transfer": lem}])
    # -3 V at the input are 30 A
    found = list(kept.add(0, [Column([0.0, 3.0, 0.0, -3.0], 1.0, 0.0)]))
    assert [r.fields["current_a"] for r in found] == [0.0, -30.0, 0.0, 30.0]
    assert [r.stamp.time_ns for r in found] == [0, 1_000_000, 2_000_000, 3_000_000]


def test_samples_that_are_no_measurements_are_left_out_of_a_burst():
    kept = bursts({"above": 16.0, "pre_s": 0.01, "post_s": 0.01})
    found = list(kept.add(0, [Column([6.0, 9.0, 10.2, 9.5], 1.0, 0.0)]))
    assert [r.fields["voltage_v"] for r in found] == [12.0, 18.0, 19.0]
    assert [r.stamp.time_ns for r in found] == [0, 1_000_000, 3_000_000]
