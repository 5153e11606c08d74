"""Segments: files of whole lines, named by their order and by the clock of their timestamps."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPEN_SUFFIX: Final = ".open"  # still written to; becomes a segment when it loses this suffix
COPY_SUFFIX: Final = ".copy"  # half of a rescue after a failed fsync; worth nothing by itself
_NAME: Final = re.compile(r"^(\d{12,})\.(?:lp|([0-9a-f-]{36})\.boot)$")


class Segment(NamedTuple):
    """A closed segment: durable, complete and never changed again.

    With ``boot_id`` None its timestamps are Unix time; otherwise CLOCK_BOOTTIME of that boot.
    """

    sequence: int
    boot_id: str | None

    @property
    def name(self) -> str:
        """Return the file name."""
        kind = "lp" if self.boot_id is None else f"{self.boot_id}.boot"
        return f"{self.sequence:012d}.{kind}"

    @classmethod
    def parse(cls, name: str) -> Segment | None:
        """Return the segment that a file name stands for, None if it is something else."""
        match = _NAME.match(name)
        return cls(int(match[1]), match[2]) if match else None


def file_names(folder: Path) -> list[str]:
    """Return what is in ``folder``, in no order."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def closed_segments(folder: Path) -> list[Segment]:
    """Return the closed segments in ``folder``, oldest first."""
    return sorted(
        (s for s in map(Segment.parse, file_names(folder)) if s is not None),
        key=lambda s: s.sequence,
    )


def spool_folders(directory: Path) -> Iterator[Path]:
    """Yield the folder of every instrument; names with ``_`` are the uploader's own."""
    with os.scandir(directory) as entries:
        names = sorted(e.name for e in entries if e.is_dir() and not e.name.startswith(("_", ".")))
    for name in names:
        yield directory / name
