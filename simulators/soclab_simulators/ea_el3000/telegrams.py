"""Telegrams as the load receives and sends them."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ERROR_OBJECT: Final = 0xFF
_TO_DEVICE: Final = 0x10
_KINDS: Final = {0x40: "query", 0xC0: "send"}


class Error(IntEnum):
    """Codes of error telegrams."""

    NONE = 0x00
    CHECKSUM = 0x03
    START_DELIMITER = 0x04
    NODE = 0x05
    NOT_DEFINED = 0x07
    LENGTH = 0x08
    PERMISSION = 0x09
    LOCAL = 0x0F
    UPPER_LIMIT = 0x30


class Request(NamedTuple):
    """An intact telegram from the PC; ``length`` is what its start delimiter says."""

    kind: str
    node: int
    number: int
    length: int
    data: bytes
    raw: bytes


def take_requests(buffer: bytearray) -> Iterator[Request | Error]:
    """Take what is complete from the buffer; after an error nothing in it can be trusted."""
    while buffer:
        start = buffer[0]
        kind = _KINDS.get(start & 0xC0)
        if kind is None or not start & _TO_DEVICE:
            buffer.clear()
            yield Error.START_DELIMITER
            return
        length = (start & 0x0F) + 1
        end = 3 + (length if kind == "send" else 0)
        if len(buffer) < end + 2:
            return
        if sum(buffer[:end]) % 0x10000 != buffer[end] * 0x100 + buffer[end + 1]:
            buffer.clear()
            yield Error.CHECKSUM
            return
        raw = bytes(buffer[: end + 2])
        del buffer[: end + 2]
        yield Request(kind, raw[1], raw[2], length, raw[3:end], raw)


def answer(node: int, number: int, data: bytes) -> bytes:
    """Return an answer telegram."""
    return _with_sum([0x80 + len(data) - 1, node, number, *data])


def error(node: int, code: Error) -> bytes:
    """Return an error telegram, which an EL 3000 starts like a send."""
    return _with_sum([0xC0, node, ERROR_OBJECT, code])


def _with_sum(body: list[int]) -> bytes:
    return bytes([*body, *divmod(sum(body) % 0x10000, 0x100)])
