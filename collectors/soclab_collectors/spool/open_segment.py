"""The segment that is being written, from its first line to its durable end."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

from soclab_collectors.spool.durable import fsync_folder, write_all
from soclab_collectors.spool.segment import COPY_SUFFIX, OPEN_SUFFIX, Segment

if TYPE_CHECKING:
    from pathlib import Path

# The uploader may be another user of the same group: it has to cut off the line that a killed
# collector was in the midst of. Who shares nothing with a group sets a umask.
_MODE: Final = 0o660


class OpenSegment:
    """A file of whole lines; every line reaches the page cache at once and survives kill -9.

    Not thread-safe: ``append`` is called under the writer's lock and never after sealing;
    ``sync`` and ``close`` are called by the flusher alone.
    """

    def __init__(self, folder: Path, segment: Segment) -> None:
        self.segment = segment
        self.size = 0
        self.lines = 0
        self.durable_lines = 0
        self._path = folder / (segment.name + OPEN_SUFFIX)
        self._descriptor = os.open(
            self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, _MODE
        )
        self._torn = False
        self._suspect = False
        self._entry_durable = False
        self._renamed = False

    def append(self, data: bytes, lines: int = 1) -> None:
        """Write whole lines; raises OSError with the file as it was before."""
        try:
            written = os.write(self._descriptor, data)
            if written < len(data):
                write_all(self._descriptor, data[written:])  # says why it was cut short
        except OSError:
            self._torn = True
            with contextlib.suppress(OSError):  # tried again by close()
                self._cut_torn_line()
            raise
        self.size += len(data)
        self.lines += lines

    @property
    def torn(self) -> bool:
        """Tell whether part of a line is in the file: nothing may follow it."""
        return self._torn

    def sync(self) -> int:
        """Make durable what is written; return how many lines are newly so."""
        lines = self.lines  # appends go on meanwhile and count the next time
        self._fsync()
        if not self._entry_durable:
            fsync_folder(self._path.parent)
            self._entry_durable = True
        return self._note_durable(lines)

    def close(self) -> int:
        """Make it a closed segment; return how many lines are newly durable.

        May be called again after an OSError and goes on where it was.
        """
        if self._torn:
            self._cut_torn_line()
        if self.lines == 0:  # the disk took the file but not a line
            self._path.unlink(missing_ok=True)
        elif not self._renamed:
            self._fsync()
            self._path.rename(self._path.with_name(self.segment.name))
            self._renamed = True
        fsync_folder(self._path.parent)
        os.close(self._descriptor)
        return self._note_durable(self.lines)

    def _note_durable(self, lines: int) -> int:
        newly = lines - self.durable_lines
        self.durable_lines = lines
        return newly

    def _fsync(self) -> None:
        if self._suspect:
            self._rescue()
        try:
            os.fsync(self._descriptor)
        except OSError:
            # Linux forgets that the pages are dirty: a second fsync would succeed and mean nothing.
            self._suspect = True
            raise

    def _cut_torn_line(self) -> None:
        os.ftruncate(self._descriptor, self.size)
        self._torn = False

    def _rescue(self) -> None:
        """Write everything anew into another file, from what the page cache still holds."""
        copy_path = self._path.with_name(self.segment.name + COPY_SUFFIX)
        copy = os.open(copy_path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, _MODE)
        try:
            write_all(copy, os.pread(self._descriptor, self.size, 0))
            os.fsync(copy)
            copy_path.replace(self._path)
        except OSError:
            os.close(copy)
            copy_path.unlink(missing_ok=True)
            raise
        os.close(self._descriptor)
        self._descriptor = copy
        self._suspect = self._entry_durable = False
