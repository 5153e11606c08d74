"""What is remembered across reboots, and what a damaged file or a lying clock can do."""

import json
import time

import pytest
from soclab_collectors.wlan import memory
from soclab_collectors.wlan.ladder import State
from soclab_collectors.wlan.memory import Memory, since_boot_s

STATE = State(since_s=9.0, climbed=2, reboots_in_vain=3, asked_s=4000.5)


def test_what_is_saved_is_loaded(tmp_path):
    Memory(tmp_path / "wlan").save(STATE)
    assert Memory(tmp_path / "wlan").load() == State(reboots_in_vain=3, asked_s=4000.5)


def test_a_time_of_another_boot_is_no_time_of_this_one(tmp_path, monkeypatch):
    Memory(tmp_path).save(STATE)
    monkeypatch.setattr(memory, "boot_id", lambda: "another")
    assert Memory(tmp_path).load() == State(reboots_in_vain=3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"boot_id": 1, "reboots_in_vain": "x", "asked_s": 0}',
        "\0" * 64,
    ],
)
def test_a_damaged_file_is_reported_and_forgotten(tmp_path, text, caplog):
    (tmp_path / "reboots.json").write_text(text)
    assert Memory(tmp_path).load() == State()
    assert "reboots.json" in caplog.text


def test_nothing_remembered_is_nothing_to_report(tmp_path, caplog):
    assert Memory(tmp_path / "none").load() == State()
    assert not caplog.text


def test_a_disk_that_takes_nothing_is_reported_and_survived(tmp_path, caplog):
    (tmp_path / "wlan").write_text("a file where a folder belongs")
    Memory(tmp_path / "wlan").save(STATE)
    assert "cannot remember" in caplog.text


def test_a_count_below_zero_is_none(tmp_path):
    entry = {"boot_id": "", "reboots_in_vain": -7, "asked_s": 0}
    (tmp_path / "reboots.json").write_text(json.dumps(entry))
    assert Memory(tmp_path).load().reboots_in_vain == 0


def test_the_age_of_the_boot_does_not_follow_the_wall_clock(monkeypatch):
    before = since_boot_s()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert before <= since_boot_s() < before + 60
    assert 0 <= before <= time.clock_gettime(time.CLOCK_BOOTTIME)
