"""Settings of a ``thingset`` instrument."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta, field

from soclab_collectors.instruments.base import InstrumentConfig
from soclab_collectors.instruments.serial_port import check_serial_port

if TYPE_CHECKING:
    from soclab_collectors.clock import Clock
    from soclab_collectors.instruments.thingset.instrument import ThingSetInstrument

Positive = Annotated[float, Meta(gt=0)]
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)?")


class ThingSetConfig(InstrumentConfig, frozen=True, tag="thingset"):
    """A Libre Solar charge controller that publishes over ThingSet text mode."""

    path: str = field(name="port")
    """The serial port, by its name in /dev/serial/by-id/."""
    allow_unstable_port: bool = False
    """Accept a name such as /dev/ttyUSB0, which may be another device after a replug."""
    baud: Annotated[int, Meta(gt=0)] = 115_200
    """Speed of the line in bit/s; 8 data bits, no parity, 1 stop bit."""
    publication_period_s: Annotated[float, Meta(ge=0.1)] | None = None
    """How often the device shall publish; only ThingSet v0.6 has such a setting, others 1 s."""
    silence_s: Positive = 5.0
    """After how long without a publication reporting is switched on (at most once a minute)."""
    extra: Literal["count", "keep"] = "count"
    """Values under unknown names: only counted, or kept in measurement thingset_extra."""
    request: tuple[str, ...] = ()
    """Values to ask for if they are not published, such as Bat_degC, Int_degC or Load/rPower_W."""
    request_interval_s: Annotated[float, Meta(ge=1)] = 10.0
    """How often these are asked for."""
    voltage_max_v: Positive = 100.0
    """A line that shows more than any terminal of the device can have is damaged."""
    current_max_a: Positive = 100.0
    """A line that shows more than any terminal of the device can carry is damaged."""

    def port(self) -> str:
        """Return the serial port."""
        return self.path

    def validate(self) -> None:
        """Refuse unstable ports, impossible names, and a silence shorter than the period."""
        check_serial_port(self.path, allow_unstable=self.allow_unstable_port)
        for name in self.request:
            if not _NAME.fullmatch(name):
                raise ValueError(
                    f"request: {name!r} is no ThingSet name. Write Bat_degC or Battery/rPower_W"
                )
        if self.publication_period_s is not None and self.silence_s <= self.publication_period_s:
            raise ValueError(
                "silence_s: a device would be called silent before its next publication. "
                "Make it longer than publication_period_s"
            )

    def create(self, clock: Clock) -> ThingSetInstrument:
        """Return the instrument on its serial line."""
        # check needs neither
        from soclab_collectors.instruments.thingset.instrument import (  # noqa: PLC0415
            ThingSetInstrument,
        )
        from soclab_collectors.transports.serial_line import SerialLine  # noqa: PLC0415

        return ThingSetInstrument(self, clock, SerialLine(self.path, self.baud))
