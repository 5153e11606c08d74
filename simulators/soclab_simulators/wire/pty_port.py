"""A pty that poses as a USB serial adapter, with a stable name that can be unplugged."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import select
import shutil
import struct
import termios
import tty
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_READ_BYTES: Final = 4096
_TIOCPKT_FLUSHREAD: Final = 1  # <asm/ioctls.h>: the reader has discarded its input
_LOOK_AGAIN_S: Final = 0.02  # no event tells that a closed pty was opened


class PtyPort:
    """The device's end of a serial line; the collector opens ``path``.

    As with a real adapter, what is sent while nobody has the port open is lost.
    A pty knows neither baud rate nor parity, so mistakes in those cannot be found with it.

    Parameters
    ----------
    path
        Where the symbolic link appears, such as ``…/serial/by-id/usb-FTDI_…``.
    group
        Group that may open it, as ``dialout`` may open a real adapter; without one, only this
        user may.
    """

    def __init__(self, path: Path, group: str = "") -> None:
        self.path = path
        self._group = group
        self.openings = 0
        """How often a reader has opened the port and, as serial libraries do, discarded input."""
        self._device = -1
        self._pluggings = 0
        self._hangup = select.poll()
        self._terminal = ""
        self._listening = False
        self._unplugged = 0  # how often: the next pty may get the descriptor of the last one

    @property
    def plugged(self) -> bool:
        """Whether the adapter is there."""
        return self._device >= 0

    @property
    def connected(self) -> bool:
        """Whether somebody has the port open."""
        return self.plugged and not self._hangup.poll(0)

    @property
    def listening(self) -> bool:
        """Whether whoever has the port open is past discarding input, so that nothing is lost."""
        return self._listening and self.connected

    def plug(self) -> None:
        """Make the device appear under its stable name."""
        if self.plugged:
            return
        self._pluggings += 1
        self._device, terminal = os.openpty()
        tty.setraw(terminal)  # settings outlive readers: they belong to the pty
        self._terminal = os.ttyname(terminal)
        if self._group:
            shutil.chown(terminal, group=self._group)
            os.chmod(terminal, 0o660)  # noqa: PTH101  it has no Path, only a descriptor
        os.close(terminal)
        os.set_blocking(self._device, False)
        self._hangup = select.poll()
        self._hangup.register(self._device, 0)  # POLLHUP is reported unasked
        # Packet mode: every read starts with a byte that tells whether the reader flushed.
        fcntl.ioctl(self._device, termios.TIOCPKT, struct.pack("i", 1))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.new")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(self._terminal)
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
        os.close(self._device)
        self._device = -1
        self._listening = False
        self._unplugged += 1

    def discard_unread(self) -> None:
        """Drop what was sent and has not been read.

        The rest is read and not flushed: a flush would look like a reader's.
        """
        termios.tcflush(self._device, termios.TCOFLUSH)
        terminal = os.open(self._terminal, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            while os.read(terminal, _READ_BYTES):
                pass
        except BlockingIOError:
            pass
        finally:
            os.close(terminal)

    async def receive(self) -> bytes:
        """Wait for bytes from the collector; empty once unplugged."""
        unplugged = self._unplugged
        while self.plugged and self._unplugged == unplugged:
            try:
                packet = os.read(self._device, _READ_BYTES)
            except BlockingIOError:
                await self._ready(writing=False)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                await self._until_opened()
            else:
                if packet[0] == 0 and len(packet) > 1:
                    return packet[1:]
                if packet[0] & _TIOCPKT_FLUSHREAD:
                    self.openings += 1
                    self._listening = True
        return b""

    async def send(self, data: bytes, *, lossless: bool = False) -> None:
        """Send bytes; what does not fit is lost as on a real line.

        If ``lossless`` they wait instead, for room and for somebody to listen; that takes a
        running ``receive``.
        """
        while lossless and self.plugged and not self.listening:
            await asyncio.sleep(_LOOK_AGAIN_S)
        if not self.connected:
            return
        unplugged = self._unplugged
        while data and self._unplugged == unplugged:
            try:
                data = data[os.write(self._device, data) :]
            except BlockingIOError:
                if not lossless:
                    return
                await self._ready(writing=True)

    async def _until_opened(self) -> None:
        """Nobody has the port open: empty it and wait until somebody has."""
        self._listening = False
        if not self.connected:  # it may just have been opened
            self.discard_unread()
        while self.plugged and not self.connected:
            await asyncio.sleep(_LOOK_AGAIN_S)

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
        device, unplugged = self._device, self._unplugged
        add(device, wake)
        try:
            while not ready.done() and self._unplugged == unplugged:
                await asyncio.wait({ready}, timeout=0.2)  # notices an unplug meanwhile
        finally:
            if self._unplugged == unplugged:
                remove(device)
