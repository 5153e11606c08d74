"""The simulated devices of a lab, as its configuration names them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from soclab_simulators.ea_el3000 import EaEl3000Simulator
from soclab_simulators.labjack_t7 import LabJackT7Simulator
from soclab_simulators.labjack_t7.wiring import CurrentSensor, VoltageSensor, Wiring
from soclab_simulators.thingset import ThingSetSimulator
from soclab_simulators.wire.pty_port import PtyPort

if TYPE_CHECKING:
    from soclab_simulators.lab import World


class EaEl3000Settings(
    msgspec.Struct, forbid_unknown_fields=True, tag_field="kind", tag="ea_el3000"
):
    """An electronic load on a pty."""

    name: str
    port: str


class ThingSetSettings(
    msgspec.Struct, forbid_unknown_fields=True, tag_field="kind", tag="thingset"
):
    """A charge controller on a pty."""

    name: str
    port: str


class LabJackT7Settings(
    msgspec.Struct, forbid_unknown_fields=True, tag_field="kind", tag="labjack_t7"
):
    """A data acquisition device on loopback; the wiring is that of ``WIRING``."""

    name: str
    port: int
    stream_port: int


# A divider of two equal resistors, and a LEM LA 55-P with one turn and a burden of 100 ohm.
WIRING = Wiring(
    voltage=VoltageSensor(ain=0, ratio=2.0), current=CurrentSensor(ain=2, volts_per_a=0.1)
)

AnySettings = EaEl3000Settings | LabJackT7Settings | ThingSetSettings


class Device(Protocol):
    """A simulated device between starting and stopping."""

    @property
    def address(self) -> str:
        """Where it can be reached."""

    async def start(self) -> None:
        """Make it reachable."""

    async def stop(self) -> None:
        """Make it vanish."""

    async def run(self) -> None:
        """Keep it answering."""


class SerialDevice:
    """A device on a pty."""

    def __init__(self, simulator: EaEl3000Simulator | ThingSetSimulator, port: PtyPort) -> None:
        self._port = port
        self._simulator = simulator

    @property
    def address(self) -> str:
        """The path of its port."""
        return str(self._port.path)

    async def start(self) -> None:
        """Plug it in."""
        self._port.plug()

    async def stop(self) -> None:
        """Unplug it."""
        self._port.unplug()

    async def run(self) -> None:
        """Keep it answering."""
        await self._simulator.run()


class NetworkDevice:
    """A device on TCP ports of loopback."""

    def __init__(self, simulator: LabJackT7Simulator) -> None:
        self._simulator = simulator

    @property
    def address(self) -> str:
        """Host and port for commands; a port of 0 has become a free one once it is started."""
        return f"127.0.0.1:{self._simulator.port}"

    async def start(self) -> None:
        """Listen."""
        await self._simulator.start()

    async def stop(self) -> None:
        """Hang up."""
        await self._simulator.stop()

    async def run(self) -> None:
        """Wait for ever: its server runs in the background."""
        await asyncio.Event().wait()


def create_device(settings: AnySettings, world: World, serial_group: str = "") -> Device:
    """Return a device that measures the world.

    Playing a recording, it shows every digit of it and never takes its time.
    """
    kind = str(settings.__struct_config__.tag)
    if isinstance(settings, LabJackT7Settings):
        simulator = LabJackT7Simulator(
            world.source(settings.name, kind, None),
            wiring=WIRING,
            port=settings.port,
            stream_port=settings.stream_port,
        )
        return NetworkDevice(simulator)
    port = PtyPort(Path(settings.port), serial_group)
    source = world.source(settings.name, kind, port)
    if isinstance(settings, ThingSetSettings):
        decimals = 3 if source.lossless else 2
        return SerialDevice(
            ThingSetSimulator(source, port, decimals=decimals, extra=("Bat_degC",)), port
        )
    load = EaEl3000Simulator(source, port, response_delay_s=0.0 if source.lossless else 0.005)
    world.follow_load(load.load.commanded_a)
    return SerialDevice(load, port)
