"""A collector and the uploader as two users of one group, as their units run them."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from soclab_collectors.config.model import SpoolConfig
from soclab_collectors.reading import Stamp
from soclab_collectors.spool import SpoolWriter
from soclab_collectors.spool.folder import adopt_orphans
from soclab_collectors.spool.segment import OPEN_SUFFIX, closed_segments, file_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COLLECTOR, UPLOADER, GROUP = 61001, 61002, 61003

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="reason: only root can be two users, remedy: run as root"
)


@pytest.fixture
def spool() -> Iterator[Path]:
    """Give a folder as the collectors role makes it; tmp_path lets nobody else in."""
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o711)
        folder = Path(parent) / "spool"
        folder.mkdir()
        os.chown(folder, COLLECTOR, GROUP)
        folder.chmod(0o2770)
        yield folder


def as_user(user: int, do: Callable[[], object]) -> int:
    """Run something as a user of the common group and return how it ended."""
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(GROUP, GROUP, GROUP)
        os.setresuid(user, user, user)
        os.umask(0o007)
        try:
            do()
        except BaseException as error:  # noqa: BLE001  nothing may escape into pytest
            print(f"user {user}: {error!r}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def write_and_be_killed(spool: Path) -> None:
    writer = SpoolWriter(spool / "daq", SpoolConfig(directory=str(spool), fsync_s=60.0))
    writer.append("battery voltage_v=13.1", Stamp(1))
    (segment,) = (spool / "daq").glob(f"*{OPEN_SUFFIX}")
    with segment.open("ab") as file:
        file.write(b"battery volt")
    os.kill(os.getpid(), signal.SIGKILL)


def adopt_and_delete(spool: Path) -> None:
    assert adopt_orphans(spool / "daq")
    (segment,) = closed_segments(spool / "daq")
    path = spool / "daq" / segment.name
    assert path.read_bytes() == b"battery voltage_v=13.1 1\n"
    path.unlink()


def test_uploader_adopts_what_a_killed_collector_left(spool: Path) -> None:
    assert as_user(COLLECTOR, lambda: write_and_be_killed(spool)) == -signal.SIGKILL
    assert as_user(UPLOADER, lambda: adopt_and_delete(spool)) == 0
    assert file_names(spool / "daq") == []
    assert as_user(COLLECTOR, lambda: write_and_be_killed(spool)) == -signal.SIGKILL


def test_others_see_nothing(spool: Path) -> None:
    as_user(COLLECTOR, lambda: write_and_be_killed(spool))
    modes = {path.stat().st_mode & 0o007 for path in [spool, *spool.rglob("*")]}
    assert modes == {0}
