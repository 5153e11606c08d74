"""Refused lines are kept once, readable, bounded, and go back when asked."""

import errno
import os

import pytest
from soclab_collectors.uploader import quarantine as quarantine_module
from soclab_collectors.uploader.lines import Refused
from soclab_collectors.uploader.quarantine import Quarantine


def refused(*numbers):
    return [Refused(b"m v=%d 1" % n, f"400: reason\n{n}") for n in numbers]


def test_lines_are_kept_with_reasons_as_line_protocol(tmp_path):
    Quarantine(tmp_path, 10**6).add("bms", refused(1, 2))
    text = (tmp_path / "_quarantine/bms/refused.lp").read_text().splitlines()
    assert text[0].startswith("# 20")
    assert text[0].endswith(" 400: reason 1")
    assert text[1::2] == ["m v=1 1", "m v=2 1"]


def test_lines_kept_already_are_not_repeated_not_even_by_the_next_process(tmp_path):
    first = Quarantine(tmp_path, 10**6)
    first.add("bms", refused(1, 2))
    first.add("bms", refused(2, 3))
    second = Quarantine(tmp_path, 10**6)
    second.add("bms", refused(1, 2, 3, 4))
    assert [e.line for e in second.entries("bms")] == [b"m v=%d 1" % n for n in (1, 2, 3, 4)]
    assert (first.lines_total, second.lines_total) == (3, 1)


def test_it_is_bounded_and_what_is_lost_is_counted(tmp_path, caplog):
    quarantine = Quarantine(tmp_path, 10_000)
    for start in range(0, 1_000, 100):
        quarantine.add("bms", refused(*range(start, start + 100)))
    assert quarantine.size() <= 10_000
    kept = [int(e.line.split()[1][2:]) for e in quarantine.entries("bms")]
    assert kept == list(range(quarantine.lost_total, 1_000))
    assert quarantine.lost_total > 0
    assert "are lost" in caplog.text


def test_lines_return_to_the_spool_and_may_come_back(tmp_path):
    quarantine = Quarantine(tmp_path, 10**6)
    quarantine.add("bms", refused(1, 2))
    assert Quarantine(tmp_path, 0).retry("bms") == 2  # another process: the command
    segment = tmp_path / "bms/000000000000.lp"
    assert segment.read_bytes() == b"m v=1 1\nm v=2 1\n"
    assert quarantine.entries("bms") == []
    quarantine.add("bms", refused(2))
    assert [e.line for e in quarantine.entries("bms")] == [b"m v=2 1"]


def test_a_full_disk_leaves_no_half_line(tmp_path, monkeypatch):
    quarantine = Quarantine(tmp_path, 10**6)
    quarantine.add("bms", refused(1))
    before = (tmp_path / "_quarantine/bms/refused.lp").read_bytes()

    def write_half(descriptor, data):
        os.write(descriptor, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(quarantine_module, "write_all", write_half)
        with pytest.raises(OSError, match="No space"):
            quarantine.add("bms", refused(2))
    assert (tmp_path / "_quarantine/bms/refused.lp").read_bytes() == before
    quarantine.add("bms", refused(2))
    assert [e.line for e in quarantine.entries("bms")] == [b"m v=1 1", b"m v=2 1"]
