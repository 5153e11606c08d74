"""Configurations, clocks and battery values that the tests of the T7 share."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from soclab_collectors.instruments.labjack_t7.config import LabJackT7Config
from soclab_collectors.reading import Stamp
from soclab_simulators.labjack_t7 import LabJackT7Simulator
from soclab_simulators.source import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

CURRENT = {
    "ain": 1,
    "quantity": "current",
    "transfer": {
        "sensor": "lem",
        "burden_ohm": 100.0,
        "max_a": 60.0,
        "calibration_date": "2026-03-01",
    },
}
VOLTAGE = {
    "ain": 2,
    "quantity": "voltage",
    "transfer": {
        "sensor": "divider",
        "high_ohm": 10_000.0,
        "low_ohm": 10_000.0,
        "max_v": 16.0,
        "calibration_date": "2026-03-02",
    },
}


def t7_config(**changes: Any) -> LabJackT7Config:
    """Return a configuration with both sensors; nothing of it is validated yet."""
    entry = {
        "kind": "labjack_t7",
        "name": "labjack",
        "battery": "b1",
        "transport": {"kind": "modbus", "host": "127.0.0.1"},
        "channels": [CURRENT, VOLTAGE],
    }
    return msgspec.convert(entry | changes, LabJackT7Config)


class StepClock:
    """A clock that moves only when told."""

    def __init__(self, time_ns: int = 10**18) -> None:
        self.time_ns = time_ns
        self.boot_id: str | None = None

    def stamp(self) -> Stamp:
        return Stamp(self.time_ns, self.boot_id)

    now = stamp


class Battery:
    """A source whose values a test sets."""

    lossless = False

    def __init__(self, volts: float = 12.5, amperes: float = -5.0) -> None:
        self.volts = volts
        self.amperes = amperes

    def snapshot(self) -> Snapshot:
        return Snapshot(0.0, self.volts, self.amperes)

    async def publication(self) -> Snapshot:
        raise NotImplementedError


class Bench:
    """A simulated T7 on a thread of its own; ``do`` runs anything on that thread."""

    def __init__(self, simulator: LabJackT7Simulator, loop: asyncio.AbstractEventLoop) -> None:
        self.simulator = simulator
        self._loop = loop

    def do(self, function: Any, *arguments: Any) -> Any:
        async def call() -> Any:
            result = function(*arguments)
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    def config(self, **changes: Any) -> LabJackT7Config:
        transport = {
            "kind": "modbus",
            "host": "127.0.0.1",
            "port": self.simulator.port,
            "stream_port": self.simulator.stream_port,
            "timeout_s": 1.0,
        }
        return t7_config(**({"transport": transport} | changes))


@contextmanager
def bench(source: Any, **options: Any) -> Iterator[Bench]:
    """Run a simulated T7."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    running = Bench(LabJackT7Simulator(source, **options), loop)
    try:
        running.do(running.simulator.start)
        yield running
    finally:
        running.do(running.simulator.stop)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
