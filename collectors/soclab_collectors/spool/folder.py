"""A spool folder as a whole: its owner, what a killed owner left behind, how much waits in it."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from soclab_collectors.clock.system import boot_id
from soclab_collectors.errors import ConfigError
from soclab_collectors.spool.durable import fsync_folder
from soclab_collectors.spool.segment import (
    COPY_SUFFIX,
    OPEN_SUFFIX,
    Segment,
    closed_segments,
    file_names,
)

if TYPE_CHECKING:
    from pathlib import Path

_LOG = logging.getLogger(__name__)

# The uploader may hold the lock for the moment in which it adopts what a dead owner left.
LOCK_PATIENCE_S: Final = 3.0
_LOCK_RETRY_S: Final = 0.02
_TRIM_BLOCK: Final = 65_536


def lock_folder(folder: Path, patience_s: float = LOCK_PATIENCE_S) -> int:
    """Become the only owner of ``folder``, until the returned descriptor is closed.

    Raises
    ------
    ConfigError
        If another process owns it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    give_up = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up:
                os.close(descriptor)
                raise ConfigError(
                    str(folder),
                    "another process writes to this spool folder",
                    f"Only one process may write for {folder.name}: stop the other one "
                    f"(fuser {folder} names it).",
                ) from None
            time.sleep(_LOCK_RETRY_S)
        except OSError:
            os.close(descriptor)
            raise
        else:
            return descriptor


def adopt_leftovers(folder: Path) -> None:
    """Close the segments that a killed owner left open, without the line it was in the midst of.

    Call it with the folder locked.
    """
    leftovers = [name for name in file_names(folder) if name.endswith((OPEN_SUFFIX, COPY_SUFFIX))]
    for name in sorted(leftovers):
        path = folder / name
        closed = path.with_name(name.removesuffix(OPEN_SUFFIX))
        if name.endswith(COPY_SUFFIX) or Segment.parse(closed.name) is None:
            path.unlink()
            continue
        size, whole = _trim(path)
        if whole == 0:
            path.unlink()
        else:
            path.rename(closed)
        _LOG.info(
            "%s: closed %s, left by a process that was killed: %d bytes kept, %d cut",
            folder.name,
            closed.name,
            whole,
            size - whole,
        )
    if leftovers:
        fsync_folder(folder)


def adopt_orphans(folder: Path) -> bool:
    """Close leftovers in a folder that nobody owns; return whether there were any."""
    if not any(name.endswith(OPEN_SUFFIX) for name in file_names(folder)):
        return False
    try:
        lock = lock_folder(folder, patience_s=0.0)
    except ConfigError:
        return False  # its owner lives
    try:
        adopt_leftovers(folder)
    finally:
        os.close(lock)
    return True


def _trim(path: Path) -> tuple[int, int]:
    """Cut what follows the last newline, durably; return the size before and after."""
    with path.open("r+b") as file:
        size = end = file.seek(0, os.SEEK_END)
        whole = 0
        while end > 0 and not whole:
            start = max(0, end - _TRIM_BLOCK)
            file.seek(start)
            whole = start + file.read(end - start).rfind(b"\n") + 1
            if whole == start:  # no newline in this block
                whole, end = 0, start
        file.truncate(whole)
        os.fsync(file.fileno())
    return size, whole


class Backlog(NamedTuple):
    """What waits in a folder. ``undated`` is of earlier boots, whose start only people know."""

    bytes: int = 0
    age_s: float = 0.0
    undated_bytes: int = 0
    segments: int = 0
    undated_boots: frozenset[str] = frozenset()


def measure_backlog(folder: Path, dated_boots: frozenset[str] = frozenset()) -> Backlog:
    """Measure what waits in ``folder``; undated bytes are part of the bytes, not of the age."""
    total = undated = 0
    age_s = 0.0
    boots = set()
    segments = closed_segments(folder)
    known = {boot_id(), *dated_boots, None}
    for segment in segments:
        with contextlib.suppress(FileNotFoundError):  # uploaded meanwhile
            status = (folder / segment.name).stat()
            total += status.st_size
            if segment.boot_id not in known:
                undated += status.st_size
                boots.add(segment.boot_id or "")
            else:
                age_s = age_s or _age_s(folder / segment.name, segment, status.st_mtime)
    for name in file_names(folder):
        if name.endswith(OPEN_SUFFIX):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                total += (folder / name).stat().st_size
    return Backlog(total, age_s, undated, len(segments), frozenset(boots))


def _age_s(path: Path, segment: Segment, modified: float) -> float:
    """Return the age of the first line, or of the file where its line says nothing of age."""
    if segment.boot_id == boot_id():  # the wall clock lied when it was written
        with path.open("rb") as file:
            stamp = file.readline().rpartition(b" ")[2]
        if stamp.strip().isdigit():
            return max(0.0, (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - int(stamp)) / 1e9)
    return max(0.0, time.time() - modified)
