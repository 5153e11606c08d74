"""Errors that the device itself reports, by name."""

from __future__ import annotations

from typing import Final

from soclab_collectors.errors import BadReplyError

ACKNOWLEDGE: Final = 0x00  # [D]
WRONG_NODE: Final = 0x05  # [D]
NOT_DEFINED: Final = 0x07  # [D]

NAMES: Final = {
    0x01: "parity error: the line must be 8-O-1",  # [G]
    0x02: "frame error: check the baud rate",  # [G]
    0x03: "checksum wrong",  # [D]
    0x04: "start delimiter wrong",  # [D]
    WRONG_NODE: "wrong device node",  # [D]
    NOT_DEFINED: "object not defined",  # [D]
    0x08: "object length wrong",  # [C]
    0x09: "no permission to read or write this object",  # [D]
    0x0F: "device is in local or lock state",  # [D]
    0x30: "upper limit exceeded",  # [D]
    0x31: "lower limit exceeded",  # [D]
}

# What the line did to our telegram, not what we asked for: asking again helps.
TRANSIENT: Final = frozenset({0x01, 0x02, 0x03, 0x04})


class DeviceError(BadReplyError):
    """The device refused what it was asked.

    Parameters
    ----------
    code
        As on the wire.
    about
        What was asked of whom.
    """

    def __init__(self, code: int, about: str) -> None:
        super().__init__(f"{about}: error {code:02X}, {NAMES.get(code, 'not documented')}")
        self.code = code
