"""A simulated lab: a world that is measured, and devices on wires that measure it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import msgspec

from soclab_simulators.devices import AnySettings, Device, create_device
from soclab_simulators.plant.world import PlantSettings, PlantWorld

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from soclab_simulators.source import Source
    from soclab_simulators.wire.pty_port import PtyPort


class World(Protocol):
    """What there is to be measured: the virtual plant or a recording."""

    def source(self, name: str, kind: str, port: PtyPort | None) -> Source:
        """Return it as the device of this name and kind (on this serial port) measures it."""

    def follow_load(self, commanded_a: Callable[[], float | None]) -> None:
        """Take note of the current that somebody sets at the electronic load."""

    async def run(self) -> None:
        """Keep it going."""


class RecordingSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Section ``[recording]``."""

    file: str
    """The recording."""
    timeline_directory: str
    """Folder with the file ``NAME.timeline`` of every device, which whoever plays has made."""


class LabConfig(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The configuration file of ``soclab-simulators``: either a plant or a recording."""

    plant: PlantSettings | None = None
    recording: RecordingSettings | None = None
    devices: list[AnySettings]
    serial_group: str = ""
    """Group that may open the serial ports, if collectors run as another user."""

    def __post_init__(self) -> None:
        """Refuse what no type can express."""
        if (self.plant is None) == (self.recording is None):
            raise ValueError("it needs either a section [plant] or a section [recording]")


class Lab:
    """Use as a context: devices can be reached from entering to leaving it."""

    def __init__(self, config: LabConfig) -> None:
        self._world = _create_world(config)
        self._devices: dict[str, Device] = {
            settings.name: create_device(settings, self._world, config.serial_group)
            for settings in config.devices
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


def _create_world(config: LabConfig) -> World:
    if config.plant is not None:
        return PlantWorld(config.plant)
    from soclab_simulators.replay.world import ReplayWorld  # noqa: PLC0415  it loads pyarrow

    assert config.recording is not None  # noqa: S101  checked when it was read
    return ReplayWorld(Path(config.recording.file), Path(config.recording.timeline_directory))
