"""States on disk: a folder per battery, a file for each moment that can be begun again from.

A file is whole or absent: it is written beside its place, synced and renamed.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOG = logging.getLogger(__name__)

HOUR_NS: Final = 3_600_000_000_000
SUFFIX: Final = ".state"
NEWEST_KEPT: Final = (
    2  # beside those of full hours: a file that a bad disk spoilt has one before it
)


class States:
    """The states of one battery."""

    def __init__(self, folder: Path, hours_kept: int) -> None:
        self._folder = folder
        self._hours_kept = hours_kept
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(".*"):  # of a program that was killed while it wrote
            left.unlink()

    def save(self, read_ns: int, state: bytes) -> None:
        """Keep a state of which everything before this time is known."""
        unfinished = self._folder / f".{read_ns}"
        with unfinished.open("wb") as file:
            file.write(state)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._folder / f"{read_ns}{SUFFIX}")
        self._sync()
        hours = read_ns - self._hours_kept * HOUR_NS
        newest = self._times()[-NEWEST_KEPT:]
        for time_ns in self._times():
            if time_ns not in newest and (time_ns % HOUR_NS or time_ns < hours):
                self._path(time_ns).unlink()

    def newest(self, before_ns: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield states that know nothing of this time, the newest first; any if it is None."""
        for time_ns in reversed(self._times()):
            if before_ns is not None and time_ns > before_ns:
                continue
            try:
                yield time_ns, self._path(time_ns).read_bytes()
            except OSError as error:
                _LOG.warning("%s cannot be read: %s", self._path(time_ns), error.strerror)

    def forget(self, after_ns: int = -1) -> None:
        """Remove states that know of more than this time: late data has made them wrong."""
        for time_ns in self._times():
            if time_ns > after_ns:
                self._path(time_ns).unlink()
        self._sync()

    def _path(self, time_ns: int) -> Path:
        return self._folder / f"{time_ns}{SUFFIX}"

    def _times(self) -> list[int]:
        stems = (path.stem for path in self._folder.glob(f"*{SUFFIX}"))
        return sorted(int(stem) for stem in stems if stem.isdecimal())

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
