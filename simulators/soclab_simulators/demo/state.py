"""The folder in which a demo keeps everything, so that a second start finds it again."""

from __future__ import annotations

import fcntl
import shutil
import time
from typing import TYPE_CHECKING, Final

import platformdirs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LOCK_PATIENCE_S: Final = 20.0
_FOLDERS: Final = ("archive", "config", "influxdb", "logs", "plant", "serial", "spool", "timelines")
_KEPT_ARCHIVES: Final = 3  # runs whose readings stay on this disk as well


class DemoError(Exception):
    """A step of the demo failed; says why and what to do next."""


class State:
    """Paths below the state folder, and the lock on it.

    The lock's descriptor is inherited by every program that the demo starts: as long as one of
    them lives, another demo waits.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.influxdb = root / "influxdb"
        self.config = root / "config"
        self.logs = root / "logs"
        self.serial = root / "serial" / "by-id"
        self.spool = root / "spool"
        self.plant = root / "plant"
        self.timelines = root / "timelines"
        self.archive = root / "archive" / time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = (root / ".lock").open("a+")

    @property
    def lock_descriptor(self) -> int:
        """The open lock file."""
        return self._lock.fileno()

    def acquire(self, say: Callable[[str], None]) -> None:
        """Become the only demo in this folder."""
        deadline = time.monotonic() + _LOCK_PATIENCE_S
        waiting = False
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DemoError(
                        f"a demo is running in {self.root}. Stop it, or give this one a folder of "
                        "its own with --state"
                    ) from None
                if not waiting:
                    say("waiting for the programs of an earlier demo to end")
                waiting = True
                time.sleep(0.1)
            else:
                return

    def prepare(self, *, fresh: bool) -> None:
        """Make the folders; forget everything stored before if ``fresh``."""
        if fresh:
            for name in _FOLDERS:  # never more: --state may name a folder with other things in it
                shutil.rmtree(self.root / name, ignore_errors=True)
        for folder in (self.config, self.logs, self.serial, self.spool, self.plant, self.timelines):
            folder.mkdir(parents=True, exist_ok=True)
        old = sorted(p for p in self.archive.parent.glob("*") if p != self.archive)
        for folder in old[: -_KEPT_ARCHIVES + 1]:
            shutil.rmtree(folder)
        self.archive.mkdir(parents=True, exist_ok=True)


def default_root(recording: Path | None) -> Path:
    """Return the state folder: one for the plant, one for each recording."""
    root = platformdirs.user_state_path("soclab")
    return root / f"recording-{recording.stem}" if recording else root / "demo"
