"""Stream mode against the simulated T7 over TCP."""

from __future__ import annotations

import itertools
import math
import time
from typing import TYPE_CHECKING

import pytest
from soclab_collectors.clock.system import SystemClock
from soclab_collectors.errors import BadReplyError, ConfigError, UnavailableError
from soclab_collectors.instruments.labjack_t7.instrument import LabJackT7
from soclab_simulators.labjack_t7 import Wiring
from soclab_simulators.source import Snapshot

from tests.protocol.labjack_t7.support import CURRENT, VOLTAGE, Battery, Bench, bench

if TYPE_CHECKING:
    from collections.abc import Callable

    from soclab_collectors.reading import Reading

RATE_HZ = 2000.0
STREAM = {"mode": "stream", "interval_s": 0.1, "stream": {"scan_rate_hz": RATE_HZ}}


class Ramp(Battery):
    """Voltage and current say what time it is, so that stamps can be checked against values."""

    def __init__(self) -> None:
        super().__init__()
        self.zero_s = time.time()

    def snapshot(self) -> Snapshot:
        age = time.time() - self.zero_s
        return Snapshot(age, battery_v=age, battery_a=-age)


def opened(t7: Bench, **changes) -> LabJackT7:
    labjack = LabJackT7(t7.config(**(STREAM | changes)), SystemClock("trusted"))
    labjack.open()
    return labjack


def collect(labjack: LabJackT7, enough: Callable[[list[Reading]], bool]) -> list[Reading]:
    readings: list[Reading] = []
    until = time.monotonic() + 10
    while not enough(readings):
        assert time.monotonic() < until, f"only {readings}"
        readings += labjack.read()
    return readings


def intervals(readings: list[Reading]) -> list[Reading]:
    return [r for r in readings if r.measurement == "battery"]


def test_intervals_of_a_steady_battery():
    with bench(Battery(12.5, -5.0), wiring=Wiring(noise_v=0.002)) as t7:
        labjack = opened(t7)
        found = intervals(collect(labjack, lambda r: len(intervals(r)) >= 10))
        labjack.close()
    for reading in found:
        f = reading.fields
        # 200 samples of 2 mV noise, twice that at the battery; counts of 0.6 mV there
        assert f["voltage_v"] == pytest.approx(12.5, abs=5e-3)
        assert f["current_a"] == pytest.approx(-5.0, abs=1e-2)
        assert f["voltage_min_v"] < f["voltage_v"] < f["voltage_max_v"]
        assert f["voltage_rms_v"] == pytest.approx(math.hypot(f["voltage_v"], 0.004), abs=1e-3)
        assert f["current_rms_a"] == pytest.approx(5.0, abs=1e-2)
        assert f["power_w"] == pytest.approx(-62.5, abs=0.2)
    steps = [b.stamp.time_ns - a.stamp.time_ns for a, b in itertools.pairwise(found)]
    assert all(abs(step / 1e9 - 0.1) < 0.02 for step in steps)
    assert abs(sum(steps) / len(steps) / 1e9 - 0.1) < 0.005


def test_a_mean_is_stamped_with_the_middle_of_its_interval():
    ramp = Ramp()
    with bench(ramp) as t7:
        labjack = opened(t7)
        found = intervals(collect(labjack, lambda r: len(intervals(r)) >= 12))[2:]
        labjack.close()
    for reading in found:
        taken = ramp.zero_s + reading.fields["voltage_v"]
        assert reading.stamp.time_ns / 1e9 == pytest.approx(taken, abs=0.06)


def test_bursts_hold_every_sample_with_its_time():
    ramp = Ramp()
    trigger = {"quantity": "voltage", "above": 0.8, "pre_s": 0.05, "post_s": 0.1}
    with bench(ramp) as t7:
        ramp.zero_s = time.time()
        labjack = opened(t7, stream={"scan_rate_hz": RATE_HZ, "trigger": trigger})
        scans = round(0.15 * RATE_HZ)
        done = collect(labjack, lambda r: sum(x.measurement == "burst" for x in r) >= scans) + list(
            labjack.read()
        )
        labjack.close()
    burst = [r for r in done if r.measurement == "burst"]
    assert len(burst) == scans  # one crossing, one burst
    times = [r.stamp.time_ns for r in burst]
    assert {b - a for a, b in itertools.pairwise(times)} == {round(1e9 / RATE_HZ)}
    volts = [r.fields["voltage_v"] for r in burst]
    trigger_at = round(0.05 * RATE_HZ)
    assert max(volts[:trigger_at]) <= 0.8 < volts[trigger_at]
    for t, v in zip(times, volts, strict=True):
        assert t / 1e9 == pytest.approx(ramp.zero_s + v, abs=0.06)


def test_skipped_scans_are_counted_and_time_goes_on():
    ramp = Ramp()
    with bench(ramp) as t7:
        labjack = opened(t7)
        found = intervals(collect(labjack, lambda r: len(intervals(r)) >= 3))
        t7.do(t7.simulator.stream.hold, round(0.3 * RATE_HZ))
        found += intervals(collect(labjack, lambda r: len(intervals(r)) >= 8))
        skipped = labjack.counters()["stream_skipped_total"]
        labjack.close()
    assert skipped == pytest.approx(0.3 * RATE_HZ, abs=0.11 * RATE_HZ)  # whole packets
    steps = [(b.stamp.time_ns - a.stamp.time_ns) / 1e9 for a, b in itertools.pairwise(found)]
    assert max(steps) > 0.25  # a hole, not a reading made up
    for reading in found:
        taken = ramp.zero_s + reading.fields["voltage_v"]
        assert reading.stamp.time_ns / 1e9 == pytest.approx(taken, abs=0.06)


@pytest.mark.parametrize(
    ("status", "says"), [(2942, "scans overlap"), (2943, "lost count"), (2945, "buffer was full")]
)
def test_a_stream_that_ends_is_started_again(status, says):
    with bench(Battery()) as t7:
        labjack = opened(t7)
        collect(labjack, intervals)
        t7.do(setattr, t7.simulator.stream, "end_with", status)
        with pytest.raises(UnavailableError, match=says):
            collect(labjack, lambda _: False)
        labjack.close()
        labjack.open()
        assert intervals(collect(labjack, intervals))
        labjack.close()


@pytest.mark.parametrize("misfortune", ["power_cycle", "drop_connections"])
def test_power_cycle_and_dropped_connection_are_absences(misfortune):
    with bench(Battery()) as t7:
        labjack = opened(t7)
        collect(labjack, intervals)
        t7.do(getattr(t7.simulator, misfortune))
        with pytest.raises(UnavailableError):
            collect(labjack, lambda _: False)
        labjack.close()
        labjack.open()
        found = intervals(collect(labjack, intervals))
        assert found[0].fields["voltage_v"] == pytest.approx(12.5, abs=1e-3)
        labjack.close()


def test_a_silent_stream_is_an_absence():
    with bench(Battery()) as t7:
        labjack = opened(t7)
        collect(labjack, intervals)
        t7.do(t7.simulator.stream.stop)
        with pytest.raises(UnavailableError, match=r"nothing arrived for"):
            collect(labjack, lambda _: False)
        labjack.close()


def test_garbage_ends_the_stream_before_it_becomes_a_number():
    with bench(Battery()) as t7:
        labjack = opened(t7)
        collect(labjack, intervals)
        t7.do(t7.simulator.send_stream, b"\x00\x01" * 40)
        with pytest.raises(BadReplyError, match="stream"):
            collect(labjack, lambda _: False)
        with pytest.raises(UnavailableError, match="not running"):
            labjack.read()
        labjack.close()
        labjack.open()
        assert intervals(collect(labjack, intervals))
        labjack.close()


def test_a_channel_that_clips_within_an_interval_has_no_mean():
    battery = Battery(12.5, -5.0)
    with bench(battery) as t7:
        labjack = opened(t7)
        collect(labjack, intervals)
        battery.amperes = 90.0
        time.sleep(0.3)
        battery.amperes = -5.0
        found = intervals(collect(labjack, lambda r: len(intervals(r)) >= 8))
        invalid = labjack.counters()["invalid_total"]
        labjack.close()
    without = [r for r in found if "current_a" not in r.fields]
    assert len(without) == invalid >= 3
    assert all(r.fields["voltage_v"] == pytest.approx(12.5, abs=1e-3) for r in found)
    assert all(
        r.fields["current_a"] == pytest.approx(-5.0, abs=1e-2)
        for r in found
        if "current_a" in r.fields
    )


def test_a_probe_says_that_nothing_can_be_measured():
    with bench(Battery(12.5, amperes=90.0)) as t7:
        labjack = opened(t7, channels=[CURRENT])
        with pytest.raises(BadReplyError, match="no input can be measured"):
            labjack.probe()
        assert labjack.counters()["invalid_total"] > 10
        labjack.close()


def test_a_device_without_constants_is_flagged(caplog):
    with bench(Battery(), calibrated=False) as t7:
        labjack = opened(t7)
        assert labjack.probe()["stream_calibration"] == "nominal"
        event = next(r for r in collect(labjack, intervals) if r.measurement == "event")
        labjack.close()
    assert "nominal constants" in event.fields["text"]
    assert "no calibration constants" in caplog.text


def test_both_signs_through_the_two_slopes_of_a_device():
    """The slopes of this device differ by 0.1 %: a mean across zero needs both."""
    battery = Battery(12.5, 0.0)
    with bench(battery, wiring=Wiring(noise_v=0.5)) as t7:
        labjack = opened(t7, channels=[CURRENT], interval_s=1.0)
        (reading, *_) = intervals(collect(labjack, intervals))
        labjack.close()
    f = reading.fields
    assert f["current_min_a"] < -10 < 10 < f["current_max_a"]
    assert f["current_a"] == pytest.approx(0.0, abs=5 * 5.0 / math.sqrt(2000))
    assert f["current_rms_a"] == pytest.approx(5.0, rel=0.1)


def test_too_fast_for_the_device():
    fast = {"scan_rate_hz": 60_000.0}  # as if validation had let it pass
    refused = pytest.raises(ConfigError, match=r"stream\.scan_rate_hz: too fast")
    with bench(Battery()) as t7, refused:
        opened(t7, stream=fast, channels=[CURRENT, VOLTAGE])
