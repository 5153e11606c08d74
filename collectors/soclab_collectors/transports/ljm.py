"""A LabJack T7 through LabJack's native library LJM, by way of their Python wrapper."""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

from soclab_collectors.errors import BadReplyError, ConfigError, UnavailableError
from soclab_collectors.transports.t7_errors import error_of
from soclab_collectors.transports.t7_link import (
    Block,
    Column,
    Register,
    StreamPlan,
    StreamStarted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

INSTALLER: Final = (
    "https://support.labjack.com/docs/ljm-software-installer-downloads-t4-t7-t8-digit"
)
ALTERNATIVE: Final = 'or read the T7 over Ethernet without it: transport = {kind = "modbus", …}'

_TYPES: Final = {"H": 0, "I": 1, "f": 3}  # LJM_UINT16, LJM_UINT32, LJM_FLOAT32
_SKIPPED: Final = -9999.0  # what LJM puts in place of every sample that the T7 skipped
_WARNINGS: Final = range(200, 400)
_DEFAULT_CALIBRATION: Final = 203
_STREAM_SETTLING_US: Final = Register(4008, "f")
_STREAM_RESOLUTION_INDEX: Final = Register(4010, "I")


def load_ljm(where: str) -> Any:
    """Import the wrapper and make sure that it has found its native library.

    Without the library the import succeeds, prints to standard output, and every later call
    fails with AttributeError.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            ljm = importlib.import_module("labjack.ljm")
    except ImportError as error:
        raise ConfigError(
            f"{where}: transport",
            "the Python package labjack-ljm is not installed",
            f"Install soclab-collectors[ljm] and LabJack's LJM library from {INSTALLER}, "
            f"{ALTERNATIVE}.",
        ) from error
    if ljm.ljm._staticLib is None:  # the wrapper has no public way to tell
        raise ConfigError(
            f"{where}: transport",
            "LabJack's native library (libLabJackM.so) is not installed",
            f"Get it from {INSTALLER}, {ALTERNATIVE}.",
        )
    return ljm


class LjmLink:
    """See T7Link."""

    def __init__(self, connection: str, identifier: str) -> None:
        self.where = f"T7 ({connection} {identifier}) through LJM"
        self._connection = connection
        self._identifier = identifier
        self._ljm: Any = None
        self._handle: int | None = None
        self._channels = 0

    def open(self) -> None:
        """Open the device; LJM itself reconnects later, after which settings are verified."""
        if self._ljm is None:
            self._ljm = load_ljm(self.where)
        self.close()
        with self._errors("open"):
            self._handle = self._ljm.openS("T7", self._connection, self._identifier)

    def read(self, registers: Sequence[Register]) -> Sequence[float]:
        """Return values by one call of the library, which makes one command of it if it fits."""
        handle = self._opened()
        addresses = [r.address for r in registers]
        with self._errors(f"read {addresses}"):
            return list(
                self._ljm.eReadAddresses(
                    handle, len(registers), addresses, [_TYPES[r.kind] for r in registers]
                )
            )

    def write(self, register: Register, value: float) -> None:
        """Write one register."""
        handle = self._opened()
        with self._errors(f"write {value:g} to {register.address}"):
            self._ljm.eWriteAddress(handle, register.address, _TYPES[register.kind], value)

    def start_stream(self, plan: StreamPlan) -> StreamStarted:
        """Start a stream; LJM turns counts into volts with the device's calibration."""
        handle = self._opened()
        self.write(_STREAM_SETTLING_US, plan.settling_us)
        self.write(_STREAM_RESOLUTION_INDEX, plan.resolution_index)
        scans = max(1, round(plan.scan_rate_hz * plan.latency_s))
        calibration, rate_hz = "device", plan.scan_rate_hz
        try:
            rate_hz = self._ljm.eStreamStart(
                handle, scans, len(plan.ains), [2 * ain for ain in plan.ains], plan.scan_rate_hz
            )
        except self._ljm.LJMError as error:
            if error.errorCode != _DEFAULT_CALIBRATION:  # that one is a warning: it has started
                raise self._translated(error, "start the stream") from error
            calibration = "nominal"
        self._channels = len(plan.ains)
        return StreamStarted(rate_hz, calibration)

    def read_stream(self) -> list[Block]:
        """Wait for samples and return them."""
        handle = self._opened()
        with self._errors("read the stream"):
            data, _device_backlog, _library_backlog = self._ljm.eStreamRead(handle)
        return list(blocks_of(data, self._channels))

    def close(self) -> None:
        """Stop the stream if one runs and close the device."""
        if self._handle is None:
            return
        if self._channels:
            with contextlib.suppress(self._ljm.LJMError):  # it may be gone; so is the stream then
                self._ljm.eStreamStop(self._handle)
        with contextlib.suppress(self._ljm.LJMError):
            self._ljm.close(self._handle)
        self._handle, self._channels = None, 0

    def _opened(self) -> int:
        if self._handle is None:
            raise UnavailableError(f"{self.where}: not open")
        return self._handle

    @contextlib.contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except self._ljm.LJMError as error:
            raise self._translated(error, doing) from error

    def _translated(self, error: Any, doing: str) -> Exception:
        code = error.errorCode
        if code in _WARNINGS:
            return BadReplyError(f"{self.where}: {doing}: {error}")
        return error_of(code, self.where, f"{doing}: {error}")


def blocks_of(data: Sequence[float], channels: int) -> Iterator[Block]:
    """Yield what LJM read; scans that the T7 skipped separate blocks."""
    if _SKIPPED not in data:
        yield _block(data, channels, 0)
        return
    scans, start, skipped = len(data) // channels, 0, 0
    gap = [_SKIPPED] * channels
    for scan in range(scans):
        if list(data[scan * channels : (scan + 1) * channels]) == gap:
            if scan > start:
                yield _block(data[start * channels : scan * channels], channels, skipped)
                skipped = 0
            skipped += 1
            start = scan + 1
    if start < scans or skipped:
        yield _block(data[start * channels :], channels, skipped)


def _block(data: Sequence[float], channels: int, skipped: int) -> Block:
    columns = tuple(Column(data[i::channels], 1.0, 0.0) for i in range(channels))
    return Block(columns, len(data) // channels, skipped)
