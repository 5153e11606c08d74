"""The influxd program itself: where it is cached and which version it says it is."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import subprocess
from typing import TYPE_CHECKING, Final

import platformdirs

from soclab_services.influxdb import VERSION
from soclab_services.influxdb.errors import InfluxdbError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_VERSION_LINE: Final = re.compile(r"^InfluxDB v?(\S+) ")
_START_TIMEOUT_S: Final = 30.0  # 130 MB from a slow disk


def cached_binary() -> Path:
    """Return where this version of influxd is or would be cached."""
    return platformdirs.user_cache_path("soclab") / "influxdb" / VERSION / "influxd"


def find_cached() -> Path | None:
    """Return the cached influxd if there is one."""
    path = cached_binary()
    return path if os.access(path, os.X_OK) else None


def version_of(binary: Path) -> str:
    """Return the version that ``influxd version`` prints, such as ``2.7.12``.

    Raises
    ------
    InfluxdbError
        If it does not run here (another architecture, half a file) or is no influxd.
    """
    try:
        done = subprocess.run(
            [binary, "version"],
            capture_output=True,
            text=True,
            timeout=_START_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InfluxdbError(
            f"{binary} does not run: {error}", "Remove it and try again."
        ) from error
    match = _VERSION_LINE.match(done.stdout)
    if done.returncode or not match:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise InfluxdbError(
            f"{binary} is no influxd: it says {said[:1] or 'nothing'}", "Remove it and try again."
        )
    return match[1]


def store(binary: Path) -> Path:
    """Move a fresh influxd into the cache, whole or not at all.

    Raises
    ------
    InfluxdbError
        If it is not the version that the cache is for.
    """
    binary.chmod(0o755)
    version = version_of(binary)
    if version != VERSION:
        raise InfluxdbError(
            f"this is InfluxDB {version}, not {VERSION}", "Report this: the pinned source changed."
        )
    target = cached_binary()
    binary.replace(target)
    return target


@contextlib.contextmanager
def install_lock(say: Callable[[str], None]) -> Iterator[Path]:
    """Keep others from installing at the same time; gives the folder to work in."""
    folder = cached_binary().parent
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another installation is under way: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
