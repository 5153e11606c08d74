"""Command-response mode: one command, one reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soclab_collectors.errors import BadReplyError, UnavailableError
from soclab_collectors.instruments.labjack_t7.device import (
    SettingsLostError,
    is_measured,
    read_inputs,
)
from soclab_collectors.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soclab_collectors.clock import Clock
    from soclab_collectors.instruments.labjack_t7.config import Channel
    from soclab_collectors.instruments.labjack_t7.invalid import InvalidValues
    from soclab_collectors.transports.t7_link import T7Link

FIELD = {"voltage": "voltage_v", "current": "current_a"}


class CommandReader:
    """Asks for every reading."""

    def __init__(
        self, link: T7Link, channels: Sequence[Channel], clock: Clock, invalid: InvalidValues
    ) -> None:
        self._link = link
        self._channels = channels
        self._clock = clock
        self._invalid = invalid

    def read(self) -> list[Reading]:
        """Return one reading with every quantity that could be measured."""
        try:
            volts = read_inputs(self._link, self._channels)
        except SettingsLostError as error:
            raise UnavailableError(f"{error}; setting it up again") from error
        stamp = self._clock.stamp()
        fields: dict[str, float | str] = {}
        for channel, value in zip(self._channels, volts, strict=True):
            if is_measured(value, channel):
                fields[FIELD[channel.quantity]] = (
                    value * channel.transfer.gain() + channel.transfer.offset()
                )
                self._invalid.good(channel.ain)
            else:
                self._invalid.bad(channel.ain, f"{value:g} V is beyond ±{channel.limit_v():g} V")
        if not fields:
            raise BadReplyError(f"{self._link.where}: no input can be measured: {volts} V")
        if len(fields) > 1:
            fields["power_w"] = float(fields["voltage_v"]) * float(fields["current_a"])
        return [Reading("battery", fields, stamp)]
