"""No reading is stamped with a lying clock."""

import time

from soclab_collectors.clock.system import SystemClock, boot_id, kernel_clock_synced


def test_dates_are_withheld_until_the_file_says_that_they_are_right(tmp_path, monkeypatch):
    sync_file = tmp_path / "synchronized"
    clock = SystemClock("file", sync_file)
    monkeypatch.setattr("soclab_collectors.clock.system._RECHECK_S", 0.0)
    before = clock.stamp()
    assert before.boot_id == boot_id()
    assert abs(before.time_ns - time.clock_gettime_ns(time.CLOCK_BOOTTIME)) < 10**9
    sync_file.touch()
    clock._next_check = 0.0
    after = clock.stamp()
    assert after.boot_id is None
    assert abs(after.time_ns - time.time_ns()) < 10**9


def test_once_synchronised_the_clock_stays_trusted_for_this_boot(tmp_path):
    sync_file = tmp_path / "synchronized"
    sync_file.touch()
    clock = SystemClock("file", sync_file)
    assert clock.synced()
    sync_file.unlink()
    assert clock.synced()


def test_a_trusted_clock_dates_at_once():
    assert SystemClock("trusted").stamp().boot_id is None


def test_the_kernel_is_asked_and_its_answer_decides(monkeypatch):
    assert kernel_clock_synced() in {True, False}  # the real call: it must not fail
    for answer in (False, True):
        monkeypatch.setattr(
            "soclab_collectors.clock.system.kernel_clock_synced", lambda answer=answer: answer
        )
        assert (SystemClock("kernel").stamp().boot_id is None) is answer
