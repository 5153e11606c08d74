"""The player's side of the timeline file: it creates the file and watches the cursor.

::

    8 bytes   magic "SOCLABT1"
    int64     number of rows n
    int64     cursor: rows taken by the collector so far
    float64   speed-up; infinity plays as fast as the wire allows
    int64[n]  recorded time of every row, ns since the Unix epoch, strictly increasing
"""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

MAGIC: Final = b"SOCLABT1"
_HEADER: Final = struct.Struct("=8sqqd")
_CURSOR_WORD: Final = 2


def create_timeline(path: Path, times_ns: NDArray[np.int64], speed: float) -> Timeline:
    """Write the file with its cursor at the start; it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    header = _HEADER.pack(MAGIC, len(times_ns), 0, speed)
    temporary.write_bytes(header + times_ns.astype("=i8").tobytes())
    temporary.replace(path)
    return Timeline(path)


class Timeline:
    """How far the collector has come."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, rows, _, speed = _HEADER.unpack_from(memory)
        if magic != MAGIC:
            raise ValueError(f"{path} is no timeline")
        self.rows = int(rows)
        self.speed = float(speed)
        self._words = memoryview(memory).cast("q")

    @property
    def cursor(self) -> int:
        """Rows taken so far."""
        return self._words[_CURSOR_WORD]

    @property
    def finished(self) -> bool:
        """Whether every row has been taken."""
        return self.cursor >= self.rows
