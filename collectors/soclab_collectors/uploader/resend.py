"""Sends archived readings again: to a server that was restored from an older backup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from soclab_collectors.errors import ConfigError
from soclab_collectors.spool.segment import Segment, closed_segments

if TYPE_CHECKING:
    from pathlib import Path

# A folder of its own: numbers of archived segments may be in use again in their instrument's.
FOLDER: Final = "resent"
_AGAIN: Final = re.compile(r"^(\d{12,})-\d+(\.)")  # how the archive tells equal names apart


def resend(spool: Path, archive: Path | None) -> dict[str, Any]:
    """Move every archived segment back into the spool, oldest first; return how much it was.

    What the server still has is overwritten by itself: equal series and timestamps are one point.
    """
    if archive is None:
        raise ConfigError(
            "spool.archive_directory",
            "is not set, so no uploaded readings were kept",
            "Set it before the next time.",
        )
    found = sorted((path.stat().st_mtime_ns, path) for path in archive.glob("*/*"))
    target = spool / FOLDER
    target.mkdir(exist_ok=True)
    number = max((segment.sequence for segment in closed_segments(target)), default=0)
    segments = size = 0
    for _, path in found:
        segment = Segment.parse(_AGAIN.sub(r"\1\2", path.name))
        if segment is None:
            continue  # not the uploader's
        number += 1
        size += path.stat().st_size
        path.rename(target / segment._replace(sequence=number).name)
        segments += 1
    return {"segments": segments, "bytes": size}
