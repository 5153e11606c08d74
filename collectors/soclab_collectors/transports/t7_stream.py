"""The T7's own stream on TCP port 702: packets that arrive unasked, full of raw counts."""

from __future__ import annotations

import socket
import struct
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
    """Cuts the byte stream into packets and refuses whatever is out of step.

    Parameters
    ----------
    samples_per_packet
        What was asked for; a T7 sends packets of no other size.
    """

    def __init__(self, samples_per_packet: int) -> None:
        self._length = 10 + 2 * samples_per_packet
        self._buffer = bytearray()
        self._next_id: int | None = None

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Yield the packets that these bytes complete."""
        self._buffer += data
        start, size = 0, 6 + self._length
        try:
            while len(self._buffer) - start >= _HEADER_BYTES:
                self._check(self._buffer[start : start + _HEADER_BYTES])
                if len(self._buffer) - start < size:
                    break
                yield self._packet(start, start + size)
                start += size
        finally:
            del self._buffer[:start]

    def _check(self, header: bytearray) -> None:
        packet_id, protocol, length = struct.unpack(">HHH", header[:6])
        if (protocol, length, header[7], header[8]) != (0, self._length, _FUNCTION, _TYPE):
            raise BadReplyError(f"no packet of this stream: {header.hex(' ')}")
        if self._next_id not in {None, packet_id}:
            raise BadReplyError(f"packet {packet_id} of the stream instead of {self._next_id}")

    def _packet(self, start: int, end: int) -> Packet:
        (packet_id,) = struct.unpack_from(">H", self._buffer, start)
        status, info = struct.unpack_from(">HH", self._buffer, start + 12)
        self._next_id = (packet_id + 1) & 0xFFFF
        samples = array("H", bytes(self._buffer[start + _HEADER_BYTES : end]))
        if sys.byteorder == "little":
            samples.byteswap()
        return Packet(status, info, samples)


def blocks_of(packet: Packet, constants: Sequence[Constants], where: str) -> Iterator[Block]:
    """Yield the scans of a packet; where the T7 skipped some, a new block begins.

    Raises
    ------
    UnavailableError
        If the T7 says that the stream has ended.
    BadReplyError
        If its status means nothing.
    """
    channels = len(constants)
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
        self,
        address: tuple[str, int],
        wait_s: float,
        constants: Sequence[Constants],
        scans_per_packet: int,
    ) -> None:
        self._address = address
        self._where = f"T7 stream at {address[0]}:{address[1]}"
        self._wait_s = wait_s
        self._constants = constants
        self._framer = StreamFramer(scans_per_packet * len(constants))
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
