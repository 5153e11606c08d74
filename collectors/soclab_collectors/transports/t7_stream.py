"""The T7's own stream on TCP port 702: packets that arrive unasked, full of raw counts."""

from __future__ import annotations

import socket
import sys
from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

from soclab_collectors.errors import BadReplyError, UnavailableError
from soclab_collectors.transports.t7_errors import error_of
from soclab_collectors.transports.t7_link import Block

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from soclab_collectors.transports.t7_calibration import Constants

MAX_SAMPLES_PER_PACKET: Final = 512
_HEADER_BYTES: Final = 16
_RECEIVE_BYTES: Final = 1 << 16
_FUNCTION: Final = 76
_TYPE: Final = 16
_DUMMY: Final = 0xFFFF  # what stands in every channel of the scan that marks a gap

OK: Final = 0
RECOVERY_ACTIVE: Final = 2940  # the buffer was full: what comes is old but whole
RECOVERY_END: Final = 2941  # a marker scan, then new samples; the info says how many are missing


class Packet(NamedTuple):
    """One packet; samples of all channels take turns."""

    status: int
    info: int
    samples: array[int]


class StreamFramer:
    """Cuts the byte stream into packets and refuses whatever is out of step."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._next_id: int | None = None

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Yield the packets that these bytes complete."""
        self._buffer += data
        start = 0
        try:
            while len(self._buffer) - start >= _HEADER_BYTES:
                end = start + 6 + self._length(start)
                if len(self._buffer) < end:
                    break
                yield self._packet(start, end)
                start = end
        finally:
            del self._buffer[:start]

    def _length(self, start: int) -> int:
        """Check a header and return how many bytes follow its length field."""
        header = self._buffer[start : start + _HEADER_BYTES]
        packet_id = int.from_bytes(header[:2], "big")
        length = int.from_bytes(header[4:6], "big")
        samples_bytes = length - 10
        if (
            header[2:4] != b"\0\0"
            or header[7] != _FUNCTION
            or header[8] != _TYPE
            or samples_bytes % 2
            or not 0 <= samples_bytes <= 2 * MAX_SAMPLES_PER_PACKET
        ):
            raise BadReplyError(f"no packet of a T7 stream: {header.hex(' ')}")
        if self._next_id not in {None, packet_id}:
            raise BadReplyError(f"packet {packet_id} of the stream instead of {self._next_id}")
        return length

    def _packet(self, start: int, end: int) -> Packet:
        head = self._buffer[start : start + _HEADER_BYTES]
        self._next_id = (int.from_bytes(head[:2], "big") + 1) & 0xFFFF
        samples = array("H", bytes(self._buffer[start + _HEADER_BYTES : end]))
        if sys.byteorder == "little":
            samples.byteswap()
        status, info = int.from_bytes(head[12:14], "big"), int.from_bytes(head[14:16], "big")
        return Packet(status, info, samples)


def blocks_of(packet: Packet, constants: Sequence[Constants], where: str) -> Iterator[Block]:
    """Yield the scans of a packet; where the T7 skipped some, a new block begins.

    Raises
    ------
    UnavailableError
        If the T7 says that the stream has ended.
    BadReplyError
        If the packet cannot belong to this stream.
    """
    channels = len(constants)
    if len(packet.samples) % channels:
        raise BadReplyError(f"{where}: a packet ends within a scan")
    if packet.status not in {OK, RECOVERY_ACTIVE, RECOVERY_END}:
        raise error_of(packet.status, where, "stream")
    before, after, skipped = packet.samples[:0], packet.samples, 0
    if packet.status == RECOVERY_END:
        skipped = packet.info
        marker = _marker(packet.samples, channels)
        if marker is not None:
            before, after = packet.samples[:marker], packet.samples[marker + channels :]
    if before:
        yield _block(before, constants, 0)
    if after or skipped:
        yield _block(after, constants, skipped)


def _marker(samples: array[int], channels: int) -> int | None:
    """Return where the scan starts that stands for those which were skipped."""
    dummy = array("H", [_DUMMY] * channels)
    for start in range(0, len(samples), channels):
        if samples[start : start + channels] == dummy:
            return start
    return None


def _block(samples: array[int], constants: Sequence[Constants], skipped: int) -> Block:
    channels = len(constants)
    columns = tuple(c.column(samples[i::channels]) for i, c in enumerate(constants))
    return Block(columns, len(samples) // channels, skipped)


class T7Stream:
    """The connection on which packets arrive."""

    def __init__(
        self, address: tuple[str, int], wait_s: float, constants: Sequence[Constants]
    ) -> None:
        self._address = address
        self._where = f"T7 stream at {address[0]}:{address[1]}"
        self._wait_s = wait_s
        self._constants = constants
        self._framer = StreamFramer()
        self._socket: socket.socket | None = None

    def connect(self) -> None:
        """Listen, before the stream is started."""
        try:
            self._socket = socket.create_connection(self._address, self._wait_s)
        except OSError as error:
            raise UnavailableError(f"{self._where}: {error}") from error

    def read(self) -> list[Block]:
        """Wait for bytes and return the scans that they complete, perhaps none."""
        if self._socket is None:
            raise UnavailableError(f"{self._where}: not connected")
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except TimeoutError as error:
            raise UnavailableError(
                f"{self._where}: nothing arrived for {self._wait_s:g} s"
            ) from error
        except OSError as error:
            raise UnavailableError(f"{self._where}: {error}") from error
        if not data:
            raise UnavailableError(f"{self._where}: the T7 closed the connection")
        return [
            block
            for packet in self._framer.feed(data)
            for block in blocks_of(packet, self._constants, self._where)
        ]

    def close(self) -> None:
        """Disconnect."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
