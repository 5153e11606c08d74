"""The reading end of one spool folder: takes lines, and lets go of them once they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from soclab_collectors.spool.segment import Segment, closed_segments
from soclab_collectors.uploader.lines import Refused, dated, skip_lines, without_broken

if TYPE_CHECKING:
    from pathlib import Path

    from soclab_collectors.spool.boots import BootDates
    from soclab_collectors.uploader.archive import Archive
    from soclab_collectors.uploader.quarantine import Quarantine


class Piece(NamedTuple):
    """Lines of one instrument, on their way."""

    name: str
    data: bytes
    lines: int


class Source:
    """The closed segments of one instrument, oldest first.

    ``take`` moves on, ``confirm`` makes it final, ``rewind`` goes back to what was confirmed last.
    Where it is within a segment is kept in memory only: after a crash the segment is sent again
    from its start, and InfluxDB overwrites equal points with themselves.
    """

    def __init__(
        self, folder: Path, boots: BootDates, quarantine: Quarantine, archive: Archive
    ) -> None:
        self.name = folder.name
        self._folder = folder
        self._boots = boots
        self._quarantine = quarantine
        self._archive = archive
        self._segments: list[Segment] = []
        self._content: dict[Segment, bytes] = {}
        self._index = 0  # of the segment that ``take`` goes on with
        self._position = 0  # in that segment
        self._confirmed = 0  # position in the first segment
        self._partial_identity = (0, 0)

    def refresh(self) -> bool:
        """Look for segments that can be sent; return whether there are any.

        Lines of a boot whose start nobody knows yet wait; those behind them do not wait for them.
        """
        partial = self._segments[0] if self._confirmed else None
        self._segments = [
            s
            for s in closed_segments(self._folder)
            if s.boot_id is None or self._boots.started_ns(s.boot_id) is not None
        ]
        if (
            partial is None
            or self._segments[:1] != [partial]
            or self._identity(partial) != self._partial_identity
        ):
            self._confirmed = 0
            self._content.clear()
        self.rewind()
        return bool(self._segments)

    def take(self, max_lines: int) -> Piece:
        """Take up to ``max_lines`` lines; fewer if there are no more."""
        chunks = []
        lines = 0
        while lines < max_lines and self._index < len(self._segments):
            content = self._read(self._segments[self._index])
            end, found = skip_lines(content, self._position, max_lines - lines)
            chunks.append(content[self._position : end])
            lines += found
            self._position = end
            if end == len(content):
                self._index += 1
                self._position = 0
        return Piece(self.name, b"".join(chunks), lines)

    def rewind(self) -> None:
        """Go back: what was taken since the last ``confirm`` is not stored."""
        self._index = 0
        self._position = self._confirmed

    def confirm(self) -> None:
        """Let go of what was taken: it is stored, or in quarantine."""
        for segment in self._segments[: self._index]:
            self._archive.take(self._folder / segment.name)
            self._content.pop(segment, None)
        del self._segments[: self._index]
        self._index = 0
        self._confirmed = self._position
        if self._confirmed:
            self._partial_identity = self._identity(self._segments[0])

    def _identity(self, segment: Segment) -> tuple[int, int]:
        """Tell a file from a later one of the same name: numbers begin anew in an empty folder."""
        try:
            status = (self._folder / segment.name).stat()
        except FileNotFoundError:
            return (0, 0)
        return (status.st_ino, status.st_mtime_ns)

    def _read(self, segment: Segment) -> bytes:
        """Return the lines of a segment as they are to be sent; garbage goes into quarantine."""
        if segment not in self._content:
            self._content[segment] = self._load(segment)
        return self._content[segment]

    def _load(self, segment: Segment) -> bytes:
        path = self._folder / segment.name
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return b""  # its writer dropped it at the limit
        except OSError:  # a bad block: it must not hold up what is behind it
            self._quarantine.set_aside(path, self.name)
            return b""
        lines, broken = without_broken(raw)
        if segment.boot_id is not None:
            undated: list[Refused]
            lines, undated = dated(lines, self._boots.started_ns(segment.boot_id) or 0)
            broken += undated
        self._quarantine.add(self.name, broken)
        return lines
