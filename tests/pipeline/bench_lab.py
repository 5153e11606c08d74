"""A small lab for tests: simulated devices on a thread of their own, units as real programs."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from soclab_simulators.source import Snapshot


class SteadySource:
    """Shows one snapshot, ``publication_s`` apart where the device publishes."""

    lossless = False

    def __init__(self, snapshot: Snapshot, publication_s: float = 0.05) -> None:
        self.shown = snapshot
        self._publication_s = publication_s
        self._started = time.monotonic()

    def snapshot(self) -> Snapshot:
        return self.shown._replace(time_s=time.monotonic() - self._started)

    async def publication(self) -> Snapshot:
        await asyncio.sleep(self._publication_s)
        return self.snapshot()


class DeviceThread:
    """Runs a simulated device until left; ``call`` does something to it on its own loop."""

    def __init__(self, run: Callable[[], Coroutine[None, None, None]]) -> None:
        self._run = run
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, daemon=True)

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(self._run())
        with contextlib.suppress(asyncio.CancelledError):  # how __exit__ ends it
            self._loop.run_until_complete(self._task)

    def call(self, function: Callable[[], object]) -> None:
        done = threading.Event()

        def run() -> None:
            function()
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(5), "the device's loop hangs"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(5)


class UnitProgram:
    """``soclab-collector run NAME`` as a Pi runs it, with what it logs in a file."""

    def __init__(self, config: Path, name: str, *, prefix: tuple[str, ...] = ()) -> None:
        self.log = config.with_name(f"{name}.log")
        self._command = [
            *prefix,
            *(sys.executable, "-m", "soclab_collectors.collector.main"),
            *("run", name, "--config", str(config)),
        ]
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(self._command, stderr=log, stdout=log)

    def restart(self) -> None:
        self.process = self._start()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it as systemd does and return its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=10)

    def logged(self) -> str:
        return self.log.read_text(encoding="utf-8")


def spooled(folder: Path, measurement: str) -> list[str]:
    """Return the lines of one measurement in a spool folder, open segments included."""
    lines = []
    for path in sorted(folder.glob("*.lp*")):
        try:
            whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
        except FileNotFoundError:  # closed at this moment
            whole = path.with_suffix("").read_text(encoding="utf-8")
        lines += [x for x in whole.splitlines() if x.startswith(f"{measurement},")]
    return lines


def wait_until(condition: Callable[[], object], timeout_s: float = 40.0) -> None:
    """Wait for a condition; fails with its name when it does not come."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s"
        time.sleep(0.02)
