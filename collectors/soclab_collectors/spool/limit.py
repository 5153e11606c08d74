"""What happens when a spool folder is full: the oldest go, and that is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class FolderSize:
    """Sizes of the closed segments, without asking for those that are known."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes: dict[str, int] = {}

    def measure(self, names: list[str]) -> int:
        """Return the bytes in the closed segments ``names``; those gone meanwhile have none."""
        self._sizes = {name: self._sizes.get(name) or self._stat(name) for name in names}
        return sum(self._sizes.values())

    def _stat(self, name: str) -> int:
        try:
            return (self._folder / name).stat().st_size
        except FileNotFoundError:
            return 0

    def drop_oldest(self, names: list[str], excess: int) -> tuple[int, int]:
        """Remove the oldest of ``names`` until ``excess`` bytes are free; return lines, bytes."""
        lines = freed = 0
        for name in names:
            if freed >= excess:
                break
            path = self._folder / name
            try:
                lines_in_it = path.read_bytes().count(b"\n")
                path.unlink()
            except FileNotFoundError:
                continue  # uploaded at this moment: not lost
            lines += lines_in_it
            freed += self._sizes.pop(name, 0)
        return lines, freed
