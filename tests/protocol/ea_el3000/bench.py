"""A load on a real pty, its simulator on a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from soclab_collectors.instruments.ea_el3000.config import EaEl3000Config
from soclab_simulators.ea_el3000 import EaEl3000Simulator
from soclab_simulators.wire.pty_port import PtyPort

from tests.protocol.ea_el3000.noisy_line import Terminals

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Bench:
    """One simulated load, plugged in; ``terminals`` are what it is connected to."""

    def __init__(self, folder: Path, **options) -> None:
        self.path = folder / "serial" / "by-id" / "usb-FTDI_EL3160-if00-port0"
        self.terminals = Terminals()
        self.port = PtyPort(self.path)
        self.simulator = EaEl3000Simulator(self.terminals, self.port, **options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Bench:
        self.port.plug()
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()
        self.port.unplug()

    def unplug(self) -> None:
        self._on_loop(self.port.unplug)

    def plug(self) -> None:
        self._on_loop(self.port.plug)

    def config(self, **settings) -> EaEl3000Config:
        return EaEl3000Config(
            **{"name": "load", "battery": "b", "path": str(self.path), "telegram_gap_s": 0.01}
            | settings
        )

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(self.simulator.run())
        self._loop.run_until_complete(asyncio.wait([self._task]))
        self._loop.close()

    def _on_loop(self, action: Callable[[], None]) -> None:
        async def call() -> None:
            action()

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(timeout=5)
