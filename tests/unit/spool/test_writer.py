"""Every accepted line is in a segment, once, in order; what is given up is counted."""

import errno
import os
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soclab_collectors.config.model import SpoolConfig
from soclab_collectors.errors import ConfigError
from soclab_collectors.reading import Stamp
from soclab_collectors.spool import SpoolWriter, open_segment, waiting, writer
from soclab_collectors.spool.segment import closed_segments

BOOT = "01234567-89ab-cdef-0123-456789abcdef"
SOON = 0.01  # seconds between fsyncs, where a test need not wait for them


def config(**changes):
    return SpoolConfig(**({"fsync_s": SOON} | changes))


def lines_in(folder):
    return b"".join((folder / s.name).read_bytes() for s in closed_segments(folder)).splitlines()


def numbers_in(folder):
    return [int(line.rpartition(b" ")[2]) for line in lines_in(folder)]


def wait_until(condition, timeout_s=5.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.005)


def test_lines_become_a_closed_segment_without_being_asked(tmp_path):
    spool = SpoolWriter(tmp_path / "bms", config())
    spool.append("battery v=1.0", Stamp(7))
    spool.append("battery v=2.0", Stamp(8))
    wait_until(lambda: spool.accepted_lines == 2)
    assert lines_in(tmp_path / "bms") == [b"battery v=1.0 7", b"battery v=2.0 8"]
    assert spool.pending_lines == 0
    spool.close()


def test_a_line_is_in_the_file_when_append_returns(tmp_path):
    spool = SpoolWriter(tmp_path / "bms", config(fsync_s=60))
    spool.append("battery v=1.0", Stamp(7))
    assert (tmp_path / "bms/000000000001.lp.open").read_bytes() == b"battery v=1.0 7\n"
    assert (spool.accepted_lines, spool.pending_lines) == (0, 1)
    spool.close()
    assert (spool.accepted_lines, spool.pending_lines) == (1, 0)


@settings(max_examples=30, deadline=None)
@given(stamps=st.lists(st.tuples(st.integers(0, 9), st.sampled_from([None, BOOT]))))
def test_segments_hold_all_lines_in_order_each_with_one_clock(tmp_path_factory, stamps):
    folder = tmp_path_factory.mktemp("spool") / "bms"
    spool = SpoolWriter(folder, config(fsync_s=60, max_mb=0.0004))  # segments of 50 bytes
    spool._limit_bytes = 10**9
    for number, boot in stamps:
        spool.append(f"m v={number}", Stamp(number, boot))
    spool.close()
    found = [
        (int(line.rpartition(b" ")[2]), segment.boot_id)
        for segment in closed_segments(folder)
        for line in (folder / segment.name).read_bytes().splitlines()
    ]
    assert found == stamps


def test_a_newline_is_refused(tmp_path):
    spool = SpoolWriter(tmp_path / "bms", config())
    with pytest.raises(ValueError, match="newline"):
        spool.append('event text="two\nlines"', Stamp(1))
    spool.close()


def test_two_writers_on_one_folder_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("soclab_collectors.spool.folder.LOCK_PATIENCE_S", 0.0)
    spool = SpoolWriter(tmp_path / "bms", config())
    script = (
        "import sys; from pathlib import Path\n"
        "import soclab_collectors.spool.folder as f\n"
        "f.lock_folder(Path(sys.argv[1]), 0.0)\n"
    )
    other = [sys.executable, "-c", script, tmp_path / "bms"]
    refused = subprocess.run(other, capture_output=True, text=True, check=False)
    assert "Only one process may write for bms" in refused.stderr
    spool.close()
    assert subprocess.run(other, check=False).returncode == 0


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"spool\.directory: .*file/bms"):
        SpoolWriter(tmp_path / "file/bms", config())


@pytest.mark.parametrize(
    ("left", "kept"),
    [
        (b"m v=1 1\nm v=2 2\n", [b"m v=1 1", b"m v=2 2"]),
        (b"m v=1 1\nm v=2", [b"m v=1 1"]),
        (b"m v=1", []),
        (b"", []),
        (b"m v=1 1\n" + b"x" * 200_000, [b"m v=1 1"]),
        (b"m v=1 1\n" * 20_000 + b"m v=", [b"m v=1 1"] * 20_000),
    ],
    ids=["whole", "cut", "one cut line", "empty", "long tail", "large"],
)
def test_what_a_killed_process_left_is_closed_without_its_last_half_line(tmp_path, left, kept):
    folder = tmp_path / "bms"
    folder.mkdir()
    (folder / "000000000007.lp.open").write_bytes(left)
    (folder / "000000000007.lp.copy").write_bytes(b"half of a rescue")
    spool = SpoolWriter(folder, config())
    assert lines_in(folder) == kept
    spool.append("m v=9", Stamp(9))
    spool.close()
    assert lines_in(folder) == [*kept, b"m v=9 9"]
    assert not list(folder.glob("*.copy"))


def test_while_nobody_uploads_the_open_segment_grows_instead_of_a_thousand_small_ones(tmp_path):
    folder = tmp_path / "bms"
    spool = SpoolWriter(folder, config())
    for number in range(writer.CLOSED_AHEAD + 5):
        spool.append("m v=1", Stamp(number))
        wait_until(lambda number=number: spool.accepted_lines == number + 1)
    assert len(closed_segments(folder)) == writer.CLOSED_AHEAD
    for segment in closed_segments(folder):  # the uploader is back
        (folder / segment.name).unlink()
    wait_until(lambda: len(closed_segments(folder)) == 1)
    assert numbers_in(folder) == list(range(writer.CLOSED_AHEAD, writer.CLOSED_AHEAD + 5))
    spool.close()


def test_the_oldest_are_dropped_at_the_limit_and_counted(tmp_path, caplog):
    folder = tmp_path / "bms"
    spool = SpoolWriter(folder, config(max_mb=0.01))
    for number in range(2_000):
        spool.append("m v=1.0", Stamp(10_000 + number))  # 14 bytes a line
    wait_until(lambda: spool.pending_lines == 0)
    spool.close()
    kept = numbers_in(folder)
    assert kept == list(range(10_000 + spool.dropped_lines, 12_000))
    assert sum((folder / s.name).stat().st_size for s in closed_segments(folder)) <= 10_000
    assert len(kept) > 500  # and not more than needed
    assert sum("the oldest readings are dropped" in r.message for r in caplog.records) == 1


def test_new_ones_are_refused_at_the_limit_and_counted_until_there_is_room(tmp_path, caplog):
    caplog.set_level("INFO")
    folder = tmp_path / "bms"
    spool = SpoolWriter(folder, config(max_mb=0.01, at_limit="refuse_new"))
    for number in range(2_000):
        spool.append("m v=1.0", Stamp(10_000 + number))
    assert spool.dropped_lines == 2_000 - 10_000 // 14
    wait_until(lambda: spool.pending_lines == 0)
    for segment in closed_segments(folder)[:4]:  # the uploader is back
        (folder / segment.name).unlink()
    wait_until(lambda: "below its limit again" in caplog.text)
    dropped = spool.dropped_lines
    spool.append("m v=1.0", Stamp(13_000))
    spool.close()
    assert spool.dropped_lines == dropped
    assert numbers_in(folder)[-1] == 13_000


class BrokenDisk:
    """A test double for the system calls of a disk that refuses after part of a line."""

    def __init__(self, monkeypatch, error=errno.ENOSPC):
        self.broken = False
        self.error = error
        self._write = os.write
        monkeypatch.setattr(open_segment.os, "write", self.write)

    def write(self, descriptor, data):
        if not self.broken:
            return self._write(descriptor, data)
        if len(data) > 3:
            return self._write(descriptor, data[:3])
        raise OSError(self.error, os.strerror(self.error))


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_lines_wait_in_memory_while_the_disk_refuses_them(tmp_path, monkeypatch, caplog, error):
    caplog.set_level("INFO")
    disk = BrokenDisk(monkeypatch, error)
    folder = tmp_path / "bms"
    spool = SpoolWriter(folder, config())
    for number in range(30):
        disk.broken = 10 <= number < 20
        if number == 20:
            time.sleep(5 * SOON)
        spool.append("m v=1", Stamp(number))
    wait_until(lambda: spool.accepted_lines == 30)
    spool.close()
    assert numbers_in(folder) == list(range(30))
    assert spool.dropped_lines == 0
    assert sum("Make room" in r.message for r in caplog.records) == 1
    assert sum("takes readings again" in r.message for r in caplog.records) == 1


@pytest.mark.parametrize(("at_limit", "kept"), [("drop_oldest", "last"), ("refuse_new", "first")])
def test_what_waits_in_memory_is_bounded_and_counted(tmp_path, monkeypatch, at_limit, kept):
    monkeypatch.setattr(waiting, "WAITING_BYTES", 80)  # ten lines
    disk = BrokenDisk(monkeypatch)
    folder = tmp_path / "bms"
    spool = SpoolWriter(folder, config(at_limit=at_limit))
    disk.broken = True
    for number in range(25):
        spool.append("m v=1", Stamp(number % 10))
    assert (spool.pending_lines, spool.dropped_lines) == (10, 15)
    disk.broken = False
    spool.close()
    expected = list(range(10)) if kept == "first" else [5, 6, 7, 8, 9, 0, 1, 2, 3, 4]
    assert numbers_in(folder) == expected
    assert spool.dropped_lines == 15


def test_lines_that_never_reached_the_disk_are_reported_at_the_end(tmp_path, monkeypatch, caplog):
    disk = BrokenDisk(monkeypatch)
    spool = SpoolWriter(tmp_path / "bms", config())
    disk.broken = True
    spool.append("m v=1", Stamp(1))
    spool.close()
    assert spool.dropped_lines == 1
    assert "1 readings that waited for room on the disk are lost" in caplog.text


@pytest.mark.parametrize("failures", [1, 3])
def test_after_a_failed_fsync_the_lines_are_written_anew(tmp_path, monkeypatch, failures):
    """A second fsync of the same file would succeed and mean nothing."""
    folder = tmp_path / "bms"
    spool = SpoolWriter(folder, config(fsync_s=60))
    spool.append("m v=1", Stamp(1))
    first = (folder / "000000000001.lp.open").stat().st_ino
    real = os.fsync
    calls = []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) <= failures:
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(open_segment.os, "fsync", fsync)
    for _ in range(failures):
        spool._wake.set()
        wait_until(lambda: not spool._wake.is_set())
        time.sleep(0.02)
    assert spool.accepted_lines == 0
    spool.append("m v=2", Stamp(2))
    spool.close()
    assert spool.accepted_lines == 2
    assert numbers_in(folder) == [1, 2]
    assert (folder / "000000000001.lp").stat().st_ino != first


def test_the_backlog_is_bytes_and_age(tmp_path):
    folder = tmp_path / "bms"
    spool = SpoolWriter(folder, config(fsync_s=60))
    assert spool.backlog() == (0, 0.0)
    spool.append("m v=1", Stamp(1))
    assert spool.backlog() == (8, 0.0)
    spool.close()
    os.utime(folder / "000000000001.lp", (0, time.time() - 50))
    spool = SpoolWriter(folder, config())
    size, age_s = spool.backlog()
    spool.close()
    assert size == 8
    assert age_s == pytest.approx(50, abs=5)


def test_a_closed_writer_takes_no_more(tmp_path):
    spool = SpoolWriter(tmp_path / "bms", config())
    spool.close()
    with pytest.raises(RuntimeError, match="closed"):
        spool.append("m v=1", Stamp(1))


class PowerCut:
    """A test double that knows what a power cut at this moment would leave: what was fsynced."""

    def __init__(self, monkeypatch):
        self._content = {}  # inode -> bytes
        self._names = {}  # folder's inode -> name -> inode
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self.fsync)

    def fsync(self, descriptor):
        self._fsync(descriptor)
        inode = os.fstat(descriptor).st_ino
        path = f"/proc/self/fd/{descriptor}"
        if os.path.isdir(path):  # noqa: PTH112  a link of /proc
            with os.scandir(path) as entries:
                self._names[inode] = {e.name: e.inode() for e in entries}
        else:
            with open(path, "rb") as file:  # noqa: PTH123
                self._content[inode] = file.read()

    def left(self, folder):
        """Return the lines that would be there, by the folder as it was last fsynced."""
        names = self._names.get(folder.stat().st_ino, {})
        return b"".join(self._content.get(names[n], b"") for n in sorted(names)).splitlines()


def test_what_counts_as_accepted_survives_a_power_cut_at_any_moment(tmp_path, monkeypatch):
    """Held at every step: content and name are durable before a line is counted."""
    cut = PowerCut(monkeypatch)
    folder = tmp_path / "bms"
    spool = SpoolWriter(folder, config(fsync_s=60))
    spool._segment_bytes = 200
    seen = set()
    for number in range(300):
        spool.append("m v=1", Stamp(number))
        if number % 7 == 0:
            spool._wake.set()
            time.sleep(0.002)
        accepted = spool.accepted_lines
        assert len(set(cut.left(folder))) >= accepted
        seen.add(accepted)
    spool.close()
    assert len(seen) > 10
    assert spool.accepted_lines == len(cut.left(folder)) == 300
