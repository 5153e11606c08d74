"""What outlives a reboot: how many were asked for in vain, and when in which boot."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Final

from soclab_collectors.clock.system import boot_id
from soclab_collectors.spool.durable import write_durably
from soclab_collectors.wlan.ladder import State

_LOG = logging.getLogger(__name__)
_FILE: Final = "reboots.json"
_STAT_OF_PID_1: Final = Path("/proc/1/stat")
_START_TIME: Final = 19  # field 22 of proc(5), counted from the one behind the name


def since_boot_s() -> float:
    """Return the seconds since this boot began, sleep included, whatever the date.

    Counted from the start of pid 1: in a container the kernel's own count is the machine's.
    """
    fields = _STAT_OF_PID_1.read_text(encoding="utf-8").rpartition(") ")[2].split()
    began_s = int(fields[_START_TIME]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began_s


class Memory:
    """Keeps in a file what must be known after a reboot.

    A file that is lost or damaged costs the doubling of the wait, not the hour between reboots:
    that one follows from the age of the boot.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / _FILE

    def load(self) -> State:
        """Return what is remembered."""
        try:
            entry = json.loads(self._path.read_text(encoding="utf-8"))
            asked_s = float(entry["asked_s"]) if entry["boot_id"] == boot_id() else None
            return State(reboots_in_vain=max(0, int(entry["reboots_in_vain"])), asked_s=asked_s)
        except FileNotFoundError:
            return State()
        except (OSError, ValueError, TypeError, KeyError) as error:
            _LOG.warning("cannot use %s, earlier reboots are forgotten: %r", self._path, error)
            return State()

    def save(self, state: State) -> None:
        """Remember, durably; a disk that takes nothing must not keep the Pi off the network."""
        entry = {
            "reboots_in_vain": state.reboots_in_vain,
            "boot_id": boot_id() if state.asked_s is not None else "",
            "asked_s": state.asked_s or 0.0,
        }
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_durably(self._path, json.dumps(entry).encode() + b"\n")
        except OSError as error:
            _LOG.warning("cannot remember reboots in %s: %s", self._path, error)
