"""The writing end of a spool folder."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from soclab_collectors.errors import ConfigError
from soclab_collectors.logs import Outage
from soclab_collectors.spool.boots import BootDates
from soclab_collectors.spool.durable import fsync_folder
from soclab_collectors.spool.folder import adopt_leftovers, lock_folder, measure_backlog
from soclab_collectors.spool.limit import FolderSize
from soclab_collectors.spool.open_segment import OpenSegment
from soclab_collectors.spool.segment import Segment, closed_segments
from soclab_collectors.spool.waiting import WAITING_BYTES, Line, WaitingLines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from soclab_collectors.config.model import SpoolConfig
    from soclab_collectors.reading import Stamp

_LOG = logging.getLogger(__name__)

SEGMENT_BYTES: Final = 4 << 20  # what the uploader holds in memory of one instrument
# While so many closed segments wait, the open one is only fsynced and grows on: a day without the
# server leaves a few large files, not 86,400 small ones.
CLOSED_AHEAD: Final = 10
# The limit is kept by removing whole segments: at most an eighth of it at a time.
SEGMENTS_PER_LIMIT: Final = 8


class SpoolWriter:
    """Appends lines to the spool folder of one instrument; thread-safe.

    A line is in the page cache when ``append`` returns, so it survives the death of the process,
    and durable (*accepted*) at most ``fsync_s`` later, so it survives a power cut.

    Parameters
    ----------
    folder
        Folder of this instrument; made if absent. Only one writer may own it.
    config
        Section ``[spool]``.

    Attributes
    ----------
    accepted_lines
        Lines made durable.
    dropped_lines
        Lines given up at a limit.

    Raises
    ------
    ConfigError
        If the folder cannot be made or written to, or another process owns it.
    """

    def __init__(self, folder: Path, config: SpoolConfig) -> None:
        self.accepted_lines = 0
        self.dropped_lines = 0
        self._folder = folder
        self._name = folder.name
        self._limit_bytes = int(config.max_mb * 1e6)
        self._segment_bytes = min(SEGMENT_BYTES, self._limit_bytes // SEGMENTS_PER_LIMIT)
        self._refuse_new = config.at_limit == "refuse_new"
        self._fsync_s = config.fsync_s
        try:
            folder.mkdir(parents=True, exist_ok=True)
            fsync_folder(folder.parent)
            self._owner = lock_folder(folder)
            adopt_leftovers(folder)
            closed = closed_segments(folder)
        except OSError as error:
            raise ConfigError(
                f"spool.directory: {folder}",
                error.strerror or str(error),
                "The collector's user must be able to write there.",
            ) from error
        self._next_sequence = closed[-1].sequence + 1 if closed else 1
        self._sizes = FolderSize(folder)
        self._closed_bytes = self._sizes.measure([s.name for s in closed])
        self._lock = threading.Lock()
        self._open: OpenSegment | None = None
        self._sealed: deque[OpenSegment] = deque()
        self._waiting = WaitingLines(refuse_new=self._refuse_new)
        self._disk = Outage(_LOG)
        self._limit = Outage(_LOG)
        self._wake = threading.Event()
        self._closing = False
        self._flusher = threading.Thread(target=self._flush_until_closed, name="spool", daemon=True)
        self._flusher.start()

    @property
    def pending_lines(self) -> int:
        """Lines taken but not yet durable."""
        with self._lock:
            segments = [*self._sealed, *([self._open] if self._open else [])]
            return sum(s.lines - s.durable_lines for s in segments) + len(self._waiting)

    def backlog(self) -> tuple[int, float]:
        """Return the bytes that wait for the server and the age in seconds of the oldest."""
        backlog = measure_backlog(self._folder, BootDates(self._folder.parent).known())
        return backlog.bytes, backlog.age_s

    def append(self, body: str, stamp: Stamp) -> None:
        """Take one line: ``body`` is series and fields, one line without timestamp.

        Never fails for want of space: see docs/spool.md for what happens then.
        """
        self.extend(((body, stamp),))

    def extend(self, readings: Iterable[tuple[str, Stamp]]) -> None:
        """Take lines that arrived together, with one system call for all of them."""
        if not self._flusher.is_alive():
            raise RuntimeError(f"the spool of {self._name} is closed or broken")
        lines = [Line(_encode(body, stamp), stamp.boot_id) for body, stamp in readings]
        with self._lock:
            if not self._write_together(lines):
                for line in lines:
                    self._take(line)

    def close(self) -> None:
        """Close the open segment, durably, and give the folder up."""
        with self._lock:
            self._closing = True
        self._wake.set()
        self._flusher.join()
        os.close(self._owner)

    def _bytes(self) -> int:
        return (
            self._closed_bytes
            + sum(s.size for s in self._sealed)
            + (self._open.size if self._open else 0)
        )

    def _take(self, line: Line) -> None:
        """Write one line, or let it wait, or drop it."""
        if self._refuse_new and self._bytes() + len(line.data) > self._limit_bytes:
            self.dropped_lines += 1
            self._at_limit("new readings are refused")
            return
        if not self._waiting:
            try:
                self._write(line)
            except OSError as error:
                self._disk_failed(error)
            else:
                return
        self.dropped_lines += self._waiting.add(line)

    def _write_together(self, lines: list[Line]) -> bool:
        """Write all lines if nothing is in the way; else write none and return False."""
        boot_ids = {line.boot_id for line in lines}
        if self._refuse_new or self._waiting or len(boot_ids) != 1:
            return False
        try:
            self._write(Line(b"".join(line.data for line in lines), boot_ids.pop()), len(lines))
        except OSError:
            return False  # the first line by itself meets the same error and says so
        return True

    def _write(self, line: Line, lines: int = 1) -> None:
        """Write to the open segment, a new one if its clock is another or it is torn."""
        segment = self._open
        if segment is None or segment.segment.boot_id != line.boot_id or segment.torn:
            self._seal()
            name = Segment(self._next_sequence, line.boot_id)
            segment = self._open = OpenSegment(self._folder, name)
            self._next_sequence += 1
        segment.append(line.data, lines)
        if segment.size >= self._segment_bytes:
            self._seal()
            self._wake.set()

    def _seal(self) -> None:
        if self._open is not None:
            self._sealed.append(self._open)
            self._open = None

    def _flush_until_closed(self) -> None:
        while True:
            self._wake.wait(self._fsync_s)
            self._wake.clear()
            closing = self._closing
            try:
                self._flush(closing=closing)
            except OSError as error:
                self._disk_failed(error)
            else:
                self._disk.end(
                    f"{self._name}: the spool takes readings again;"
                    f" {self.dropped_lines} dropped since the start"
                )
            if closing:
                return self._report_lost()

    def _flush(self, *, closing: bool) -> None:
        """Make everything durable and close what may be closed."""
        closed = closed_segments(self._folder)
        failure = None
        with self._lock:
            try:
                self._waiting.hand_over(self._write)
            except OSError as error:
                failure = error  # what is written already must become durable nevertheless
            growing = self._open if self._open and self._open.lines else None
            if closing or (growing is not None and self._may_close(growing, closed)):
                self._seal()
                growing = None
        while self._sealed:
            self.accepted_lines += self._sealed[0].close()
            with self._lock:
                self._closed_bytes += self._sealed.popleft().size
        if growing is not None:
            self.accepted_lines += self._sync(growing)
        self._keep_limit()
        if failure is not None:
            raise failure

    def _sync(self, growing: OpenSegment) -> int:
        try:
            return growing.sync()
        except OSError:
            with self._lock:  # rescued by the next flush, when nobody appends to it any more
                if self._open is growing:
                    self._seal()
            raise

    @staticmethod
    def _may_close(segment: OpenSegment, closed: list[Segment]) -> bool:
        alike = sum(s.boot_id == segment.segment.boot_id for s in closed)
        return alike < CLOSED_AHEAD

    def _keep_limit(self) -> None:
        names = [s.name for s in closed_segments(self._folder)]
        closed_bytes = self._sizes.measure(names)
        with self._lock:
            self._closed_bytes = closed_bytes
            excess = self._bytes() - self._limit_bytes
        if excess > 0 and not self._refuse_new:
            lines, freed = self._sizes.drop_oldest(names, excess)
            with self._lock:
                self.dropped_lines += lines
                self._closed_bytes -= freed
            self._at_limit("the oldest readings are dropped")
        elif excess < -self._segment_bytes:
            self._limit.end(
                f"{self._name}: the spool is below its limit again;"
                f" {self.dropped_lines} readings dropped since the start"
            )

    def _at_limit(self, consequence: str) -> None:
        self._limit.begin(
            f"{self._name}: the spool holds its limit of {self._limit_bytes / 1e6:g} MB"
            f" (spool.max_mb): {consequence} until the server takes some"
        )

    def _disk_failed(self, error: OSError) -> None:
        self._disk.begin(
            f"{self._name}: cannot write to {self._folder}: {error.strerror}; readings wait in"
            f" memory, up to {WAITING_BYTES / 1e6:.1f} MB of them. Make room on this disk."
        )

    def _report_lost(self) -> None:
        if self._waiting:
            self.dropped_lines += len(self._waiting)
            _LOG.error(
                "%s: %d readings that waited for room on the disk are lost with this process",
                self._name,
                len(self._waiting),
            )


def _encode(body: str, stamp: Stamp) -> bytes:
    if "\n" in body:
        raise ValueError(f"a newline in {body!r}: every line of a segment is a reading")
    return f"{body} {stamp.time_ns}\n".encode(errors="replace")
