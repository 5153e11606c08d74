"""Scans get the times at which they were taken, whatever the network does."""

import itertools
import random

from soclab_collectors.instruments.labjack_t7.timebase import TimeBase
from soclab_collectors.reading import Stamp

RATE_HZ = 1000.0


def arrivals(timebase, seconds, drift=0.0, stalls=(), seed=1):
    """Deliver a packet every 0.25 s with jitter; return the worst error of any stamp in s."""
    jitter = random.Random(seed)
    worst = 0.0
    for n in range(1, round(seconds * 4)):
        scans = n * 250
        taken_s = scans / RATE_HZ * (1 + drift)
        late_s = jitter.uniform(0.0005, 0.02) + (1.5 if n in stalls else 0.0)
        timebase.arrived(scans, Stamp(round((taken_s + late_s) * 1e9)))
        if n > 8:
            worst = max(worst, abs(timebase.stamp(scans).time_ns / 1e9 - taken_s))
    return worst


def test_jitter_and_stalls_do_not_reach_the_stamps():
    assert arrivals(TimeBase(RATE_HZ), 120, stalls=range(100, 110)) < 0.008


def test_a_day_of_drifting_crystals_does_not_add_up():
    for drift in (50e-6, -50e-6):
        assert arrivals(TimeBase(RATE_HZ), 3600, drift) < 0.01  # 0.18 s without correction


def test_scans_keep_their_distance():
    timebase = TimeBase(RATE_HZ)
    timebase.arrived(1000, Stamp(10**18))
    times = [timebase.stamp(n).time_ns for n in range(990, 1001)]
    assert [b - a for a, b in itertools.pairwise(times)] == [1_000_000] * 10
    assert times[-1] == 10**18


def test_once_the_date_is_known_it_is_used_at_once():
    timebase = TimeBase(RATE_HZ)
    timebase.arrived(1000, Stamp(5_000_000_000, "boot"))
    assert timebase.stamp(1000) == Stamp(5_000_000_000, "boot")
    timebase.arrived(2000, Stamp(1_700_000_006_000_000_000))
    assert timebase.stamp(2000) == Stamp(1_700_000_006_000_000_000)
