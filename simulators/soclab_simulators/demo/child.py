"""Starts a program that ends with the process that started it, however that one ends.

Run as ``python -I -S child.py PARENT_PID PROGRAM ARGUMENT…``: asks the kernel to send SIGTERM when
the parent dies (prctl(2), PR_SET_PDEATHSIG), then becomes the program. A separate step because
code between fork and exec is not safe in a process with threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(parent: int, command: list[str]) -> None:
    """Become ``command``; end at once if the parent is gone already."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    os.execvp(command[0], command)  # noqa: S606  becomes the program by design


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
