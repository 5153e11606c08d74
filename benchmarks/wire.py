"""A serial line on which a charge controller publishes, at any rate, the same lines every time."""

from __future__ import annotations

import json
import math
import os
import select
import time
import tty
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DISTINCT_LINES = 1_000
TICK_S = 0.01
READER_TIMEOUT_S = 10.0
FIRST_UPTIME_S = 3_600
COMPACT = (",", ":")


class Wire:
    """A pty; ``feed`` writes publication lines of a Libre Solar controller to it.

    Attributes
    ----------
    path
        Where the reader finds its end, named as a real device is.
    """

    def __init__(self, folder: Path, prefix: str) -> None:
        self._near, self._far = os.openpty()
        os.set_blocking(self._near, False)
        tty.setraw(self._far)
        self.path = folder / "serial" / "by-id" / "usb-benchmark-if00"
        self.path.parent.mkdir(parents=True)
        self.path.symlink_to(os.ttyname(self._far))
        self._prefix = f'{prefix}{{"Uptime_s":'.encode()
        self._rest = [_rest(i) for i in range(DISTINCT_LINES)]
        self._next = 0

    def feed(self, count: int, per_s: float) -> float:
        """Write ``count`` lines, at most ``per_s``; return how long it took.

        Writing waits while the reader is behind, so nothing is lost on the way.
        """
        started = time.monotonic()
        fed = 0
        while fed < count:
            due = min(count, int((time.monotonic() - started + TICK_S) * per_s))
            for _ in range(due - fed):
                rest = self._rest[self._next % DISTINCT_LINES]
                self._write(b"%b%d%b" % (self._prefix, FIRST_UPTIME_S + self._next, rest))
                self._next += 1
            fed = due
            time.sleep(TICK_S)
        return time.monotonic() - started

    def _write(self, line: bytes) -> None:
        while line:
            if not select.select([], [self._near], [], READER_TIMEOUT_S)[1]:
                raise TimeoutError(f"nobody reads {self.path}")
            line = line[os.write(self._near, line) :]

    def close(self) -> None:
        """Take the device away."""
        os.close(self._near)
        os.close(self._far)


def _rest(i: int) -> bytes:
    """Return a line of generation A from behind the uptime, which must never fall."""
    wave = math.sin(i / 50)
    values = {
        "Bat_V": round(13.2 + 0.9 * wave, 2),
        "Bat_A": round(2.5 * wave, 2),
        "SOC_pct": 50 + round(40 * wave),
        "ChgState": 1,
        "DCDCState": 1,
        "Solar_V": round(18.0 + wave, 2),
        "Solar_A": round(-1.5 - wave, 2),
        "Load_A": round(0.5 + 0.2 * wave, 2),
        "LoadInfo": 1,
        "UsbInfo": 1,
        "ErrorFlags": 0,
        "DeepDisCount": 2,
        "BatUsable_Ah": 6.9,
        "SolarInDay_Wh": round(i / 10, 2),
        "LoadOutDay_Wh": round(i / 20, 2),
        "BatChgDay_Wh": round(i / 15, 2),
        "BatDisDay_Wh": 3.5,
        "Dis_Ah": 1,
    }
    return f",{json.dumps(values, separators=COMPACT)[1:]}\n".encode()
