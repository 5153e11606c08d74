"""A LabJack T7 over Ethernet: registers over Modbus TCP, its stream on a port of its own."""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING, Final, TypeVar

from soclab_collectors.errors import BadReplyError, ConfigError, UnavailableError
from soclab_collectors.transports.modbus_tcp import DeviceRefusedError, ModbusTcp
from soclab_collectors.transports.t7_calibration import read_calibration
from soclab_collectors.transports.t7_errors import error_of
from soclab_collectors.transports.t7_link import (
    Block,
    Register,
    StreamPlan,
    StreamStarted,
)
from soclab_collectors.transports.t7_stream import MAX_SAMPLES_PER_PACKET, T7Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_T = TypeVar("_T")

LAST_ERR_DETAIL: Final = 55000
STREAM_SETTINGS: Final = 4002  # scan rate, channels, samples per packet, settling, resolution,
STREAM_TARGET: Final = 4016  # buffer size; then target, data type, number of scans
STREAM_TRIGGER_INDEX: Final = 4024
STREAM_CLOCK_SOURCE: Final = 4014
STREAM_SCANLIST: Final = 4100
STREAM_ENABLE: Final = 4990
TO_ETHERNET: Final = 1


class T7Modbus:
    """See T7Link."""

    def __init__(self, host: str, port: int, stream_port: int, timeout_s: float) -> None:
        self.where = f"T7 at {host}:{port}"
        self._modbus = ModbusTcp(host, port, timeout_s)
        self._stream_address = (host, stream_port)
        self._timeout_s = timeout_s
        self._stream: T7Stream | None = None

    def open(self) -> None:
        """Connect."""
        self._modbus.connect()

    def read(self, registers: Sequence[Register]) -> Sequence[float]:
        """Return values, all read by one command: function 3 if they adjoin, else 76."""
        layout = ">" + "".join(register.kind for register in registers)
        words = sum(register.words for register in registers)
        first = registers[0].address
        ends = [register.address + register.words for register in registers]
        adjoin = all(r.address == end for r, end in zip(registers[1:], ends, strict=False))
        if adjoin:
            data = self._call(f"read {first}", lambda: self._modbus.read(first, words))
        else:
            body = b"".join(struct.pack(">BHB", 0, r.address, r.words) for r in registers)
            data = self._call("read", lambda: self._modbus.feedback(body, 2 * words))
        return struct.unpack(layout, data)

    def write(self, register: Register, value: float) -> None:
        """Write one register: function 6 for one word, else 16."""
        number = value if register.kind == "f" else int(value)
        data = struct.pack(f">{register.kind}", number)
        address = register.address
        if register.words == 1:
            self._call(
                f"write {address}",
                lambda: self._modbus.write_word(address, int.from_bytes(data, "big")),
            )
        else:
            self._write_words(address, data)

    def start_stream(self, plan: StreamPlan) -> StreamStarted:
        """Start a stream to the stream port; STREAM_ENABLE is written last."""
        constants, origin = self._call("calibration", lambda: read_calibration(self._modbus))
        channels = len(plan.ains)
        scans_per_packet = min(
            max(1, round(plan.scan_rate_hz * plan.latency_s)), MAX_SAMPLES_PER_PACKET // channels
        )
        self._write_words(
            STREAM_SETTINGS,
            struct.pack(
                ">fIIfII",
                plan.scan_rate_hz,
                channels,
                scans_per_packet * channels,
                plan.settling_us,
                plan.resolution_index,
                0,  # buffer size: the T7's default
            ),
        )
        self._write_words(STREAM_CLOCK_SOURCE, struct.pack(">I", 0))
        self._write_words(STREAM_TARGET, struct.pack(">III", TO_ETHERNET, 0, 0))
        self._write_words(STREAM_TRIGGER_INDEX, struct.pack(">I", 0))
        self._write_words(
            STREAM_SCANLIST, struct.pack(f">{channels}I", *(2 * ain for ain in plan.ains))
        )
        wait_s = max(self._timeout_s, 4 * scans_per_packet / plan.scan_rate_hz)
        self._stream = T7Stream(
            self._stream_address,
            wait_s,
            [constants[range_v] for range_v in plan.ranges_v],
            scans_per_packet,
        )
        self._stream.connect()
        self._write_words(STREAM_ENABLE, struct.pack(">I", 1))
        (rate_hz,) = self.read([Register(STREAM_SETTINGS, "f")])
        if not 0.5 < rate_hz / plan.scan_rate_hz < 2:  # it rounds to its clock, no further
            raise BadReplyError(f"{self.where}: stream started at {rate_hz} scans/s")
        return StreamStarted(rate_hz, origin)

    def read_stream(self) -> list[Block]:
        """Wait for packets and return what is in them."""
        if self._stream is None:
            raise UnavailableError(f"{self.where}: the stream is not running")
        try:
            return self._stream.read()
        except BadReplyError:
            self._close_stream()  # out of step: no later packet can be trusted
            raise

    def close(self) -> None:
        """Stop the stream if one runs and disconnect."""
        if self._stream is not None:
            # It ends anyhow when the T7 notices that nobody listens.
            with contextlib.suppress(UnavailableError, BadReplyError, ConfigError):
                self._write_words(STREAM_ENABLE, bytes(4))
        self._close_stream()
        self._modbus.close()

    def _close_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _write_words(self, address: int, data: bytes) -> None:
        self._call(f"write {address}", lambda: self._modbus.write(address, data))

    def _call(self, doing: str, call: Callable[[], _T]) -> _T:
        try:
            return call()
        except DeviceRefusedError as refused:
            raise self._explain(refused, doing) from refused

    def _explain(self, refused: DeviceRefusedError, doing: str) -> Exception:
        """Ask the T7 which of its own error codes is behind a Modbus exception."""
        try:
            detail = int.from_bytes(self._modbus.read(LAST_ERR_DETAIL, 1), "big")
        except DeviceRefusedError:
            detail = 0
        if detail:
            return error_of(detail, self.where, f"{doing}: {refused}")
        return BadReplyError(f"{self.where}: {doing}: {refused}")
