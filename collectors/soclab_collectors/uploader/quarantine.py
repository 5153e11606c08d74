"""Lines that the server refuses: kept readable, with its reason, until a person decides.

``<spool>/_quarantine/NAME/refused.lp`` alternates a comment (time and reason) with the line, so
that it is line protocol itself. When it is full it replaces ``refused.old.lp``.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from soclab_collectors.spool.durable import fsync_folder, write_all, write_durably
from soclab_collectors.spool.segment import Segment, file_names
from soclab_collectors.uploader.lines import Refused, split_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_LOG = logging.getLogger(__name__)

_FOLDER: Final = "_quarantine"
_CURRENT: Final = "refused.lp"
_OLD: Final = "refused.old.lp"
_REASON_CHARACTERS: Final = 300
_LOG_INTERVAL_S: Final = 600.0
# Sequence number of the segment in which lines return to the spool; its writer begins with 1.
_RETRY: Final = Segment(0, None)


class Quarantine:
    """The refused lines of every instrument of one spool.

    Parameters
    ----------
    directory
        The spool directory.
    max_bytes
        Bound for each instrument.
    """

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self._directory = directory
        self._root = directory / _FOLDER
        self._max_bytes = max_bytes
        self._seen: dict[str, tuple[tuple[int, int], set[bytes]]] = {}
        self._next_log: dict[str, float] = {}
        self.lines_total = 0
        self.lost_total = 0

    def add(self, name: str, refused: Sequence[Refused]) -> None:
        """Keep lines, durably; those kept already (sent again after a crash) are not repeated."""
        if not refused:
            return
        folder = self._root / name
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            seen = self._lines_in(folder)
            new = [r for r in map(_readable, refused) if r.line not in seen]
            if new:
                self._append(folder, new)
                seen.update(r.line for r in new)
                self._seen[name] = (_version(folder), seen)
        self.lines_total += len(new)
        self._log(name, refused)

    def set_aside(self, path: Path, name: str) -> None:
        """Take a file that cannot be read out of the queue."""
        folder = self._root / name
        folder.mkdir(parents=True, exist_ok=True)
        path.rename(folder / f"{path.name}.unreadable")
        _LOG.error("%s: %s cannot be read; it is in %s now", name, path.name, folder)

    def names(self) -> list[str]:
        """Return the instruments that have lines here."""
        return sorted(file_names(self._root)) if self._root.is_dir() else []

    def size(self) -> int:
        """Return the bytes in quarantine."""
        return sum(f.stat().st_size for f in self._root.glob("*/*") if f.is_file())

    def entries(self, name: str) -> list[Refused]:
        """Return the lines of one instrument with their reasons, oldest first."""
        found = []
        for file in (_OLD, _CURRENT):
            reason = ""
            for line in split_lines(_content(self._root / name / file)):
                if line.startswith(b"# "):
                    reason = line[2:].decode(errors="replace")
                else:
                    found.append(Refused(line, reason))
        return found

    def retry(self, name: str) -> int:
        """Put the lines of one instrument back into its spool folder; return how many.

        Raises
        ------
        FileExistsError
            If an earlier retry still waits there.
        """
        folder = self._root / name
        with _locked(folder):
            lines = [entry.line for entry in self.entries(name)]
            target = self._directory / name / _RETRY.name
            if target.exists():
                raise FileExistsError(str(target))
            if lines:
                target.parent.mkdir(exist_ok=True)
                write_durably(target, b"\n".join(lines) + b"\n")
            for file in (_OLD, _CURRENT):
                (folder / file).unlink(missing_ok=True)
        return len(lines)

    def _lines_in(self, folder: Path) -> set[bytes]:
        version, seen = self._seen.get(folder.name, (None, set()))
        if version == _version(folder):
            return seen
        return {entry.line for entry in self.entries(folder.name)}

    def _append(self, folder: Path, refused: Sequence[Refused]) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        text = b"".join(f"# {now} {r.reason}\n".encode() + r.line + b"\n" for r in refused)
        if len(text) > self._max_bytes // 2 and len(refused) > 1:
            middle = len(refused) // 2
            self._append(folder, refused[:middle])
            self._append(folder, refused[middle:])
            return
        current = folder / _CURRENT
        if current.exists() and current.stat().st_size + len(text) > self._max_bytes // 2:
            gone = len(split_lines(_content(folder / _OLD))) // 2
            current.replace(folder / _OLD)
            if gone:
                self.lost_total += gone
                _LOG.error(
                    "%s: quarantine is full, its oldest %d lines are lost", folder.name, gone
                )
        descriptor = os.open(current, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            size = os.fstat(descriptor).st_size
            try:
                write_all(descriptor, text)
            except OSError:
                os.ftruncate(descriptor, size)
                raise
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fsync_folder(folder)
        fsync_folder(self._root)

    def _log(self, name: str, refused: Sequence[Refused]) -> None:
        if time.monotonic() >= self._next_log.get(name, 0.0):
            self._next_log[name] = time.monotonic() + _LOG_INTERVAL_S
            _LOG.warning(
                "%s: %d lines refused and kept in %s: %s (soclab-uploader quarantine list)",
                name,
                len(refused),
                self._root / name,
                _one_line(refused[0].reason),
            )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep ``quarantine retry`` and the running uploader apart."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _version(folder: Path) -> tuple[int, int]:
    """Return what changes when another process changes the file."""
    try:
        status = (folder / _CURRENT).stat()
    except FileNotFoundError:
        return (0, 0)
    return (status.st_ino, status.st_size)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _readable(refused: Refused) -> Refused:
    """Return what fits on two lines of a text editor: garbage has NUL bytes and worse in it."""
    line = refused.line.decode(errors="backslashreplace").replace("\0", "\\x00")
    return Refused(line.encode(), _one_line(refused.reason))


def _one_line(reason: str) -> str:
    return " ".join(reason.split())[:_REASON_CHARACTERS]
