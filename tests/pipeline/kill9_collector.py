"""The real ``soclab-collector`` beside a simulated charge controller, to be killed."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from soclab_simulators.source import Snapshot
from soclab_simulators.thingset import ThingSetSimulator
from soclab_simulators.wire.pty_port import PtyPort

from tests.pipeline.bench_lab import DeviceThread

if TYPE_CHECKING:
    from pathlib import Path

PUBLICATIONS_PER_S = 100
_LINE = re.compile(r"^battery,\S*instrument=mppt\S* .*voltage_v=([^, ]+)\S* (\d+)$", re.MULTILINE)


class CountingSource:
    """Every publication shows another uptime, so that none can be stored twice unnoticed."""

    lossless = False

    def __init__(self) -> None:
        self.published = 0

    def snapshot(self) -> Snapshot:
        volts = 11.0 + self.published % 400 / 100
        return Snapshot(float(self.published), battery_v=volts, battery_a=1.5)

    async def publication(self) -> Snapshot:
        await asyncio.sleep(1 / PUBLICATIONS_PER_S)
        self.published += 1
        return self.snapshot()


class Collector:
    """A unit as a Pi runs it; what it accepted is in spool and archive.

    The charge controller itself is never killed: it goes on publishing to nobody.
    """

    name = "mppt"

    def __init__(self, config_path: Path, archive: Path) -> None:
        self._folders = (config_path.parent / "spool" / self.name, archive / self.name)
        port = PtyPort(config_path.parent / "serial" / "by-id" / "usb-mppt")
        port.plug()
        self._device = DeviceThread(ThingSetSimulator(CountingSource(), port).run)
        self._device.__enter__()
        config_path.write_text(
            config_path.read_text().replace("instruments = []", "")
            + f'\n[[instruments]]\nname = "mppt"\nkind = "thingset"\nbattery = "b"\n'
            f'port = "{port.path}"\n'
        )
        self._log = config_path.with_name("mppt.log")
        self._command = [sys.executable, "-m", "soclab_collectors.collector.main", "run", "mppt"]
        self._command += ["--config", str(config_path)]
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stderr=log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        self._device.__exit__()
        return self.process.wait(timeout=20)

    def readings(self) -> tuple[dict[int, float], set[int]]:
        """Return value by time of everything accepted, and the times of it.

        An uploaded segment is in the archive, which takes nothing that was not in the spool.
        """
        accepted = {
            int(time_ns): float(value)
            for folder in self._folders
            for segment in folder.glob("*.lp*")
            for value, time_ns in _LINE.findall(segment.read_text())
        }
        return accepted, set(accepted)
