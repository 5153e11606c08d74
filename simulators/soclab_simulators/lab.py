"""A simulated lab: a world that is measured, and devices on wires that measure it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, Self

import msgspec

from soclab_simulators.devices import (
    Device,
    EaEl3000Settings,
    LabJackT7Settings,
    ThingSetSettings,
    create_device,
)
from soclab_simulators.plant.world import PlantSettings, PlantWorld

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from soclab_simulators.source import Source


class World(Protocol):
    """What there is to be measured: the virtual plant or a recording."""

    def source(self, name: str, kind: str) -> Source:
        """Return it as the device of this name and kind measures it."""

    def follow_load(self, commanded_a: Callable[[], float | None]) -> None:
        """Take note of the current that somebody sets at the electronic load."""

    async def run(self) -> None:
        """Keep it going."""


class LabConfig(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The configuration file of ``soclab-simulators``."""

    plant: PlantSettings
    devices: list[EaEl3000Settings | LabJackT7Settings | ThingSetSettings]


class Lab:
    """Use as a context: devices can be reached from entering to leaving it."""

    def __init__(self, config: LabConfig) -> None:
        self._world: World = PlantWorld(config.plant)
        self._devices: dict[str, Device] = {
            settings.name: create_device(settings, self._world) for settings in config.devices
        }

    async def __aenter__(self) -> Self:
        for device in self._devices.values():
            await device.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for device in self._devices.values():
            await device.stop()

    def addresses(self) -> dict[str, str]:
        """Return where each device can be reached, by name."""
        return {name: device.address for name, device in self._devices.items()}

    async def run(self) -> None:
        """Run world and devices until cancelled or until one of them fails."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._world.run())
            for device in self._devices.values():
                tasks.create_task(device.run())
