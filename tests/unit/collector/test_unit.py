"""The reading loop survives absence and nonsense, and stops between two readings."""

import logging
import os
import signal

import pytest
from soclab_collectors.clock.system import SystemClock
from soclab_collectors.collector import reconnect
from soclab_collectors.collector.health import Health
from soclab_collectors.collector.stop import Stopper, StopUnit
from soclab_collectors.collector.unit import BAD_REPLIES_BEFORE_REOPEN, Unit
from soclab_collectors.errors import BadReplyError, UnavailableError
from soclab_collectors.reading import Reading, Stamp


class ScriptedInstrument:
    """A test double: plays a list of readings, exceptions and callables, then asks to stop."""

    interval_s = 0.001

    def __init__(self, script):
        self.script = iter(script)
        self.opened = self.closed = 0

    def open(self):
        self.opened += 1

    def read(self):
        step = next(self.script, None)
        if step is None:
            os.kill(os.getpid(), signal.SIGTERM)
            return []
        if isinstance(step, Exception):
            raise step
        return [Reading("battery", {"voltage_v": step}, Stamp(int(step * 10)))]

    def counters(self):
        return {}

    def close(self):
        self.closed += 1


class ListSpool:
    """A test double that keeps what a spool would be given."""

    def __init__(self):
        self.lines = []

    def extend(self, lines):
        self.lines += lines


@pytest.fixture
def play(monkeypatch):
    monkeypatch.setattr(reconnect, "FIRST_WAIT_S", 0.0)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

    def run(*script):
        instrument, spool, health = ScriptedInstrument(script), ListSpool(), Health("bms")
        tags = {"site": "lab", "battery": "b 1", "instrument": "bms"}
        with pytest.raises(StopUnit):
            Unit(instrument, SystemClock("trusted"), spool, tags, health, Stopper()).run()
        return instrument, spool, health

    yield run
    signal.signal(signal.SIGTERM, before[0])
    signal.signal(signal.SIGINT, before[1])


def test_readings_become_lines_with_tags(play):
    _, spool, health = play(12.5, 12.6)
    assert spool.lines == [
        (r"battery,battery=b\ 1,instrument=bms,site=lab voltage_v=12.5", Stamp(125)),
        (r"battery,battery=b\ 1,instrument=bms,site=lab voltage_v=12.6", Stamp(126)),
    ]
    assert (health.readings_total, health.errors_total, health.up) == (2, 0, True)


def test_a_device_that_goes_away_is_opened_again(play, caplog):
    caplog.set_level(logging.INFO)
    gone = [UnavailableError("cable pulled")] * 5
    instrument, spool, health = play(1.0, *gone, 2.0)
    assert [s.time_ns for _, s in spool.lines] == [10, 20]
    assert instrument.opened == 6
    assert instrument.closed == 6
    assert health.errors_total == 5
    down = [r for r in caplog.records if "down: cable pulled" in r.message]
    back = [r for r in caplog.records if "readings arrive" in r.message]
    assert (len(down), len(back)) == (1, 1)


def test_a_bad_reply_records_nothing_and_keeps_the_connection(play):
    instrument, spool, health = play(1.0, BadReplyError("checksum"), 2.0)
    assert len(spool.lines) == 2
    assert instrument.opened == 1
    assert health.errors_total == 1


def test_many_bad_replies_in_a_row_reopen_the_line(play):
    bad = [BadReplyError("out of step")] * BAD_REPLIES_BEFORE_REOPEN
    instrument, spool, _ = play(1.0, *bad, 2.0)
    assert instrument.opened == 2
    assert len(spool.lines) == 2
