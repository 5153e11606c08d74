"""When boots began: what turns time since boot into dates.

One small file per boot, ``<spool>/_boots/BOOT_ID.json``, is written once and never changed: lines
that are sent again after a crash get the same dates again, so InfluxDB stores them once.
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from soclab_collectors.clock.system import boot_id
from soclab_collectors.spool.durable import fsync_folder, write_durably
from soclab_collectors.spool.segment import file_names

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER: Final = "_boots"
_SUFFIX: Final = ".json"


class BootDates:
    """The dates of the boots that one spool knows.

    Parameters
    ----------
    directory
        The spool directory, parent of the instruments' folders.
    """

    def __init__(self, directory: Path) -> None:
        self._folder = directory / _FOLDER
        self._known: dict[str, int] = {}

    def started_ns(self, boot: str) -> int | None:
        """Return the Unix time at which ``boot`` began, None if nobody knows."""
        if boot not in self._known:
            try:
                entry = json.loads(self._path(boot).read_text(encoding="utf-8"))
            except FileNotFoundError:
                return None
            self._known[boot] = int(entry["started_ns"])
        return self._known[boot]

    def known(self) -> frozenset[str]:
        """Return the boots that have a date."""
        try:
            names = file_names(self._folder)
        except FileNotFoundError:
            return frozenset()
        return frozenset(n.removesuffix(_SUFFIX) for n in names if n.endswith(_SUFFIX))

    def fix_present_boot(self) -> None:
        """Note when the present boot began; call it once the wall clock is right.

        Only the first call for a boot has an effect, whichever process makes it.
        """
        boot = boot_id()
        if self.started_ns(boot) is None:
            started_ns = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            self.fix(boot, started_ns, "synchronised clock")

    def fix(self, boot: str, started_ns: int, source: str) -> None:
        """Note when ``boot`` began, unless that is known already."""
        self._folder.mkdir(exist_ok=True)
        path = self._path(boot)
        draft = path.with_suffix(f".{os.getpid()}")
        entry = {
            "started_ns": started_ns,
            "started": datetime.fromtimestamp(started_ns / 1e9, UTC).isoformat(),
            "source": source,
        }
        write_durably(draft, json.dumps(entry).encode() + b"\n")
        try:
            os.link(draft, path)  # unlike a rename it never replaces what is there
        except FileExistsError:
            pass  # another process was first: its word stands
        finally:
            draft.unlink()
        fsync_folder(self._folder)

    def _path(self, boot: str) -> Path:
        return self._folder / f"{boot}{_SUFFIX}"
