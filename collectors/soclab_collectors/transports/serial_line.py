"""A serial line (or a pty that poses as one), with every failure told as UnavailableError."""

from __future__ import annotations

import os
import select
import termios
from typing import Final

import serial

from soclab_collectors.errors import UnavailableError

_FAILURES: Final = (serial.SerialException, OSError, termios.error)
_WRITE_TIMEOUT_S: Final = 1.0  # requests are short: if one does not leave, the adapter hangs


class SerialLine:
    """Opens lazily and exclusively; reads with a timeout and returns what has arrived by then.

    Parameters
    ----------
    path
        Stable device name, ``/dev/serial/by-id/…``: ``/dev/ttyUSB0`` changes owners on replug.
    baud, parity
        Line settings; 8 data bits and 1 stop bit always. Parity is "N", "O" or "E".
    """

    def __init__(self, path: str, baud: int, parity: str = "N") -> None:
        self._path = path
        self._baud = baud
        self._parity = parity
        self._port: serial.Serial | None = None

    def open(self) -> None:
        """Open the port; opening discards, exactly once, what was waiting in it.

        Once, because a second look would drop what a device sends right after the first.
        """
        self.close()
        try:
            self._port = serial.Serial(
                self._path,
                self._baud,
                parity=self._parity,
                timeout=0,
                write_timeout=_WRITE_TIMEOUT_S,
                exclusive=True,
            )
            if self._parity != serial.PARITY_NONE:
                _drop_bytes_of_wrong_parity(self._port.fileno())
        except _FAILURES as error:
            self.close()
            raise UnavailableError(f"cannot open {self._path}: {error}") from error

    def write(self, data: bytes) -> None:
        """Send all bytes."""
        try:
            self._opened().write(data)
        except _FAILURES as error:
            raise UnavailableError(f"{self._path} is gone: {error}") from error

    def read(self, most: int, timeout_s: float) -> bytes:
        """Return 1 to ``most`` bytes, or none if nothing arrived within ``timeout_s``.

        Waits and reads here: pyserial reconfigures the port whenever its timeout changes, and
        looks for more bytes twice where the caller takes what there is.
        """
        port = self._opened().fileno()
        try:
            ready, _, _ = select.select([port], [], [], timeout_s)
            data = os.read(port, most) if ready else b""
        except _FAILURES as error:
            raise UnavailableError(f"{self._path} is gone: {error}") from error
        if ready and not data:
            raise UnavailableError(f"{self._path} is gone: the line was hung up")
        return data

    def close(self) -> None:
        """Close the port if it is open."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def _opened(self) -> serial.Serial:
        if self._port is None:
            raise UnavailableError(f"{self._path} is not open")
        return self._port


def _drop_bytes_of_wrong_parity(port: int) -> None:
    """Let the kernel check parity, which pyserial switches off: damaged bytes do not arrive.

    A missing byte is noticed for certain where a changed one may not be: two flipped bits in two
    bytes can cancel each other in a checksum that is a sum.
    """
    settings = termios.tcgetattr(port)
    settings[0] |= termios.INPCK | termios.IGNPAR  # input flags
    termios.tcsetattr(port, termios.TCSANOW, settings)
