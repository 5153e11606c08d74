"""Who the T7 is and how its inputs are set: identified, set and verified at every opening.

Settings of a T7 are volatile: a power cycle silently returns them to their defaults.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from soclab_collectors.errors import BadReplyError, ConfigError
from soclab_collectors.transports.t7_link import Register

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soclab_collectors.instruments.labjack_t7.config import Channel
    from soclab_collectors.transports.t7_link import T7Link

PRODUCT_ID: Final = Register(60000, "f")
FIRMWARE_VERSION: Final = Register(60004, "f")
HARDWARE_INSTALLED: Final = Register(60010, "I")
SERIAL_NUMBER: Final = Register(60028, "I")
TEST: Final = Register(55100, "I")
TEST_VALUE: Final = 0x00112233
STREAM_ENABLE: Final = Register(4990, "I")
POWER_AIN: Final = Register(48005, "H")
_T7: Final = 7
_HIGH_RESOLUTION_ADC: Final = 1
_RESOLUTION_OF_PRO: Final = 9


class Identity(NamedTuple):
    """What a T7 says about itself."""

    serial: int
    firmware: str
    pro: bool


def identify(link: T7Link) -> Identity:
    """Return who answers, after making sure that numbers arrive as they were sent."""
    try:
        (test,) = link.read([TEST])
        (product,) = link.read([PRODUCT_ID])
    except BadReplyError as error:
        raise BadReplyError(f"{link.where}: no LabJack answers here ({error})") from error
    if test != TEST_VALUE:
        raise BadReplyError(
            f"{link.where}: test register is {int(test):#010x} instead of {TEST_VALUE:#010x}: "
            "no LabJack, or words arrive in another order"
        )
    if product != _T7:
        raise BadReplyError(f"{link.where}: this is product {product:g} of LabJack, no T7")
    (serial,) = link.read([SERIAL_NUMBER])
    (firmware,) = link.read([FIRMWARE_VERSION])
    (hardware,) = link.read([HARDWARE_INSTALLED])
    return Identity(int(serial), f"{firmware:.4f}", bool(int(hardware) & _HIGH_RESOLUTION_ADC))


def settings_of(channel: Channel) -> list[tuple[Register, float]]:
    """Return the registers that give the meaning to a channel's volts, with their values."""
    n = channel.ain
    return [
        (Register(40000 + 2 * n, "f"), _float32(channel.range_v)),
        (Register(41000 + n, "H"), channel.negative_ain()),
        (Register(41500 + n, "H"), channel.resolution_index),
        (Register(42000 + 2 * n, "f"), _float32(channel.settling_us)),
    ]


def configure(link: T7Link, channels: Sequence[Channel], identity: Identity) -> None:
    """Set the inputs; a stream that someone left running is stopped, for it locks them."""
    for channel in channels:
        if channel.resolution_index >= _RESOLUTION_OF_PRO and not identity.pro:
            raise ConfigError(
                f"{link.where}: channels.resolution_index",
                f"{channel.resolution_index} exists on a T7-Pro only, and this is none",
                "Choose 0 to 8.",
            )
    (streaming,) = link.read([STREAM_ENABLE])
    if streaming:
        link.write(STREAM_ENABLE, 0)
    (powered,) = link.read([POWER_AIN])
    if not powered:
        link.write(POWER_AIN, 1)
    for channel in channels:
        for register, value in settings_of(channel):
            link.write(register, value)


def read_inputs(link: T7Link, channels: Sequence[Channel]) -> list[float]:
    """Return the volts at the inputs, together with proof of what they mean.

    The settings are read by the same command as the values. So not even a T7 that was
    power-cycled right before (and reconnected by the library unnoticed) yields a wrong number.
    The test value behind them shows that the answer is not shifted.

    Raises
    ------
    SettingsLostError
        If the settings are not those that were written.
    BadReplyError
        If the answer cannot be what the T7 sent.
    """
    expected = [pair for channel in channels for pair in settings_of(channel)]
    inputs = [Register(2 * channel.ain, "f") for channel in channels]
    *values, test = link.read([*(register for register, _ in expected), *inputs, TEST])
    if test != TEST_VALUE:
        raise BadReplyError(f"{link.where}: test register is {int(test):#010x} behind the values")
    for (register, value), found in zip(expected, values, strict=False):
        if found != value:
            raise SettingsLostError(
                f"{link.where}: register {register.address} holds {found:g} instead of {value:g}: "
                "the T7 was restarted or another program has changed it"
            )
    return values[len(expected) :]


class SettingsLostError(BadReplyError):
    """The T7 no longer has the settings that it was given."""


def is_measured(volts: float, channel: Channel) -> bool:
    """Tell a measurement from NaN, -9999 and a clipped input."""
    return math.isfinite(volts) and abs(volts) <= channel.limit_v()


def _float32(value: float) -> float:
    return float(struct.unpack(">f", struct.pack(">f", value))[0])
