"""The load on its wire: takes telegrams from a pty, answers after a moment."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING, Final

from soclab_simulators.ea_el3000 import telegrams
from soclab_simulators.ea_el3000.faults import Faults
from soclab_simulators.ea_el3000.load import Load, Nominal
from soclab_simulators.ea_el3000.objects import ObjectTable
from soclab_simulators.ea_el3000.telegrams import Error, Request

if TYPE_CHECKING:
    from soclab_simulators.source import Source
    from soclab_simulators.wire.pty_port import PtyPort

_REPLUG_POLL_S: Final = 0.05
# A telegram of 21 bytes takes 4 ms; what has not ended after this never will.
_TELEGRAM_ENDS_S: Final = 0.1
_KEPT_REQUESTS: Final = 100


class EaEl3000Simulator:
    """An EL 3000 on a pty.

    Parameters
    ----------
    source, port
        What its terminals show and where it is plugged in.
    model, serial, nominal
        Who it is.
    device_node
        Its node; it also answers broadcasts.
    response_delay_s
        From the end of a telegram to the answer; 0 to play recordings as fast as possible.
    acknowledge
        Whether a successful write is answered; real families differ.
    follow_source
        Whether the source knows the current, see ``Load``.
    """

    def __init__(
        self,
        source: Source,
        port: PtyPort,
        *,
        model: str = "EL 3160-60A",
        serial: str = "1234567890",
        nominal: Nominal | None = None,
        device_node: int = 1,
        response_delay_s: float = 0.005,
        acknowledge: bool = False,
        follow_source: bool = True,
    ) -> None:
        self.load = Load(source, nominal or Nominal(), follow_source=follow_source)
        texts = {
            0: model,
            1: serial,
            6: "35320200",
            8: "EA-VIERSEN",
            9: "V5.05 02.08.12",
            10: "IF-U1",
            11: "1000000001",
        }
        self.objects = ObjectTable(self.load, texts)
        self.faults = Faults()
        self.received: deque[Request] = deque(maxlen=_KEPT_REQUESTS)
        """The last intact telegrams."""
        self.shortest_rest_s = math.inf
        """Shortest time between an answer and the next telegram; a real load needs 50 ms."""
        self._port = port
        self._node = device_node
        self._delay_s = response_delay_s
        self._acknowledge = acknowledge
        self._answered_at = -math.inf

    async def run(self) -> None:
        """Answer until cancelled, across unplugging and replugging."""
        loop = asyncio.get_running_loop()
        buffer = bytearray()
        received_at = 0.0
        while True:
            received = await self._port.receive()
            if not received:  # unplugged
                buffer.clear()
                await asyncio.sleep(_REPLUG_POLL_S)
                continue
            if loop.time() - received_at > _TELEGRAM_ENDS_S:
                buffer.clear()
            if not buffer:
                self.shortest_rest_s = min(self.shortest_rest_s, loop.time() - self._answered_at)
            received_at = loop.time()
            buffer += received
            for request in telegrams.take_requests(buffer):
                await self._respond(request)

    async def _respond(self, request: Request | Error) -> None:
        if isinstance(request, Request):
            self.received.append(request)
            reply = self.faults.spoil(self.reply_to(request), request.raw, request.number)
        else:
            reply = telegrams.error(self._node, request)
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        self._answered_at = asyncio.get_running_loop().time()
        if reply:
            await self._port.send(reply)

    def reply_to(self, request: Request) -> bytes:
        """Return the answer to an intact telegram; empty if there is none."""
        if request.node not in {0, self._node}:
            return telegrams.error(self._node, Error.NODE)
        if request.kind == "query":
            found = self.objects.read(request.number, request.length)
            if isinstance(found, Error):
                return telegrams.error(self._node, found)
            return telegrams.answer(self._node, request.number, found)
        error = self.objects.write(request.number, request.data)
        if error is Error.NONE and not self._acknowledge:
            return b""
        return telegrams.error(self._node, error)
