"""A real file system that is really full: readings wait, then follow in order."""

import errno
import os
import subprocess
import time

import pytest
from soclab_collectors.config.model import SpoolConfig
from soclab_collectors.reading import Stamp
from soclab_collectors.spool import SpoolWriter
from soclab_collectors.spool.segment import closed_segments

from tests.pipeline.uploading import wait_until

SIZE_KB = 1024


@pytest.fixture(params=["tmpfs", "ext4"])
def small_disk(request, tmp_path):
    """Mount a file system of one megabyte."""
    if os.geteuid() != 0:
        pytest.skip("reason: only root may mount a small file system, remedy: run as root")
    disk = tmp_path / "disk"
    disk.mkdir()
    if request.param == "tmpfs":
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_KB}k", "tmpfs", disk]
    else:
        image = tmp_path / "image"
        made = subprocess.run(
            ["mkfs.ext4", "-q", "-m", "0", image, f"{4 * SIZE_KB}k"],
            capture_output=True,
            check=False,
        )
        if made.returncode:
            pytest.skip(f"reason: mkfs.ext4: {made.stderr!r}, remedy: apt install e2fsprogs")
        mount = ["mount", "-o", "loop", image, disk]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"reason: {mounted.stderr.strip()}, remedy: run where mounting is allowed")
    yield disk
    subprocess.run(["umount", disk], check=True)


def fill_up(filler):
    """Take the last byte of the disk, as somebody else might."""
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
                os.fsync(file.fileno())
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017  raises() wants a single statement


def test_readings_wait_while_the_disk_is_full_and_follow_in_order(small_disk, caplog, figure):
    caplog.set_level("INFO")
    folder = small_disk / "bms"
    spool = SpoolWriter(folder, SpoolConfig(fsync_s=0.05))
    filler = small_disk / "filler"
    written = 0

    def append(lines):
        nonlocal written
        for _ in range(lines):
            spool.append("battery,instrument=bms voltage_v=12.5,current_a=-3.25", Stamp(written))
            written += 1

    append(100)
    wait_until(lambda: spool.accepted_lines == 100, 5, "accepted")
    fill_up(filler)
    append(10_000)  # some fit into a block that is there already, no more
    time.sleep(0.3)
    assert spool.accepted_lines < 1_000
    filler.unlink()
    back = time.monotonic()
    wait_until(lambda: spool.accepted_lines == written, 10, "accepted after there is room")
    recovered_s = time.monotonic() - back
    append(100)
    spool.close()
    assert spool.dropped_lines == 0
    lines = b"".join((folder / s.name).read_bytes() for s in closed_segments(folder)).splitlines()
    assert [int(line.rpartition(b" ")[2]) for line in lines] == list(range(written))
    assert sum("Make room" in r.message for r in caplog.records) == 1
    assert sum("takes readings again" in r.message for r in caplog.records) == 1
    kind = "ext4" if (small_disk / "lost+found").exists() else "tmpfs"
    figure(
        f"full disk ({kind}): 10,000 readings waited, all accepted {recovered_s:.2f} s after there"
        " was room, 0 dropped"
    )


def test_what_does_not_fit_into_memory_either_is_counted(small_disk, monkeypatch):
    monkeypatch.setattr("soclab_collectors.spool.waiting.WAITING_BYTES", 10_000)
    folder = small_disk / "bms"
    spool = SpoolWriter(folder, SpoolConfig(fsync_s=0.05))
    filler = small_disk / "filler"
    fill_up(filler)
    for number in range(5_000):
        spool.append("m v=1.0", Stamp(10_000 + number))
    assert spool.dropped_lines > 3_000
    filler.unlink()
    spool.close()
    lines = b"".join((folder / s.name).read_bytes() for s in closed_segments(folder)).splitlines()
    assert len(lines) == 5_000 - spool.dropped_lines
    assert int(lines[-1].rpartition(b" ")[2]) == 14_999
