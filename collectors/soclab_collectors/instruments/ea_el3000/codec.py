"""Telegrams on the wire, both ways; no input or output happens here.

A telegram is ``SD DN OBJ data… CSH CSL``: start delimiter, device node, object number, up to 16
bytes of data and the 16-bit sum of everything before it, high byte first [C].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ERROR_OBJECT: Final = 0xFF
"""The object number of error telegrams and acknowledgements [C]."""

# Start delimiter: bits 0-3 are the length of the data less one (in a query, of the data expected
# back), bit 4 is the direction, bit 5 broadcast, bits 6-7 the type [C, M].
_QUERY: Final = 0x50
_SEND: Final = 0xD0
_BROADCAST: Final = 0x20
# A device starts an answer with 0x80 to 0x8F and an error telegram with 0xC0 [C]. Bit 4 would be
# an echo of our own telegram. No device was seen sending anything else; skipping it early gives
# noise fewer chances to pose as the start of a telegram.
_ANSWERS: Final = range(0x80, 0x90)
_ERROR: Final = 0xC0
_OVERHEAD: Final = 5  # SD DN OBJ before the data, two bytes of checksum behind


class Telegram(NamedTuple):
    """An intact telegram from a device."""

    node: int
    object_number: int
    data: bytes


def encode_query(node: int, object_number: int, length: int) -> bytes:
    """Ask for ``length`` bytes of an object; node 0 asks by broadcast. A query has no data [C]."""
    return _finish(_QUERY, node, object_number, length, b"")


def encode_send(node: int, object_number: int, data: bytes) -> bytes:
    """Write an object; node 0 writes by broadcast."""
    return _finish(_SEND, node, object_number, len(data), data)


def _finish(kind: int, node: int, object_number: int, length: int, data: bytes) -> bytes:
    start = kind | (0 if node else _BROADCAST) | (length - 1)
    body = bytes((start, node, object_number)) + data
    return body + checksum(body)


def checksum(body: bytes) -> bytes:
    """Return the 16-bit sum, high byte first [C]."""
    return (sum(body) & 0xFFFF).to_bytes(2, "big")


class Decoder:
    """Finds telegrams in what a line delivers, in pieces of any size.

    Bytes that cannot start a telegram are skipped. A wrong checksum means that the boundaries
    cannot be trusted either: everything received so far is dropped, and the caller should be
    silent for a moment and ask again, rather than search for a telegram within the debris, where
    a sum over a few bytes fits by chance too easily.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.skipped_bytes = 0
        self.bad_checksums = 0

    def feed(self, data: bytes) -> Iterator[Telegram]:
        """Take bytes and yield the telegrams that they complete, one by one."""
        self._buffer += data
        while self._buffer:
            start = self._buffer[0]
            if start not in _ANSWERS and start != _ERROR:
                del self._buffer[0]
                self.skipped_bytes += 1
                continue
            length = _OVERHEAD + (start & 0x0F) + 1
            if len(self._buffer) < length:
                break
            body, received = bytes(self._buffer[: length - 2]), self._buffer[length - 2 : length]
            if checksum(body) != received:
                self.bad_checksums += 1
                self._buffer.clear()
                break
            del self._buffer[:length]
            yield Telegram(body[1], body[2], body[3:])

    @property
    def pending(self) -> bool:
        """Whether there are bytes behind the last telegram."""
        return bool(self._buffer)
