"""Stream mode: fast samples become one reading per interval, and bursts around triggers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from soclab_collectors.errors import UnavailableError
from soclab_collectors.instruments.labjack_t7.burst import BurstLimit, Bursts
from soclab_collectors.instruments.labjack_t7.device import SettingsLostError, read_inputs
from soclab_collectors.instruments.labjack_t7.interval import Interval
from soclab_collectors.instruments.labjack_t7.timebase import TimeBase
from soclab_collectors.reading import Reading
from soclab_collectors.transports.t7_link import StreamPlan

if TYPE_CHECKING:
    from soclab_collectors.clock import Clock
    from soclab_collectors.instruments.labjack_t7.config import LabJackT7Config
    from soclab_collectors.instruments.labjack_t7.invalid import InvalidValues
    from soclab_collectors.transports.t7_link import Block, T7Link

# Packets are few (processor time) but no sample waits longer than this in the T7.
_LATENCY_S: Final = 0.25
# An interval of which less was sampled says too little about the whole of it.
_LEAST_PART: Final = 0.5
# ``read`` comes back after this, so that the unit can feed its watchdog.
_READ_S: Final = 1.0
_STALLED_S: Final = 5.0


class StreamReader:
    """Runs a stream; ``skipped_total`` counts scans that the T7 could not deliver."""

    def __init__(
        self, link: T7Link, config: LabJackT7Config, clock: Clock, invalid: InvalidValues
    ) -> None:
        self._link = link
        self._config = config
        self._channels = config.channels
        self._clock = clock
        self._invalid = invalid
        self.skipped_total = 0
        self._scan = 0
        trigger = config.stream.trigger
        self._burst_limit = BurstLimit(trigger.max_per_hour) if trigger else None

    def start(self) -> str:
        """Start the stream and return whose calibration it uses.

        While a stream runs, the T7 refuses changes to its inputs and a restart ends the
        connection: verifying the settings once, here, covers every sample.
        """
        try:
            read_inputs(self._link, self._channels)
        except SettingsLostError as error:
            raise UnavailableError(str(error)) from error
        first = self._channels[0]
        started = self._link.start_stream(
            StreamPlan(
                tuple(channel.ain for channel in self._channels),
                tuple(channel.range_v for channel in self._channels),
                self._config.stream.scan_rate_hz,
                first.resolution_index,
                first.settling_us,
                min(_LATENCY_S, self._config.interval_s),
            )
        )
        rate_hz = started.scan_rate_hz
        self._scan = 0
        self._number = 0
        self._scans_per_interval = max(1, round(self._config.interval_s * rate_hz))
        self._interval = Interval(self._channels, self._invalid)
        self._timebase = TimeBase(rate_hz)
        trigger = self._config.stream.trigger
        self._bursts: Bursts | None = None
        if trigger and self._burst_limit:
            self._bursts = Bursts(
                trigger, self._channels, rate_hz, self._timebase, self._burst_limit
            )
        self._last_block = time.monotonic()
        return started.calibration

    def read(self) -> list[Reading]:
        """Return what was completed within about a second, perhaps nothing."""
        until = time.monotonic() + _READ_S
        readings: list[Reading] = []
        while not readings and time.monotonic() < until:
            blocks = self._link.read_stream()
            now = time.monotonic()
            if blocks:
                self._last_block = now
                arrived = self._scan + sum(block.skipped + block.scans for block in blocks)
                self._timebase.arrived(arrived, self._clock.stamp())
            elif now - self._last_block > _STALLED_S:
                raise UnavailableError(f"{self._link.where}: no scan for {_STALLED_S:g} s")
            for block in blocks:
                self._take(block, readings)
        return readings

    def _take(self, block: Block, readings: list[Reading]) -> None:
        self.skipped_total += block.skipped
        self._scan += block.skipped
        if self._bursts and block.scans:
            readings.extend(self._bursts.add(self._scan, block.columns))
        start = 0
        while start < block.scans:
            number = self._scan // self._scans_per_interval
            if number != self._number:
                self._finish(readings)
                self._number = number
            left = (number + 1) * self._scans_per_interval - self._scan
            stop = min(block.scans, start + left)
            self._interval.add([column.part(start, stop) for column in block.columns])
            self._scan += stop - start
            start = stop
        if self._scan // self._scans_per_interval != self._number:
            self._finish(readings)
            self._number = self._scan // self._scans_per_interval

    def _finish(self, readings: list[Reading]) -> None:
        """Append the reading of the interval that has passed, if it was sampled."""
        interval, self._interval = self._interval, Interval(self._channels, self._invalid)
        if interval.scans < _LEAST_PART * self._scans_per_interval:
            return
        fields = interval.fields()
        if not fields:
            return  # counted and logged where it was found out
        # A mean stands for the middle of its interval: integrals over time come out right.
        middle = (self._number + 0.5) * self._scans_per_interval
        readings.append(Reading("battery", fields, self._timebase.stamp(middle)))
