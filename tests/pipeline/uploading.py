"""An uploader for tests: in this process, step by step, or as the program that a Pi runs."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from soclab_collectors.clock.system import SystemClock
from soclab_collectors.config import Config, load_config
from soclab_collectors.reading import Stamp
from soclab_collectors.spool import SpoolWriter
from soclab_collectors.spool.boots import BootDates
from soclab_collectors.spool.segment import closed_segments
from soclab_collectors.uploader.archive import Archive
from soclab_collectors.uploader.client import WriteClient
from soclab_collectors.uploader.loop import POLL_S, Uploader
from soclab_collectors.uploader.quarantine import Quarantine

START_NS = 1_700_000_000_000_000_000


def write_config(folder: Path, url: str, token_file: Path, **sections: dict[str, object]) -> Path:
    """Write a collectors.toml; ``sections`` add to or replace what is in a section."""
    tables = {
        "clock": {"source": "trusted"},
        "spool": {"directory": str(folder / "spool"), "fsync_s": 0.05},
        "uploader": {"url": url, "token_file": str(token_file)},
    }
    for name, changes in sections.items():
        tables[name] |= changes
    lines = ['site = "lab"', "instruments = []", "monitor_s = 0.5"]
    for name, table in tables.items():
        lines.append(f"[{name}]")
        for key, value in table.items():
            shown = str(value).lower() if isinstance(value, bool) else repr(value)
            lines.append(f"{key} = {shown}")
    path = folder / "collectors.toml"
    path.write_text("\n".join(lines))
    return path


class Bench:
    """An uploader in this process with a spool to fill.

    Parameters
    ----------
    config_path
        Its collectors.toml.
    """

    def __init__(self, config_path: Path, clock: SystemClock | None = None) -> None:
        self.config_path = config_path
        self.config: Config = load_config(config_path)
        self.directory = Path(self.config.spool.directory)
        self.directory.mkdir(exist_ok=True)
        self.clock = clock or SystemClock("trusted")
        self.restart()

    def restart(self) -> None:
        """Begin with a new uploader that remembers nothing."""
        config = self.config
        self.boots = BootDates(self.directory)
        self.quarantine = Quarantine(self.directory, int(config.uploader.quarantine_max_mb * 1e6))
        self.uploader = Uploader(
            self.directory,
            config.uploader.batch_lines,
            WriteClient(config.uploader),
            self.clock,
            self.boots,
            self.quarantine,
            Archive(config.spool),
        )

    def fill(self, name: str, bodies: list[str], stamps: list[Stamp] | None = None) -> None:
        """Spool lines as a collector does, one second apart unless ``stamps`` says otherwise."""
        spool = SpoolWriter(self.directory / name, self.config.spool)
        for number, body in enumerate(bodies):
            stamp = stamps[number] if stamps else Stamp(START_NS + number * 10**9)
            spool.append(body, stamp)
        spool.close()
        assert spool.accepted_lines == len(bodies)

    def drain(self, *, max_steps: int = 1000) -> None:
        """Upload until nothing is left, without waiting where the uploader would."""
        for _ in range(max_steps):
            if self.uploader.step() == POLL_S:
                return
        raise AssertionError("the spool is not drained")

    def segments(self, name: str) -> list[str]:
        """Return the names of what waits."""
        return [s.name for s in closed_segments(self.directory / name)]


class Program:
    """The real ``soclab-uploader run``; can be killed and started again."""

    def __init__(self, config_path: Path, *options: str) -> None:
        self.log = config_path.with_suffix(".uploader.log")
        self._command = [
            sys.executable,
            "-m",
            "soclab_collectors.uploader.main",
            *options,
            "run",
            "--config",
            str(config_path),
        ]
        self.start()

    def start(self) -> None:
        """Start it; its log is appended to."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stderr=log)

    def kill(self) -> None:
        """Kill it as kill -9 does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it in good order and return its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=40)


def wait_until(condition, timeout_s: float, what: str) -> float:
    """Wait until ``condition()``; return the seconds it took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < timeout_s, f"{what}: not within {timeout_s} s"
        time.sleep(0.05)
    return time.monotonic() - started
