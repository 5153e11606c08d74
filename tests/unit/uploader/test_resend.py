"""Archived segments go back into the spool, each once, in their order and with their boot."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from soclab_collectors.errors import ConfigError
from soclab_collectors.uploader.resend import resend

if TYPE_CHECKING:
    from pathlib import Path

BOOT = "8d1e3b0c-0000-4000-8000-000000000000"


def put(path: Path, text: str, mtime: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (mtime, mtime))


def test_order_and_boot_are_kept(tmp_path: Path) -> None:
    spool, archive = tmp_path / "spool", tmp_path / "archive"
    spool.mkdir()
    put(archive / "bms" / "000000000007.lp", "second", 20)
    put(archive / "bms" / f"000000000001-1.{BOOT}.boot", "third", 30)  # numbers began anew
    put(archive / "load" / "000000000007.lp", "first", 10)
    put(archive / "load" / "notes.txt", "a person's", 5)

    done = resend(spool, archive)

    assert done == {"segments": 3, "bytes": len("firstsecondthird")}
    resent = {path.name: path.read_text() for path in (spool / "resent").iterdir()}
    assert resent == {
        "000000000001.lp": "first",
        "000000000002.lp": "second",
        f"000000000003.{BOOT}.boot": "third",
    }
    assert [path.name for path in archive.glob("*/*")] == ["notes.txt"]


def test_what_waits_already_is_not_overwritten(tmp_path: Path) -> None:
    spool, archive = tmp_path / "spool", tmp_path / "archive"
    put(spool / "resent" / "000000000004.lp", "waits", 1)
    put(archive / "resent" / "000000000004.lp", "again", 2)

    resend(spool, archive)

    assert (spool / "resent" / "000000000004.lp").read_text() == "waits"
    assert (spool / "resent" / "000000000005.lp").read_text() == "again"


def test_without_archive_nothing_was_kept(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="archive_directory"):
        resend(tmp_path, None)
