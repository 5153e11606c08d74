"""A pty that poses as a USB serial adapter, with a stable name that can be unplugged."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import termios
import tty
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_READ_BYTES: Final = 4096


class PtyPort:
    """The device's end of a serial line; the collector opens ``path``.

    A pty knows neither baud rate nor parity, so mistakes in those cannot be found with it.

    Parameters
    ----------
    path
        Where the symbolic link appears, such as ``…/serial/by-id/usb-FTDI_…``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._device = -1
        self._held_open = -1

    @property
    def plugged(self) -> bool:
        """Whether the adapter is there."""
        return self._device >= 0

    def plug(self) -> None:
        """Make the device appear under its stable name."""
        if self.plugged:
            return
        self._device, self._held_open = os.openpty()  # held open: else reads fail without a reader
        tty.setraw(self._held_open)
        os.set_blocking(self._device, False)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.new")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(os.ttyname(self._held_open))
        temporary.replace(self.path)

    def unplug(self) -> None:
        """Make the device vanish: whoever has it open gets an input/output error."""
        if not self.plugged:
            return
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(RuntimeError):  # no loop is running: nothing waits on it
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._device)
            loop.remove_writer(self._device)
        os.close(self._held_open)
        os.close(self._device)
        self._device = self._held_open = -1

    def discard_unread(self) -> None:
        """Drop what was sent and has not been read."""
        termios.tcflush(self._held_open, termios.TCIFLUSH)

    async def receive(self) -> bytes:
        """Wait for bytes from the collector; empty once unplugged."""
        while self.plugged:
            try:
                return os.read(self._device, _READ_BYTES)
            except BlockingIOError:
                await self._ready(writing=False)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                return b""
        return b""

    async def send(self, data: bytes, *, lossless: bool = False) -> None:
        """Send bytes; what does not fit is lost as on a real line, or waits if ``lossless``."""
        while data and self.plugged:
            try:
                data = data[os.write(self._device, data) :]
            except BlockingIOError:
                if not lossless:
                    return
                await self._ready(writing=True)

    async def _ready(self, *, writing: bool) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()

        def wake() -> None:
            if not ready.done():
                ready.set_result(None)

        add, remove = (
            (loop.add_writer, loop.remove_writer)
            if writing
            else (loop.add_reader, loop.remove_reader)
        )
        device = self._device
        add(device, wake)
        try:
            while not ready.done() and self.plugged:
                await asyncio.wait({ready}, timeout=0.2)  # notices an unplug meanwhile
        finally:
            if self._device == device:
                remove(device)
