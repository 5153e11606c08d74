"""Every sample around the moment when a quantity crosses a threshold."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from soclab_collectors.instruments.labjack_t7.command import FIELD
from soclab_collectors.instruments.labjack_t7.device import is_measured
from soclab_collectors.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from soclab_collectors.instruments.labjack_t7.config import Channel, TriggerConfig
    from soclab_collectors.instruments.labjack_t7.timebase import TimeBase
    from soclab_collectors.transports.t7_link import Column

_LOG = logging.getLogger(__name__)
_HOUR_S: Final = 3600


class BurstLimit:
    """Allows so many bursts within an hour, restarts of the stream notwithstanding."""

    def __init__(self, per_hour: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per_hour = per_hour
        self._monotonic = monotonic
        self._begun_s: deque[float] = deque()
        self.left_out = 0

    def allows(self) -> bool:
        """Tell whether one may begin now, and count it."""
        now_s = self._monotonic()
        while self._begun_s and self._begun_s[0] <= now_s - _HOUR_S:
            self._begun_s.popleft()
        if len(self._begun_s) < self._per_hour:
            self._begun_s.append(now_s)
            return True
        if not self.left_out:
            _LOG.warning("more than %d bursts within an hour: left out", self._per_hour)
        self.left_out += 1
        return False


class Bursts:
    """Keeps the recent past in memory and hands out what belongs to a burst.

    A trigger is a crossing: while the quantity stays beyond its threshold, no further burst
    begins.
    """

    def __init__(
        self,
        trigger: TriggerConfig,
        channels: Sequence[Channel],
        scan_rate_hz: float,
        timebase: TimeBase,
        limit: BurstLimit,
    ) -> None:
        self._channels = channels
        self._timebase = timebase
        self._pre_scans = round(trigger.pre_s * scan_rate_hz)
        self._post_scans = max(1, round(trigger.post_s * scan_rate_hz))
        self._limit = limit
        self._index = [c.quantity for c in channels].index(trigger.quantity)
        self._below_v, self._above_v = _limits_v(trigger, channels[self._index])
        self._armed = False  # armed by the first sample within the limits
        self._past: deque[tuple[int, Sequence[Column]]] = deque()
        self._end = 0
        self._origin_ns = 0

    def add(self, first_scan: int, columns: Sequence[Column]) -> Iterator[Reading]:
        """Take scans in and yield those that belong to a burst."""
        scans = len(columns[0].xs)
        start = 0
        while start < scans:
            if first_scan + start < self._end:  # within a burst
                stop = min(scans, self._end - first_scan)
                yield from self._readings(first_scan, columns, start, stop)
                self._watch(columns[self._index], start, stop)
                start = stop
                continue
            crossing = self._watch(columns[self._index], start, scans)
            if crossing is None:
                break
            if not self._limit.allows():
                start = crossing + 1
                continue
            self._origin_ns = self._timebase.origin_ns
            self._end = first_scan + crossing + self._post_scans
            yield from self._before(first_scan, columns, start, crossing)
            start = crossing
        self._keep(first_scan, columns, scans)

    def _watch(self, column: Column, start: int, stop: int) -> int | None:
        """Return the first crossing; afterwards armed says whether the last sample is within."""
        part = column.part(start, stop)
        ends = part.volts(min(part.xs)), part.volts(max(part.xs))
        if self._within(min(ends)) and self._within(max(ends)):
            self._armed = True
            return None
        for i, x in enumerate(part.xs):
            within = self._within(column.volts(x))
            if self._armed and not within:
                self._armed = False
                return start + i
            self._armed = within
        return None

    def _within(self, volts: float) -> bool:
        return self._below_v <= volts <= self._above_v

    def _before(
        self, first_scan: int, columns: Sequence[Column], start: int, crossing: int
    ) -> Iterator[Reading]:
        """Yield what was sampled before the crossing and was in no burst before."""
        oldest = first_scan + crossing - self._pre_scans
        for first, past in self._past:
            scans = len(past[0].xs)
            if first + scans > oldest:
                yield from self._readings(first, past, max(0, oldest - first), scans)
        self._past.clear()
        yield from self._readings(first_scan, columns, max(start, oldest - first_scan), crossing)

    def _keep(self, first_scan: int, columns: Sequence[Column], scans: int) -> None:
        start = max(0, self._end - first_scan)
        if start < scans and self._pre_scans:
            self._past.append((first_scan + start, [c.part(start, scans) for c in columns]))
        oldest = first_scan + scans - self._pre_scans
        while self._past and self._past[0][0] + len(self._past[0][1][0].xs) <= oldest:
            self._past.popleft()

    def _readings(
        self, first_scan: int, columns: Sequence[Column], start: int, stop: int
    ) -> Iterator[Reading]:
        for i in range(start, stop):
            fields: dict[str, float | str] = {}
            for channel, column in zip(self._channels, columns, strict=True):
                volts = column.volts(column.xs[i])
                if is_measured(volts, channel):
                    value = volts * channel.transfer.gain() + channel.transfer.offset()
                    fields[FIELD[channel.quantity]] = value
            if fields:
                stamp = self._timebase.stamp(first_scan + i, self._origin_ns)
                yield Reading("burst", fields, stamp)


def _limits_v(trigger: TriggerConfig, channel: Channel) -> tuple[float, float]:
    """Return the volts at the input between which nothing happens."""
    gain, offset = channel.transfer.gain(), channel.transfer.offset()
    low = float("-inf") if trigger.below is None else (trigger.below - offset) / gain
    high = float("inf") if trigger.above is None else (trigger.above - offset) / gain
    if gain < 0:
        low, high = (
            float("-inf") if trigger.above is None else high,
            float("inf") if trigger.below is None else low,
        )
    return low, high
