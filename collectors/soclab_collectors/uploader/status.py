"""What waits on this machine, and why: for people and for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soclab_collectors.spool.boots import BootDates
from soclab_collectors.spool.folder import measure_backlog
from soclab_collectors.spool.segment import spool_folders
from soclab_collectors.uploader.quarantine import Quarantine

if TYPE_CHECKING:
    from pathlib import Path


def status(directory: Path) -> dict[str, Any]:
    """Return the backlog of every instrument, the lines in quarantine, the boots without date."""
    dated = BootDates(directory).known()
    folders = list(spool_folders(directory)) if directory.is_dir() else []
    backlogs = {folder.name: measure_backlog(folder, dated) for folder in folders}
    quarantine = Quarantine(directory, 0)
    return {
        "instruments": {
            name: {
                "bytes": backlog.bytes,
                "age_s": round(backlog.age_s, 1),
                "segments": backlog.segments,
                "undated_bytes": backlog.undated_bytes,
            }
            for name, backlog in backlogs.items()
        },
        "quarantine": {name: len(quarantine.entries(name)) for name in quarantine.names()},
        "undated_boots": sorted(frozenset().union(*(b.undated_boots for b in backlogs.values()))),
    }


def describe(found: dict[str, Any]) -> str:
    """Return the status as a table for people."""
    lines = [f"{'instrument':<20} {'waiting':>12} {'oldest':>10} {'segments':>9}"]
    for name, backlog in found["instruments"].items():
        waiting = f"{backlog['bytes'] / 1000:.1f} kB"
        oldest = f"{backlog['age_s']:.0f} s"
        lines.append(f"{name:<20} {waiting:>12} {oldest:>10} {backlog['segments']:>9}")
    for name, count in found["quarantine"].items():
        if count:
            lines.append(f"quarantine: {count} lines of {name} (soclab-uploader quarantine list)")
    lines.extend(
        f"no date: readings of boot {boot} (soclab-uploader date {boot} --started TIME)"
        for boot in found["undated_boots"]
    )
    return "\n".join(lines)
