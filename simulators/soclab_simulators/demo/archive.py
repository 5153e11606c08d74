"""The lines that were accepted, as the spool's archive and what still waits in it have them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATED_SUFFIX: Final = ".lp"  # collectors/soclab_collectors/spool: timestamps are Unix time, in ns


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of accepted lines; ``confirmed_s`` is when the server had confirmed all of it."""

    path: Path
    confirmed_s: float
    closed_s: float

    def lines(self) -> Iterator[tuple[str, str, int]]:
        """Yield series, fields and timestamp in ns of every line."""
        for line in self.path.read_text(encoding="utf-8").split("\n"):
            if line:
                yield split_line(line)


class Archive:
    """Looks through the archive again and again, each time for what is new."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[str] = set()

    def new_segments(self) -> list[Segment]:
        """Return the segments that were confirmed since the last call."""
        found = []
        for path in sorted(self._folder.rglob(f"*{DATED_SUFFIX}")):
            key = str(path)
            if key in self._seen:
                continue
            self._seen.add(key)
            status = path.stat()
            # Moving a file into the archive sets its ctime and leaves its mtime.
            found.append(Segment(path, status.st_ctime, status.st_mtime))
        return found


def waiting_bytes(spool: Path, instrument: str) -> int:
    """Return how many bytes of one instrument wait for the server."""
    folder = spool / instrument
    try:
        with os.scandir(folder) as entries:
            return sum(e.stat().st_size for e in entries if e.is_file())
    except FileNotFoundError:  # the folder, or a segment that was just sent
        return 0


def split_line(line: str) -> tuple[str, str, int]:
    r"""Return series, fields and timestamp; spaces in names are escaped, those in texts quoted."""
    head, _, stamp = line.rpartition(" ")
    at = 0
    while True:
        at = head.index(" ", at)
        if head[at - 1] != "\\":
            return head[:at], head[at + 1 :], int(stamp)
        at += 1
