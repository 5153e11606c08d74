"""Listens to the command lines of every process while something is done."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

PERIOD_S = 0.1


class Eavesdropper:
    """Collects the command lines that `ps` would show on this machine and in its guests."""

    def __init__(self) -> None:
        self.heard: set[str] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def _listen(self) -> None:
        while not self._stopped.wait(PERIOD_S):
            for process in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    self.heard.add((process / "cmdline").read_bytes().decode(errors="replace"))
