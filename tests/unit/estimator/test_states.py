"""States on disk: whole or absent, the right ones kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soclab_services.estimator.states import HOUR_NS, States

if TYPE_CHECKING:
    from pathlib import Path

MINUTE_NS = HOUR_NS // 60


def kept(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.iterdir())


def test_full_hours_are_kept_and_the_newest_two(tmp_path: Path) -> None:
    states = States(tmp_path, hours_kept=3)
    for minute in range(0, 361, 20):
        states.save(minute * MINUTE_NS, str(minute).encode())
    minutes = [time // MINUTE_NS for time in kept(tmp_path)]
    assert minutes == [180, 240, 300, 340, 360]


def test_the_newest_that_knows_nothing_of_a_time(tmp_path: Path) -> None:
    states = States(tmp_path, hours_kept=10)
    for hour in range(5):
        states.save(hour * HOUR_NS, str(hour).encode())
    assert [state for _, state in states.newest(3 * HOUR_NS)] == [b"3", b"2", b"1", b"0"]
    assert next(states.newest()) == (4 * HOUR_NS, b"4")
    states.forget(2 * HOUR_NS)
    assert next(states.newest()) == (2 * HOUR_NS, b"2")


def test_what_a_killed_program_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".123").write_bytes(b"half a sta")
    (tmp_path / "notes.txt").write_text("a person's")
    assert list(States(tmp_path, 3).newest()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
