"""What becomes of a segment that the server has confirmed: deleted, or kept for a while."""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soclab_collectors.logs import Outage

if TYPE_CHECKING:
    from soclab_collectors.config.model import SpoolConfig

_LOG = logging.getLogger(__name__)

_BLOCK_BYTES: Final = 512  # st_blocks counts these, whatever the file system uses


class Archive:
    """Moves confirmed segments to the archive, if there is one; the oldest make room.

    Parameters
    ----------
    config
        Section ``[spool]``.
    """

    def __init__(self, config: SpoolConfig) -> None:
        self._root = Path(config.archive_directory) if config.archive_directory else None
        self._max_bytes = int(config.archive_max_mb * 1e6)
        self._trouble = Outage(_LOG)
        self._files: deque[tuple[Path, int]] = deque()
        if self._root is not None:
            found = sorted(
                (status.st_mtime, path, status.st_blocks)
                for path in self._root.glob("*/*")
                if (status := path.stat())
            )
            self._files.extend((path, blocks * _BLOCK_BYTES) for _, path, blocks in found)
        self._bytes = sum(size for _, size in self._files)

    def take(self, path: Path) -> None:
        """Take a confirmed segment out of the spool folder.

        A rename is atomic: whenever the process dies, the segment is in one place or the other.
        An archive that fails must not stop the upload: the segment is deleted then, and logged.
        """
        if self._root is None:
            path.unlink(missing_ok=True)  # its writer may have dropped it at the limit meanwhile
            return
        try:
            self._move(path, self._root / path.parent.name)
        except FileNotFoundError:
            return
        except OSError as error:
            self._trouble.begin(
                f"cannot archive to {self._root}: {error.strerror}; uploaded segments are deleted"
                " instead. spool.archive_directory must be writable, on the spool's file system."
            )
            path.unlink(missing_ok=True)
        else:
            self._trouble.end("uploaded segments are archived again")

    def _move(self, path: Path, folder: Path) -> None:
        blocks = path.stat().st_blocks
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / path.name
        attempt = 0
        while target.exists():  # sequence numbers begin anew when a spool folder was empty
            attempt += 1
            target = folder / f"{path.stem}-{attempt}{path.suffix}"
        path.rename(target)
        self._files.append((target, blocks * _BLOCK_BYTES))
        self._bytes += blocks * _BLOCK_BYTES
        while self._bytes > self._max_bytes and self._files:
            oldest, size = self._files.popleft()
            with contextlib.suppress(FileNotFoundError):  # a person may tidy up as well
                oldest.unlink()
            self._bytes -= size
