"""The instrument: identified and set at every opening, then read in one of two modes."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from soclab_collectors.errors import BadReplyError
from soclab_collectors.instruments.labjack_t7.command import CommandReader
from soclab_collectors.instruments.labjack_t7.device import Identity, configure, identify
from soclab_collectors.instruments.labjack_t7.invalid import InvalidValues
from soclab_collectors.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soclab_collectors.clock import Clock
    from soclab_collectors.instruments.labjack_t7.config import LabJackT7Config
    from soclab_collectors.instruments.labjack_t7.stream import StreamReader
    from soclab_collectors.transports.t7_link import T7Link

_LOG = logging.getLogger(__name__)
_PROBE_S: Final = 3.0  # for a stream to get going


class LabJackT7:
    """See Instrument; ``link`` replaces the configured transport in tests."""

    def __init__(self, config: LabJackT7Config, clock: Clock, link: T7Link | None = None) -> None:
        self._config = config
        self._clock = clock
        self._link = link or _create_link(config)
        self._invalid = InvalidValues()
        self._command = CommandReader(self._link, config.channels, clock, self._invalid)
        self._stream: StreamReader | None = None
        if config.mode == "stream":
            from soclab_collectors.instruments.labjack_t7.stream import (  # noqa: PLC0415  memory
                StreamReader,
            )

            self._stream = StreamReader(self._link, config, clock, self._invalid)
        self.interval_s = None if self._stream else config.interval_s
        self._identity = Identity(0, "", pro=False)
        self._stream_calibration = ""
        self._announced = ""

    def open(self) -> None:
        """Connect, identify the T7, set its inputs and start the stream if there is one."""
        self._link.open()
        self._identity = identify(self._link)
        configure(self._link, self._config.channels, self._identity)
        if self._stream:
            self._stream_calibration = self._stream.start()
            if self._stream_calibration != "device":
                _LOG.warning(
                    "%s has no calibration constants: nominal ones are used, up to 0.1 %% off",
                    self._link.where,
                )

    def read(self) -> Sequence[Reading]:
        """Return the next readings, after an event that says with what they were measured."""
        readings = self._read()
        text = self._describe()
        if readings and text != self._announced:
            self._announced = text
            event = Reading("event", {"text": text}, readings[0].stamp, {"kind": "calibration"})
            return [event, *readings]
        return readings

    def probe(self) -> dict[str, str | float]:
        """Return identity, calibration dates and one value of each quantity."""
        found: dict[str, str | float] = {
            "device": "LabJack T7-Pro" if self._identity.pro else "LabJack T7",
            "serial_number": str(self._identity.serial),
            "firmware": self._identity.firmware,
            "mode": self._config.mode,
        }
        if self._stream:
            found["stream_calibration"] = self._stream_calibration
        for channel in self._config.channels:
            found[f"{channel.quantity}_calibrated"] = channel.transfer.calibration_date.isoformat()
        until = time.monotonic() + 2 * self._config.interval_s + _PROBE_S
        while time.monotonic() < until:
            for reading in self._read():
                if reading.measurement == "battery":
                    return found | dict(reading.fields)
        raise BadReplyError(f"{self._link.where}: no input can be measured")

    def counters(self) -> dict[str, float]:
        """Return what could not be measured or delivered, since the unit started."""
        counters = {"invalid_total": float(self._invalid.total)}
        if self._stream:
            counters["stream_skipped_total"] = float(self._stream.skipped_total)
        return counters

    def close(self) -> None:
        """Release the device."""
        self._link.close()

    def _read(self) -> list[Reading]:
        return self._stream.read() if self._stream else self._command.read()

    def _describe(self) -> str:
        parts = [f"LabJack T7 {self._identity.serial}, firmware {self._identity.firmware}"]
        for channel in self._config.channels:
            t = channel.transfer
            unit = "V" if channel.quantity == "voltage" else "A"
            parts.append(
                f"{channel.quantity} = {t.gain():.9g} {unit}/V * AIN{channel.ain}"
                f" {t.offset():+.9g} {unit}, calibrated {t.calibration_date}"
            )
        if self._stream:
            parts.append(f"samples converted with {self._stream_calibration} constants of the T7")
        return "; ".join(parts)


def _create_link(config: LabJackT7Config) -> T7Link:
    """Return the configured transport; the other one is not even imported."""
    from soclab_collectors.instruments.labjack_t7.config import LjmTransport  # noqa: PLC0415

    transport = config.transport
    if isinstance(transport, LjmTransport):
        from soclab_collectors.transports.ljm import LjmLink  # noqa: PLC0415  memory

        return LjmLink(transport.connection, transport.identifier)
    from soclab_collectors.transports.t7_modbus import T7Modbus  # noqa: PLC0415  memory

    return T7Modbus(transport.host, transport.port, transport.stream_port, transport.timeout_s)
