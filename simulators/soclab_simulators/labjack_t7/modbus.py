"""Modbus functions of a T7: 3, 6, 16 and LabJack's own 76."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from soclab_simulators.labjack_t7.registers import ILLEGAL_ADDRESS, RefusedError, Registers

if TYPE_CHECKING:
    from collections.abc import Callable

READ: Final = 3
WRITE_ONE: Final = 6
WRITE: Final = 16
FEEDBACK: Final = 76
_ILLEGAL_FUNCTION: Final = 1
_MOST_WORDS: Final = 125


def answer(registers: Registers, volts: Callable[[], dict[int, float]], pdu: bytes) -> bytes:
    """Return the answer to a request, both without header.

    Inputs read by one command are measured at one moment.
    """
    function, body = pdu[0], pdu[1:]
    moment: dict[int, float] | None = None
    if _reads_inputs(function, body):
        moment = volts()
    try:
        return bytes([function]) + _run(registers, function, body, moment)
    except RefusedError as refused:
        registers.last_error = refused.detail
        return bytes([function | 0x80, refused.exception])
    except (struct.error, IndexError):
        return bytes([function | 0x80, 3])  # illegal data value


def _run(
    registers: Registers, function: int, body: bytes, moment: dict[int, float] | None
) -> bytes:
    if function == READ:
        address, words = struct.unpack(">HH", body)
        if not 0 < words <= _MOST_WORDS:
            raise RefusedError(3)
        data = registers.read(address, words, moment)
        return bytes([len(data)]) + data
    if function == WRITE_ONE:
        registers.write(int.from_bytes(body[:2], "big"), body[2:4])
        return body
    if function == WRITE:
        address, words, size = struct.unpack(">HHB", body[:5])
        if size != 2 * words or len(body) != 5 + size:
            raise RefusedError(3)
        registers.write(address, body[5:])
        return body[:4]
    if function == FEEDBACK:
        return _feedback(registers, body, moment)
    raise RefusedError(_ILLEGAL_FUNCTION)


def _feedback(registers: Registers, body: bytes, moment: dict[int, float] | None) -> bytes:
    answers = b""
    while body:
        kind, address, words = struct.unpack(">BHB", body[:4])
        body = body[4:]
        if kind == 0:
            answers += registers.read(address, words, moment)
        elif kind == 1:
            registers.write(address, body[: 2 * words])
            body = body[2 * words :]
        else:
            raise RefusedError(ILLEGAL_ADDRESS)
    return answers


def _reads_inputs(function: int, body: bytes) -> bool:
    """Tell whether a command measures, so that others take nothing from the source."""
    if function == READ:
        return int.from_bytes(body[:2], "big") < 28
    if function != FEEDBACK:
        return False
    while len(body) >= 4:
        kind, address, words = struct.unpack(">BHB", body[:4])
        if kind == 0 and address < 28:
            return True
        body = body[4 + (2 * words if kind else 0) :]
    return False
