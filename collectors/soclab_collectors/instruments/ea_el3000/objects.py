"""The objects of an EL 3000 that soclab asks for: number, length, and how to read the data.

Decoders raise ValueError for data that no healthy device sends.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

FULL_SCALE: Final = 0x6400
"""The raw value that stands for 100 % of a nominal value [C, M]."""

# Protections reach to 110 % of nominal [D]; nothing beyond can have been measured.
_HIGHEST_RAW: Final = 0x6E00
# 60 A for ten weeks. Our own bound: the counter's real one is not known.
_HIGHEST_AH: Final = 100_000.0
_HIGHEST_NOMINAL: Final = 1e6  # volts, amperes or watts; no load is near it


class Actual(NamedTuple):
    """Actual values as fractions of the nominal ones, in raw steps."""

    voltage: int
    current: int
    power: int


class Status(NamedTuple):
    """The device state."""

    remote: bool
    enabled: bool
    mode: int
    """Regulation: 0 CV, 1 CR, 2 CC, 3 CP."""


@dataclass(frozen=True, slots=True)
class Object(Generic[T]):
    """One object of the device."""

    number: int
    name: str
    length: int
    """Bytes of data; for text the most there may be, since the device sends as many as it has."""
    decode: Callable[[bytes], T]
    text: bool = False

    def fits(self, data: bytes) -> bool:
        """Tell whether the data has the length that this object has."""
        return len(data) <= self.length if self.text else len(data) == self.length


def _text(data: bytes) -> str:
    text = data.split(b"\0", 1)[0].decode("ascii")  # an error of decode is a ValueError
    if not text.isprintable():
        raise ValueError(f"text with control characters: {text!r}")
    return text.strip()


def _nominal(data: bytes) -> float:
    value: float = struct.unpack(">f", data)[0]
    if not 0 < value <= _HIGHEST_NOMINAL:  # NaN is refused too
        raise ValueError(f"implausible nominal value {value}")
    return value


def _charge_ah(data: bytes) -> float:
    value: float = struct.unpack(">f", data)[0]
    if not (math.isfinite(value) and 0 <= value <= _HIGHEST_AH):
        raise ValueError(f"implausible charge {value} Ah")
    return value


def _actual(data: bytes) -> Actual:
    actual = Actual(*struct.unpack(">HHH", data))
    if max(actual) > _HIGHEST_RAW:
        raise ValueError(f"more than 110 % of a nominal value: {tuple(actual)}")
    return actual


def _status(data: bytes) -> Status:
    location, state = data
    return Status(
        remote=location & 0b11 == 1,  # 0 is free, 2 locked at the panel on some devices [D]
        enabled=bool(state & 1),
        mode=(state >> 1) & 0b11,
    )


def _raw(data: bytes) -> int:
    return int.from_bytes(data, "big")


DEVICE_TYPE: Final = Object(0, "device type", 16, _text, text=True)  # [C, M]
SERIAL: Final = Object(1, "serial number", 16, _text, text=True)  # [C, M]; 13 bytes in the manual
NOMINAL_VOLTAGE: Final = Object(2, "nominal voltage", 4, _nominal)  # [M]
NOMINAL_CURRENT: Final = Object(3, "nominal current", 4, _nominal)  # [M]
NOMINAL_POWER: Final = Object(4, "nominal power", 4, _nominal)  # [M]
SOFTWARE: Final = Object(9, "software version", 16, _text, text=True)  # [C, M]
SET_CURRENT: Final = Object(51, "set current", 2, _raw)  # [D]
SET_POWER: Final = Object(52, "set power", 2, _raw)  # [D]
SET_RESISTANCE: Final = Object(53, "set resistance", 2, _raw)  # [G]
CONTROL: Final = Object(54, "control", 2, _raw)  # use [C], bits [D]
CHARGE: Final = Object(69, "ampere-hour counter", 4, _charge_ah)  # [C]
STATUS: Final = Object(70, "status", 2, _status)  # [D]
# On an EL 3000 voltage, current and power [C, M]; on a PS 2000 B status, voltage and current [D],
# in as many bytes. Only the device type tells which: see identity.py.
ACTUAL: Final = Object(71, "actual values", 6, _actual)
