"""Settings of a ``labjack_t7`` instrument; ``checks.py`` refuses what no type can express."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct, field

from soclab_collectors.instruments.base import InstrumentConfig
from soclab_collectors.instruments.labjack_t7.transfer import AnyTransfer, Positive

if TYPE_CHECKING:
    from soclab_collectors.clock import Clock
    from soclab_collectors.instruments.base import Instrument

Quantity = Literal["voltage", "current"]
Port = Annotated[int, Meta(ge=1, le=65535)]


class ModbusTransport(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="modbus"
):
    """Ethernet or WiFi without any library of LabJack; WiFi has no stream mode."""

    host: str
    """Address of the T7."""
    port: Port = 502
    """Port for commands."""
    stream_port: Port = 702
    """Port on which the T7 sends its stream."""
    timeout_s: Annotated[float, Meta(gt=0, le=10)] = 2.0
    """How long an answer may take."""


class LjmTransport(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="ljm"
):
    """USB or network through LabJack's native library, which is installed apart."""

    connection: Literal["USB", "ETHERNET", "WIFI", "ANY"] = "USB"
    """How the T7 is connected."""
    identifier: str = "ANY"
    """Serial number, address or device name of the T7."""


class Channel(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One analog input and the sensor in front of it."""

    ain: Annotated[int, Meta(ge=0, le=13)]
    """Number of the analog input; the positive one of a differential pair."""
    quantity: Quantity
    """What the sensor measures."""
    transfer: AnyTransfer
    range_v: float = 10.0
    """Input range: 10, 1, 0.1 or 0.01."""
    resolution_index: Annotated[int, Meta(ge=0, le=12)] = 0
    """0 leaves it to the T7; 1 is fast, 8 is quiet, 9 to 12 exist on a T7-Pro only."""
    settling_us: Annotated[float, Meta(ge=0, le=50_000)] = 0.0
    """Time between switching to the input and measuring; 0 leaves it to the T7."""
    differential: bool = False
    """Measure against the next input instead of ground; needs an even ain."""

    def negative_ain(self) -> int:
        """Return the negative channel as the T7 names it (199 is ground)."""
        return self.ain + 1 if self.differential else 199

    def limit_v(self) -> float:
        """Return the volts beyond which a value is no measurement.

        A T7 is linear to about 1.01 times its range and clips somewhere above.
        """
        return min(self.range_v * 1.005, self.transfer.limit_v())


class TriggerConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keeps every sample around the moment when a quantity crosses a threshold."""

    quantity: Quantity
    """Which quantity is watched."""
    above: float | None = None
    """Trigger when it rises above this many volts or amperes."""
    below: float | None = None
    """Trigger when it falls below this many volts or amperes."""
    pre_s: Annotated[float, Meta(ge=0, le=60)] = 0.1
    """What is kept from before the crossing."""
    post_s: Annotated[float, Meta(gt=0, le=60)] = 0.4
    """What is kept from after it."""
    max_per_hour: Annotated[int, Meta(ge=1, le=3600)] = 10
    """Bursts beyond this are left out, so that storage stays bounded."""


class StreamConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Fast sampling, for mode = "stream"."""

    scan_rate_hz: Annotated[float, Meta(gt=0, le=100_000)] = 1000.0
    """How often per second every channel is sampled."""
    trigger: TriggerConfig | None = None


class LabJackT7Config(InstrumentConfig, frozen=True, tag="labjack_t7"):
    """A LabJack T7 with a voltage sensor, a current sensor or both."""

    transport: ModbusTransport | LjmTransport
    channels: list[Channel]
    interval_s: Positive = 1.0
    """Time between readings; in stream mode each one sums up this much time."""
    mode: Literal["command", "stream"] = "command"
    """Ask for every reading, or sample fast and send mean, lowest, highest and RMS."""
    stream: StreamConfig = field(default_factory=StreamConfig)

    def port(self) -> str:
        """Return what only one instrument may use."""
        if isinstance(self.transport, LjmTransport):
            return f"LJM {self.transport.connection} {self.transport.identifier}"
        return f"{self.transport.host}:{self.transport.port}"

    def validate(self) -> None:
        """Refuse what no type can express."""
        from soclab_collectors.instruments.labjack_t7.checks import (  # noqa: PLC0415  cycle
            check,
        )

        check(self)

    def create(self, clock: Clock) -> Instrument:
        """Return the instrument; no hardware is touched before ``open``."""
        from soclab_collectors.instruments.labjack_t7.instrument import (  # noqa: PLC0415  memory
            LabJackT7,
        )

        return LabJackT7(self, clock)
