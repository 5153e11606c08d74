"""One supervised program: started, restarted with backoff when it crashes, and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soclab_simulators.demo import child

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST_BACKOFF_S: Final = 0.5
LONGEST_BACKOFF_S: Final = 10.0
STEADY_S: Final = 30.0  # a unit that ran this long starts again from the shortest backoff
EX_CONFIG: Final = 78  # a restart would not help
_LOG_TAIL_BYTES: Final = 4096


class Unit:
    """A program with its log file.

    Parameters
    ----------
    name
        As the view shows it.
    command
        The program and its arguments.
    log
        Where its output goes, appended.
    kept_open
        A descriptor that it inherits: the lock that tells whether anything still runs.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, kept_open: int) -> None:
        self.name = name
        self.restarts = 0
        self.given_up = False
        self._command = list(command)
        self._log = log
        self._kept_open = kept_open
        self._process: subprocess.Popen[bytes] | None = None
        self._backoff_s = FIRST_BACKOFF_S
        self._started = 0.0
        self._restart_at: float | None = None
        self._log_from = 0

    @property
    def running(self) -> bool:
        """Whether its process is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    def start(self) -> None:
        """Start it; it shall not see the terminal's Ctrl-C, whose order of stopping is ours."""
        environment = {k: v for k, v in os.environ.items() if k != "NOTIFY_SOCKET"}
        wrapper = [sys.executable, "-I", "-S", str(Path(child.__file__)), str(os.getpid())]
        self._log_from = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*wrapper, *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                process_group=0,
                pass_fds=(self._kept_open,),
            )
        self._started = time.monotonic()
        self._restart_at = None

    def supervise(self) -> None:
        """Restart it when it has crashed and its time has come."""
        if self._process is None or self.running or self.given_up:
            return
        now = time.monotonic()
        if self._restart_at is None:
            if self._process.returncode == EX_CONFIG:
                self.given_up = True
                return
            if now - self._started > STEADY_S:
                self._backoff_s = FIRST_BACKOFF_S
            self._restart_at = now + self._backoff_s
            self._backoff_s = min(2 * self._backoff_s, LONGEST_BACKOFF_S)
        elif now >= self._restart_at:
            self.restarts += 1
            self.start()

    def stop(self, patience_s: float) -> None:
        """Ask it to end; insist after a while."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def describe(self) -> str:
        """Return how it is doing, in a few words."""
        if self._process is None:
            return "stopped"
        if self.given_up:
            return f"refused its configuration: {self.last_words()}"
        if not self.running:
            return f"crashed (exit {self._process.returncode}), will be restarted"
        return f"restarted {self.restarts}x" if self.restarts else "running"

    def output(self) -> str:
        """Return what it has said since its last start (the end of it)."""
        with self._log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_from, size - _LOG_TAIL_BYTES))
            return log.read().decode(errors="replace")

    def last_words(self) -> str:
        """Return its last line of output."""
        lines = self.output().strip().splitlines()
        return lines[-1] if lines else f"nothing in {self._log}"
