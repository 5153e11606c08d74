"""The Pi's own clocks: wall clock once the kernel calls it synchronised, boot time until then."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from typing import Final

from soclab_collectors.clock.deadline import DeadlineTicker
from soclab_collectors.reading import Stamp

BOOT_ID_FILE: Final = Path("/proc/sys/kernel/random/boot_id")
STA_UNSYNC: Final = 0x0040  # <sys/timex.h>
_TIMEX_BYTES: Final = 256  # struct timex is 208 bytes on 64-bit Linux, 128 on 32-bit
_RECHECK_S: Final = 1.0


def boot_id() -> str:
    """Return the kernel's random identifier of this boot."""
    return BOOT_ID_FILE.read_text(encoding="ascii").strip()


def kernel_clock_synced() -> bool:
    """Tell whether an NTP client has disciplined the kernel clock (adjtimex(2), read only).

    chrony and systemd-timesyncd both clear STA_UNSYNC once they have set the time.
    """
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.adjtimex(buffer) == -1:
        raise OSError(ctypes.get_errno(), "adjtimex")
    # struct timex: unsigned modes (padded to long), then long offset, freq, maxerror, esterror,
    # then int status.
    status_at = 5 * ctypes.sizeof(ctypes.c_long)
    status = int.from_bytes(buffer.raw[status_at : status_at + 4], "little")
    return not status & STA_UNSYNC


class SystemClock:
    """The clock of a running Pi.

    Parameters
    ----------
    source
        ``kernel``: ask the kernel. ``file``: synchronised once ``sync_file`` exists (such as
        ``/run/systemd/timesync/synchronized``). ``trusted``: a battery-backed clock vouched for
        by whoever configured it.
    sync_file
        The file that ``source = "file"`` waits for.

    Notes
    -----
    Once synchronised, the clock stays trusted for this boot: the kernel raises STA_UNSYNC again
    after hours without a time server, when it has drifted by milliseconds, not by years.
    """

    def __init__(self, source: str = "kernel", sync_file: Path | None = None) -> None:
        self._source = source
        self._sync_file = sync_file
        self._boot_id = boot_id()
        self._synced = source == "trusted"
        self._next_check = 0.0

    def synced(self) -> bool:
        """Tell whether the wall clock has been right since some moment of this boot."""
        if not self._synced and time.monotonic() >= self._next_check:
            self._next_check = time.monotonic() + _RECHECK_S
            if self._source == "file":
                self._synced = self._sync_file is not None and self._sync_file.exists()
            else:
                self._synced = kernel_clock_synced()
        return self._synced

    def stamp(self) -> Stamp:
        """Return Unix time if the clock is synchronised, else time since boot."""
        if self.synced():
            return Stamp(time.time_ns())
        return Stamp(time.clock_gettime_ns(time.CLOCK_BOOTTIME), self._boot_id)

    def now(self) -> Stamp:
        """Return the present moment."""
        return self.stamp()

    def pause(self, seconds: float) -> None:
        """Wait in real time."""
        time.sleep(seconds)

    def ticker(self, interval_s: float) -> DeadlineTicker:
        """Return a ticker on the monotonic clock."""
        return DeadlineTicker(interval_s)
