"""Files that are either there as a whole or not at all, whenever the power fails."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte; raises OSError when the disk is full, with any part written."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def fsync_folder(folder: Path) -> None:
    """Make creations and renames in ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes, mode: int = 0o640) -> None:
    """Create or replace ``path`` atomically and durably."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    except OSError:
        draft.unlink()
        raise
    finally:
        os.close(descriptor)
    draft.replace(path)
    fsync_folder(path.parent)
