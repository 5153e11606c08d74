"""Mean, lowest, highest and RMS of everything sampled within an interval, without numpy.

Sums run over raw counts in C loops of the interpreter; only the results become volts.
"""

from __future__ import annotations

import math
from operator import mul
from typing import TYPE_CHECKING

from soclab_collectors.instruments.labjack_t7.command import FIELD
from soclab_collectors.instruments.labjack_t7.device import is_measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soclab_collectors.instruments.labjack_t7.config import Channel
    from soclab_collectors.instruments.labjack_t7.invalid import InvalidValues
    from soclab_collectors.transports.t7_link import Column


class ChannelSums:
    """Sums of one channel's volts."""

    def __init__(self) -> None:
        self.total = 0.0
        self.squares = 0.0
        self.lowest = math.inf
        self.highest = -math.inf

    def add(self, column: Column) -> tuple[float, int]:
        """Take samples in; returns their plain sum and number."""
        xs, slope, centre = column
        n, plain = len(xs), sum(xs)
        self.total += slope * (plain - n * centre)
        # Σ(x - c)² = Σx² - 2cΣx + nc²
        self.squares += slope**2 * (sum(map(mul, xs, xs)) - 2 * centre * plain + n * centre**2)
        ends = column.volts(min(xs)), column.volts(max(xs))
        self.lowest = min(self.lowest, *ends)
        self.highest = max(self.highest, *ends)
        return plain, n


class Interval:
    """What was sampled since the interval began."""

    def __init__(self, channels: Sequence[Channel], invalid: InvalidValues) -> None:
        self._channels = channels
        self._invalid = invalid
        self._sums = [ChannelSums() for _ in channels]
        self._products = 0.0
        self.scans = 0

    def add(self, columns: Sequence[Column]) -> None:
        """Take scans in."""
        plain = [sums.add(column) for sums, column in zip(self._sums, columns, strict=True)]
        self.scans += plain[0][1]
        if len(columns) == 2:
            (sum_a, n), (sum_b, _) = plain
            a, b = columns
            # Σ(a - ca)(b - cb) = Σab - cbΣa - caΣb + n·ca·cb
            mixed = sum(map(mul, a.xs, b.xs))
            mixed += n * a.centre * b.centre - b.centre * sum_a - a.centre * sum_b
            self._products += a.slope * b.slope * mixed

    def fields(self) -> dict[str, float | str]:
        """Return the fields of the interval; a channel that clipped even once has none."""
        fields: dict[str, float | str] = {}
        for channel, sums in zip(self._channels, self._sums, strict=True):
            extreme = max(sums.lowest, sums.highest, key=abs)
            # NaN hides from min and max, not from a sum.
            if is_measured(extreme, channel) and math.isfinite(sums.total):
                self._invalid.good(channel.ain)
                self._put(fields, channel, sums)
            else:
                reason = f"{extreme:g} V is beyond ±{channel.limit_v():g} V"
                self._invalid.bad(channel.ain, reason)
        if "voltage_v" in fields and "current_a" in fields:
            fields["power_w"] = self._mean_product()
        return fields

    def _put(self, fields: dict[str, float | str], channel: Channel, sums: ChannelSums) -> None:
        gain, offset = channel.transfer.gain(), channel.transfer.offset()
        mean_v, mean_square_v2 = sums.total / self.scans, sums.squares / self.scans
        ends = sums.lowest * gain + offset, sums.highest * gain + offset
        # mean (gv + o)² = g²·mean v² + 2go·mean v + o²; rounding may leave it just below zero
        square = gain**2 * mean_square_v2 + 2 * gain * offset * mean_v + offset**2
        name = FIELD[channel.quantity]
        quantity, unit = name.split("_")
        fields[name] = mean_v * gain + offset
        fields[f"{quantity}_min_{unit}"] = min(ends)
        fields[f"{quantity}_max_{unit}"] = max(ends)
        fields[f"{quantity}_rms_{unit}"] = math.sqrt(max(0.0, square))

    def _mean_product(self) -> float:
        """Return the mean of voltage times current: not the product of the means."""
        (a, b), (sums_a, sums_b) = self._channels, self._sums
        gain_a, offset_a = a.transfer.gain(), a.transfer.offset()
        gain_b, offset_b = b.transfer.gain(), b.transfer.offset()
        n = self.scans
        # mean (ga·va + oa)(gb·vb + ob)
        return (
            gain_a * gain_b * self._products / n
            + gain_a * offset_b * sums_a.total / n
            + gain_b * offset_a * sums_b.total / n
            + offset_a * offset_b
        )
