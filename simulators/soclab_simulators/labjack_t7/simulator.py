"""The device: two TCP ports, a power switch, and ways to misbehave."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Final

from soclab_simulators.labjack_t7.analog import AnalogInputs
from soclab_simulators.labjack_t7.modbus import answer
from soclab_simulators.labjack_t7.registers import Registers
from soclab_simulators.labjack_t7.stream import Stream
from soclab_simulators.labjack_t7.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable

    from soclab_simulators.source import Source

_HOST: Final = "127.0.0.1"
_T7: Final = 7.0


class LabJackT7Simulator:
    """A T7 on loopback; ports of 0 take free ones, see ``port`` and ``stream_port``.

    Parameters
    ----------
    source
        What the battery does.
    wiring
        How it reaches the inputs.
    pro, calibrated, serial, product
        Which T7 this is: with the slow converter, with constants in its flash; another product
        number makes it another device.
    stream_buffer_bytes
        How much may wait for a slow reader of the stream before scans are skipped.
    """

    def __init__(
        self,
        source: Source,
        *,
        wiring: Wiring | None = None,
        port: int = 0,
        stream_port: int = 0,
        pro: bool = False,
        calibrated: bool = True,
        serial: int = 470012345,
        product: float = _T7,
        stream_buffer_bytes: int = 1 << 15,
    ) -> None:
        self.port = port
        self.stream_port = stream_port
        self.commands = 0
        self._inputs = AnalogInputs(source, wiring or Wiring())
        self.registers = Registers(
            self._inputs,
            self._start_stream,
            self._stop_stream,
            serial=serial,
            pro=pro,
            calibrated=calibrated,
            product=product,
        )
        self.stream = Stream(
            self.registers,
            self._inputs,
            self._send_stream,
            lambda: max((w.transport.get_write_buffer_size() for w in self._listeners), default=0),
            stream_buffer_bytes,
        )
        self._servers: list[asyncio.Server] = []
        self._clients: set[asyncio.StreamWriter] = set()
        self._listeners: set[asyncio.StreamWriter] = set()
        self._mangle: deque[Callable[[bytes], bytes]] = deque()
        self._stalled_until = 0.0

    async def start(self) -> None:
        """Switch it on."""
        commands = await asyncio.start_server(self._serve, _HOST, self.port)
        stream = await asyncio.start_server(self._listen, _HOST, self.stream_port)
        self._servers = [commands, stream]
        self.port = commands.sockets[0].getsockname()[1]
        self.stream_port = stream.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Switch it off."""
        self.stream.stop()
        for server in self._servers:
            server.close()
        self.drop_connections()
        for server in self._servers:
            await server.wait_closed()
        self._servers = []

    def power_cycle(self, *, drop: bool = True) -> None:
        """Forget every setting; ``drop`` is False where something in between reconnects."""
        self.stream.stop()
        self.registers.power_on()
        if drop:
            self.drop_connections()

    def drop_connections(self) -> None:
        """Reset every connection."""
        for writer in self._clients | self._listeners:
            writer.transport.abort()

    def mangle(self, change: Callable[[bytes], bytes]) -> None:
        """Change the next answer that is not changed already, header included."""
        self._mangle.append(change)

    def garbage(self, data: bytes) -> None:
        """Send these bytes instead of the next answer."""
        self.mangle(lambda _answer: data)

    def wrong_transaction(self) -> None:
        """Send the next answer under a number that nobody asked with."""
        self.mangle(lambda frame: bytes([frame[0] ^ 0x55]) + frame[1:])

    def send_stream(self, data: bytes) -> None:
        """Send any bytes to whoever listens to the stream."""
        self._send_stream(data)

    def stall(self, seconds: float) -> None:
        """Answer nothing for a while."""
        self._stalled_until = asyncio.get_running_loop().time() + seconds

    def _start_stream(self) -> None:
        self.stream.start()

    def _stop_stream(self) -> None:
        self.stream.stop()

    def _send_stream(self, data: bytes) -> None:
        for writer in self._listeners:
            writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while True:
                header = await reader.readexactly(7)
                pdu = await reader.readexactly(max(1, int.from_bytes(header[4:6], "big") - 1))
                await asyncio.sleep(self._stalled_until - asyncio.get_running_loop().time())
                self.commands += 1
                result = answer(self.registers, self._inputs.volts, pdu)
                length = (1 + len(result)).to_bytes(2, "big")
                frame = header[:4] + length + header[6:7] + result
                writer.write(self._mangle.popleft()(frame) if self._mangle else frame)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the collector went away: a device does not mind
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._listeners.add(writer)
        try:
            with contextlib.suppress(ConnectionError):
                await reader.read()  # a listener says nothing: this returns when it is gone
        finally:
            self._listeners.discard(writer)
            writer.close()
