"""Settings of an ``ea_el3000`` instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, field

from soclab_collectors.instruments.base import InstrumentConfig
from soclab_collectors.instruments.serial_port import check_serial_port

if TYPE_CHECKING:
    from soclab_collectors.clock import Clock
    from soclab_collectors.instruments.ea_el3000.instrument import EaEl3000

Positive = Annotated[float, Meta(gt=0)]


class EaEl3000Config(InstrumentConfig, frozen=True, tag="ea_el3000"):
    """An Elektro-Automatik EL 3000 load on its RS232 or USB card (57600 baud, 8-O-1)."""

    path: str = field(name="port")
    """The serial port, by its name in /dev/serial/by-id/."""
    allow_unstable_port: bool = False
    """Accept a name such as /dev/ttyUSB0, which may be another device after a replug."""
    baud: Annotated[int, Meta(ge=1200, le=921_600)] = 57_600
    """Rate of the line in bits per second; fixed in an EL 3000."""
    device_node: Annotated[int, Meta(ge=0, le=30)] = 0
    """Device node set at the front panel; 0 (broadcast) if the load is alone on its line."""
    interval_s: Positive = 1.0
    """Time from one reading to the next."""
    telegram_gap_s: Annotated[float, Meta(ge=0, le=1)] = 0.05
    """Rest that the load needs between two telegrams."""
    reply_timeout_s: Annotated[float, Meta(gt=0, le=5)] = 0.3
    """How long an answer may take."""
    expected_serial: str = ""
    """Serial number of the load; with it, another load on this port is an error."""
    control: bool = False
    """Permit software to switch and set the load; reading it never needs this."""
    max_current_a: Positive | None = None
    """Highest current that software may set; needed for control."""
    max_power_w: Positive | None = None
    """Highest power that software may set; needed for control."""
    nominal_resistance_ohm: Positive | None = None
    """Upper end of the resistance range (data sheet); needed to set a resistance."""

    def port(self) -> str:
        """Return the serial port."""
        return self.path

    def validate(self) -> None:
        """Refuse unstable ports, and control without limits."""
        check_serial_port(self.path, allow_unstable=self.allow_unstable_port)
        for key in ("max_current_a", "max_power_w"):
            if self.control and getattr(self, key) is None:
                raise ValueError(
                    f"{key}: control = true needs it. Set what battery and wiring can stand"
                )

    def create(self, clock: Clock) -> EaEl3000:
        """Return the instrument on its serial line."""
        # check needs neither
        from soclab_collectors.instruments.ea_el3000.instrument import (  # noqa: PLC0415
            EaEl3000,
        )
        from soclab_collectors.transports.serial_line import SerialLine  # noqa: PLC0415

        return EaEl3000(self, clock, SerialLine(self.path, self.baud, parity="O"))
