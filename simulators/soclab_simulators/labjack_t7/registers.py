"""The register map of a T7 as far as a collector may touch it.

Every register is a list of 16-bit words. An address that is not in the map is refused, as are
values that the device refuses, with the device's own error code for LAST_ERR_DETAIL.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from soclab_simulators.labjack_t7.analog import GROUND, RANGES_V, AnalogInputs, Calibration

if TYPE_CHECKING:
    from collections.abc import Callable

INPUTS: Final = 14
ILLEGAL_ADDRESS: Final = 2  # Modbus exceptions
DEVICE_FAILURE: Final = 4

RANGE: Final = 40000
NEGATIVE: Final = 41000
RESOLUTION: Final = 41500
SETTLING: Final = 42000
STREAM_RATE: Final = 4002
STREAM_CHANNELS: Final = 4004
STREAM_SAMPLES: Final = 4006
STREAM_SETTLING: Final = 4008
STREAM_RESOLUTION: Final = 4010
STREAM_TARGET: Final = 4016
STREAM_DATATYPE: Final = 4018
STREAM_SCANLIST: Final = 4100
STREAM_ENABLE: Final = 4990
POWER_AIN: Final = 48005
LAST_ERROR: Final = 55000
TEST: Final = 55100
TEST_FLOAT: Final = 55124
PRODUCT: Final = 60000
FIRMWARE: Final = 60004
HARDWARE: Final = 60010
SERIAL: Final = 60028
CORE_TIMER: Final = 61520
FLASH_POINTER: Final = 61810
FLASH_READ: Final = 61812
CALIBRATION_AT: Final = 0x3C4000

_STREAM_REGISTERS: Final = (*tuple(range(4002, 4022, 2)), 4024, 4028)
_ALL_INPUTS: Final = {
    43900: ("f", RANGE, 2),
    43902: ("H", NEGATIVE, 1),
    43903: ("H", RESOLUTION, 1),
}


class RefusedError(Exception):
    """The device refuses: a Modbus exception and the code in LAST_ERR_DETAIL."""

    def __init__(self, exception: int, detail: int = 0) -> None:
        super().__init__(exception, detail)
        self.exception = exception
        self.detail = detail


class Registers:
    """What can be read and written.

    Parameters
    ----------
    inputs
        The analog front end.
    start_stream, stop_stream
        Called when STREAM_ENABLE is written.
    serial, pro, calibrated, product
        Which device this is.
    """

    def __init__(
        self,
        inputs: AnalogInputs,
        start_stream: Callable[[], None],
        stop_stream: Callable[[], None],
        *,
        serial: int,
        pro: bool,
        calibrated: bool,
        product: float,
    ) -> None:
        self._inputs = inputs
        self._start_stream = start_stream
        self._stop_stream = stop_stream
        self._pro = pro
        self._flash = _calibration_flash() if calibrated else b""
        self._fixed = {
            PRODUCT: struct.pack(">f", product),
            60002: struct.pack(">f", 1.35),
            FIRMWARE: struct.pack(">f", 1.0331),
            60006: struct.pack(">f", 0.94),
            60008: struct.pack(">f", 0.0),
            HARDWARE: struct.pack(">I", int(pro)),
            SERIAL: struct.pack(">I", serial),
            60050: struct.pack(">f", 298.15),
            60052: struct.pack(">f", 301.15),
            TEST: struct.pack(">I", 0x00112233),
            TEST_FLOAT: struct.pack(">f", -9999.0),
        }
        self.last_error = 0
        self.streaming = False
        self.power_on()

    def power_on(self) -> None:
        """Forget every volatile setting."""
        self.streaming = False
        self._ticks = 0
        self._stored: dict[int, bytes] = {POWER_AIN: b"\0\1", FLASH_POINTER: bytes(4)}
        for n in range(INPUTS):
            self._stored[RANGE + 2 * n] = struct.pack(">f", 10.0)
            self._stored[NEGATIVE + n] = struct.pack(">H", GROUND)
            self._stored[RESOLUTION + n] = bytes(2)
            self._stored[SETTLING + 2 * n] = bytes(4)
        for address in (*_STREAM_REGISTERS, *range(STREAM_SCANLIST, STREAM_SCANLIST + 256, 2)):
            self._stored[address] = bytes(4)

    def number(self, address: int, kind: str) -> float:
        """Return a stored value."""
        return float(struct.unpack(f">{kind}", self._stored[address])[0])

    def read(self, address: int, words: int, volts: dict[int, float] | None) -> bytes:
        """Return consecutive words; ``volts`` is the moment at which inputs are measured."""
        data, end = b"", address + words
        while address < end:
            piece = self._piece(address, 2 * (end - address), volts)
            data += piece
            address += len(piece) // 2
        if len(data) != 2 * words:
            raise RefusedError(ILLEGAL_ADDRESS)  # it would end within a register
        return data

    def write(self, address: int, data: bytes) -> None:
        """Write consecutive words."""
        while data:
            size = 4 if address == STREAM_ENABLE else len(self._stored.get(address, b""))
            if address in _ALL_INPUTS:
                size = 4 if _ALL_INPUTS[address][0] == "f" else 2
            if not size or len(data) < size:
                raise RefusedError(ILLEGAL_ADDRESS)
            self._write_one(address, data[:size])
            address += size // 2
            data = data[size:]

    def _piece(self, address: int, most: int, volts: dict[int, float] | None) -> bytes:
        if address < 2 * INPUTS and address % 2 == 0:
            return struct.pack(">f", self._measure(address // 2, volts))
        if address == FLASH_READ:
            start = int(self.number(FLASH_POINTER, "I")) - CALIBRATION_AT
            found = self._flash[start : start + most] if start >= 0 else b""
            return found.ljust(most, b"\xff")  # erased flash reads as ones
        if address == STREAM_ENABLE:
            return struct.pack(">I", self.streaming)
        if address == LAST_ERROR:
            return struct.pack(">H", self.last_error)
        if address == CORE_TIMER:
            self._ticks = (self._ticks + 40_000) & 0xFFFFFFFF
            return struct.pack(">I", self._ticks)
        data = self._fixed.get(address) or self._stored.get(address)
        if data is None:
            raise RefusedError(ILLEGAL_ADDRESS)
        return data

    def _measure(self, ain: int, volts: dict[int, float] | None) -> float:
        if self.streaming:
            raise RefusedError(DEVICE_FAILURE, 2605)
        if not self._stored[POWER_AIN][1]:
            raise RefusedError(DEVICE_FAILURE, 2460)
        moment = volts if volts is not None else self._inputs.volts()
        negative = int(self.number(NEGATIVE + ain, "H"))
        return self._inputs.measure(moment, ain, negative, self.range_v(ain))

    def range_v(self, ain: int) -> float:
        """Return the range of an input."""
        stored = self.number(RANGE + 2 * ain, "f")
        return min(RANGES_V, key=lambda range_v: abs(range_v - stored))

    def _write_one(self, address: int, data: bytes) -> None:
        if address == STREAM_ENABLE:
            self._enable_stream(on=any(data))
            return
        if self.streaming and address != FLASH_POINTER:
            raise RefusedError(DEVICE_FAILURE, 2605)
        if address in _ALL_INPUTS:
            _, first, step = _ALL_INPUTS[address]
            for n in range(INPUTS):
                self._write_one(first + step * n, data)
            return
        self._check_input(address, data)
        if RANGE <= address < RANGE + 2 * INPUTS and not any(data):
            data = struct.pack(">f", 10.0)
        self._stored[address] = data

    def _check_input(self, address: int, data: bytes) -> None:
        refused = 0
        if RANGE <= address < RANGE + 2 * INPUTS:
            value = struct.unpack(">f", data)[0]
            known = [struct.unpack(">f", struct.pack(">f", r))[0] for r in (0.0, *RANGES_V)]
            refused = 0 if value in known else 2370
        elif NEGATIVE <= address < NEGATIVE + INPUTS:
            ain, negative = address - NEGATIVE, int.from_bytes(data, "big")
            good = negative == GROUND or (ain % 2 == 0 and negative == ain + 1)
            refused = 0 if good else 2373
        elif RESOLUTION <= address < RESOLUTION + INPUTS:
            refused = 0 if int.from_bytes(data, "big") <= (12 if self._pro else 8) else 2375
        elif SETTLING <= address < SETTLING + 2 * INPUTS:
            refused = 0 if 0 <= struct.unpack(">f", data)[0] <= 50_000 else 2371
        if refused:
            raise RefusedError(DEVICE_FAILURE, refused)

    def _enable_stream(self, *, on: bool) -> None:
        if on == self.streaming:
            raise RefusedError(DEVICE_FAILURE, 2605 if on else 2620)
        if on:
            self._check_stream()
            rate_hz = self.number(STREAM_RATE, "f")
            actual = 10e6 / round(10e6 / rate_hz)  # it divides a clock of 80 MHz / 8
            self._stored[STREAM_RATE] = struct.pack(">f", actual)
            self._start_stream()
        else:
            self._stop_stream()
        self.streaming = on

    def _check_stream(self) -> None:
        channels = int(self.number(STREAM_CHANNELS, "I"))
        rate_hz = self.number(STREAM_RATE, "f")
        samples = int(self.number(STREAM_SAMPLES, "I"))
        checks = {
            2600: channels > 0,
            2606: self.number(STREAM_RESOLUTION, "I") <= 8,
            2607: all(a < 2 * INPUTS and a % 2 == 0 for a in self.scan_list()),
            2608: 0 < rate_hz * channels <= 100_000,
            2611: not self.number(STREAM_DATATYPE, "I"),
            2612: self.number(STREAM_TARGET, "I") == 1,
            2618: 0 < samples <= 512,
            2621: self.number(STREAM_SETTLING, "f") <= 4400,
        }
        for code, good in checks.items():
            if not good:
                raise RefusedError(DEVICE_FAILURE, code)

    def scan_list(self) -> list[int]:
        """Return the addresses that are streamed."""
        channels = int(self.number(STREAM_CHANNELS, "I"))
        return [int(self.number(STREAM_SCANLIST + 2 * i, "I")) for i in range(channels)]


def _calibration_flash() -> bytes:
    """Return the constants of the fast converter, then of the other one, as floats."""
    fast = b"".join(struct.pack(">4f", *Calibration.of_range(r)) for r in RANGES_V)
    return fast + fast
