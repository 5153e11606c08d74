"""Runs the programs of the network services, never longer than it may take."""

from __future__ import annotations

import logging
import os
import subprocess
from typing import TYPE_CHECKING, Final, NamedTuple

from soclab_collectors import systemd

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LOG = logging.getLogger(__name__)

TIMEOUT_S: Final = 60.0  # stopping NetworkManager takes at most 45 s
NOT_RUN: Final = 127  # as a shell has it
TIMED_OUT: Final = 124  # as timeout(1) has it


class Result(NamedTuple):
    """How a command ended and what it said."""

    code: int
    output: str
    error: str = ""


if TYPE_CHECKING:
    Run = Callable[[Sequence[str]], Result]


def run(command: Sequence[str]) -> Result:
    """Run a command; one that is missing or hangs is a result like any other."""
    systemd.notify("WATCHDOG=1")  # each may take a minute
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "LC_ALL": "C"},  # nmcli's words are read
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return Result(TIMED_OUT, "", f"no end after {TIMEOUT_S:g} s")
    except OSError as error:
        return Result(NOT_RUN, "", error.strerror or str(error))
    finally:
        systemd.notify("WATCHDOG=1")
    _LOG.debug("%s: %d %s%s", " ".join(command), done.returncode, done.stdout, done.stderr)
    return Result(done.returncode, done.stdout, done.stderr)
