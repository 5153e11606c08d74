"""What a ``labjack_t7`` entry must fulfil beyond its types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from soclab_collectors.instruments.labjack_t7.config import Channel, LabJackT7Config

RANGES_V: Final = (10.0, 1.0, 0.1, 0.01)
MAX_SAMPLES_PER_S: Final = 100_000  # of a T7, at ±10 V and the lowest resolution
MAX_STREAM_RESOLUTION: Final = 8
MAX_STREAM_SETTLING_US: Final = 4400
MAX_BURST_SCANS: Final = 20_000  # what waits in memory before a trigger, and lines after it


def check(config: LabJackT7Config) -> None:
    """Raise ValueError("key: reason. remedy") for the first thing that cannot work."""
    if not config.channels:
        raise ValueError("channels: there is none. Add one for each sensor")
    inputs: set[int] = set()
    quantities: set[str] = set()
    for index, channel in enumerate(config.channels):
        try:
            _check_channel(channel, inputs, quantities)
        except ValueError as error:
            raise ValueError(f"channels[{index}].{error}") from error
    if config.mode == "stream":
        _check_stream(config)


def _check_channel(channel: Channel, inputs: set[int], quantities: set[str]) -> None:
    if channel.range_v not in RANGES_V:
        raise ValueError(
            f"range_v: a T7 has no range of {channel.range_v:g} V. Choose 10, 1, 0.1 or 0.01"
        )
    if channel.differential and channel.ain % 2:
        raise ValueError(
            f"differential: AIN{channel.ain} is odd, a pair starts at an even input. "
            f"Wire the sensor to AIN{channel.ain - 1} and AIN{channel.ain}"
        )
    used = {channel.ain, channel.ain + 1} if channel.differential else {channel.ain}
    if used & inputs:
        raise ValueError(
            f"ain: AIN{min(used & inputs)} is used by another channel. Give each its own input"
        )
    inputs |= used
    if channel.quantity in quantities:
        raise ValueError(
            f"quantity: {channel.quantity} is measured by another channel. "
            "Use one instrument entry and one T7 per battery"
        )
    quantities.add(channel.quantity)
    channel.transfer.check(channel.quantity, channel.range_v)


def _check_stream(config: LabJackT7Config) -> None:
    stream, first = config.stream, config.channels[0]
    samples_per_s = stream.scan_rate_hz * len(config.channels)
    if samples_per_s > MAX_SAMPLES_PER_S:
        raise ValueError(
            f"stream.scan_rate_hz: {samples_per_s:g} samples/s exceed the T7's "
            f"{MAX_SAMPLES_PER_S}. Sample more slowly or fewer channels"
        )
    for index, channel in enumerate(config.channels):
        where = f"channels[{index}]"
        if channel.resolution_index > MAX_STREAM_RESOLUTION:
            raise ValueError(
                f"{where}.resolution_index: stream mode ends at {MAX_STREAM_RESOLUTION}. "
                "Lower it or use command mode"
            )
        if channel.settling_us > MAX_STREAM_SETTLING_US:
            raise ValueError(
                f"{where}.settling_us: stream mode ends at {MAX_STREAM_SETTLING_US} µs. Lower it"
            )
        if channel.resolution_index != first.resolution_index:
            raise ValueError(
                f"{where}.resolution_index: a stream has one for all channels. Make them equal"
            )
        if channel.settling_us != first.settling_us:
            raise ValueError(
                f"{where}.settling_us: a stream has one for all channels. Make them equal"
            )
    if config.interval_s * stream.scan_rate_hz < 2:
        raise ValueError(
            "interval_s: it holds less than two scans. Lengthen it or raise stream.scan_rate_hz"
        )
    _check_trigger(config)


def _check_trigger(config: LabJackT7Config) -> None:
    trigger = config.stream.trigger
    if trigger is None:
        return
    if trigger.above is None and trigger.below is None:
        raise ValueError("stream.trigger: it has no threshold. Set above, below or both")
    if trigger.quantity not in {channel.quantity for channel in config.channels}:
        raise ValueError(
            f"stream.trigger.quantity: no channel measures {trigger.quantity}. Watch another one"
        )
    scans = (trigger.pre_s + trigger.post_s) * config.stream.scan_rate_hz
    if scans > MAX_BURST_SCANS:
        raise ValueError(
            f"stream.trigger.post_s: a burst would hold {scans:.0f} scans, more than "
            f"{MAX_BURST_SCANS}. Shorten pre_s or post_s"
        )
