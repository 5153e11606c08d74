"""The device on its wire: publishes, answers, and misbehaves on demand."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING, Final

from soclab_simulators.thingset.device import ThingSetDevice

if TYPE_CHECKING:
    from soclab_simulators.source import Snapshot, Source
    from soclab_simulators.wire.pty_port import PtyPort

RECEIVE_BUFFER_BYTES: Final = 512  # the firmware's default
LOG_EVERY: Final = 10
BOOT_BANNER: Final = b"*** Booting Zephyr OS build zephyr-v2.4.0 ***\r\n"


class ThingSetSimulator:
    """A charge controller that shows what ``source`` says.

    Parameters
    ----------
    source
        Where values come from; it also decides when a publication is due.
    port
        The serial line.
    generation
        "A" (v0.3) to "D" (v0.6).
    crc
        Whether messages carry a checksum (generation D).
    console
        Whether the line is the console of the firmware as well: logs mix in, requests are echoed.
    decimals
        Of battery voltage and current; the firmware has 2, a recording in mV and mA needs 3.
    extra
        Values published beside the default set, by generation A's names (Bat_degC).
    publishing
        Whether publishing is on at power-on.

    Attributes
    ----------
    requests
        Everything received so far, line by line.
    """

    def __init__(
        self,
        source: Source,
        port: PtyPort,
        *,
        generation: str = "A",
        crc: bool = False,
        console: bool = False,
        decimals: int = 2,
        extra: tuple[str, ...] = (),
        publishing: bool = True,
    ) -> None:
        finer = {"Bat_V": decimals, "Bat_A": decimals}
        self.device = ThingSetDevice(generation, crc=crc, finer=finer, extra=extra)
        self.device.settings["enable"] = publishing
        self.requests: list[str] = []
        self._source = source
        self._port = port
        self._crc = crc
        self._console = console
        self._pending_faults: list[bytes] = []
        self._cut_at: int | None = None
        self._unread = b""
        self._published = 0
        self._last_published_s = float("-inf")

    async def run(self) -> None:
        """Publish and answer until cancelled; unplugging is survived."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publish())
            tasks.create_task(self._answer())

    def inject(self, data: bytes) -> None:
        """Put bytes on the line before the next publication: garbage, half lines, an echo."""
        self._pending_faults.append(data)

    def cut_next_line(self, after: int) -> None:
        """Lose the rest of the next publication, its line end included."""
        self._cut_at = after

    def lose_line_end(self) -> None:
        """Send 4 kB without a line end, as a device of another baud rate seems to."""
        self.inject(b"\x55" * 4200)

    async def restart(self) -> None:
        """Restart the firmware: uptime begins anew and publishing is off."""
        self.device.restart()
        await self._port.send(BOOT_BANNER)

    async def _publish(self) -> None:
        while True:
            if not self.device.settings["enable"]:
                self.device.measure(self._source.snapshot())
                await asyncio.sleep(0.02)
                continue
            now = await self._source.publication()
            if self._source.lossless:
                await self._port.send(self._with_faults(now), lossless=True)
            elif self.device.settings["enable"] and self._due(now):  # perhaps no longer
                await self._port.send(self._with_faults(now))

    def _due(self, now: Snapshot) -> bool:
        """Tell whether the configured period has passed; sources pace at the default of 1 s."""
        period_s = self.device.settings["period_ms"] / 1000
        if now.time_s - self._last_published_s < period_s - 0.5 and period_s > 1:
            return False
        self._last_published_s = now.time_s
        return True

    def _with_faults(self, now: Snapshot) -> bytes:
        line = self.device.publication(now)
        self._published += 1
        if self._cut_at is not None:
            line, self._cut_at = line[: self._cut_at], None
        if self._console and self._published % LOG_EVERY == 1:
            line = (
                b"[00:00:%02d.000] <inf> bat_charger: still here\r\n" % (self._published % 60)
                + line
            )
        if self._pending_faults:
            line = b"".join(self._pending_faults) + line
            self._pending_faults.clear()
        return line

    async def _answer(self) -> None:
        while True:
            data = await self._port.receive()
            if not data:  # unplugged
                self._unread = b""
                await asyncio.sleep(0.02)
                continue
            *lines, self._unread = (self._unread + data).split(b"\n")
            for line in lines:
                await self._answer_one(line.removesuffix(b"\r"))

    async def _answer_one(self, line: bytes) -> None:
        request = line.decode("ascii", "replace")
        self.requests.append(request)
        if self._console:
            echo = f"Received Request ({len(request)} bytes): {request}\n"
            await self._port.send(echo.encode())
        if len(line) >= RECEIVE_BUFFER_BYTES:
            answer: str | None = ""
        else:
            self.device.measure(self._source.snapshot())
            answer = self.device.process(_without_crc(request) if self._crc else request)
        if answer is None:
            return
        reply = answer.encode()
        if self._crc and reply:
            reply += b" %08X#" % zlib.crc32(reply)
        await self._port.send(reply + self.device.table.line_end)
        if self.device.restart_requested:
            await self.restart()


def _without_crc(request: str) -> str:
    message, _, crc = request.rpartition(" ")
    if crc.endswith("#") and crc[:-1] == f"{zlib.crc32(message.encode()):08X}":
        return message
    return request
