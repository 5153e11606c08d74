"""Bytes to lines, bounded, and in step again at the next line end whatever came before."""

from __future__ import annotations

from typing import Final

LONGEST_LINE: Final = 4096  # ten times the longest publication: more is no ThingSet device


class LineBuffer:
    """Cuts what arrives into lines; a line that is too long is dropped up to its end."""

    def __init__(self) -> None:
        self.overflows = 0
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that ``data`` completes, without LF or CR LF."""
        *lines, rest = (self._rest + data).split(b"\n")
        if self._skipping and lines:
            del lines[0]
            self._skipping = False
        if self._skipping or len(rest) > LONGEST_LINE:
            self.overflows += not self._skipping
            self._skipping = True
            rest = b""
        self._rest = rest
        fitting = [line.removesuffix(b"\r") for line in lines if len(line) <= LONGEST_LINE]
        self.overflows += len(lines) - len(fitting)
        return fitting
