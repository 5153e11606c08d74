"""The instrument on a real pty: faults of the line, unplugging, one owner at a time."""

import os
import termios
import time

import pytest
from soclab_collectors.errors import BadReplyError, UnavailableError
from soclab_simulators.ea_el3000 import Fault

from tests.protocol.ea_el3000.bench import Bench
from tests.protocol.ea_el3000.scripted_line import RealClock

# 12.8375 V, 5 A and their product in steps of 1/25600 of 160 V, 60 A and 400 W, rounded down.
VALUES = {"voltage_v": 12.8375, "current_a": 4.99921875, "power_w": 64.1875}


@pytest.fixture
def bench(tmp_path):
    with Bench(tmp_path) as bench:
        yield bench


@pytest.fixture
def instrument(bench):
    instrument = bench.config(reply_timeout_s=0.2).create(RealClock())
    instrument.open()
    yield instrument
    instrument.close()


def values(instrument):
    [reading] = instrument.read()
    return {k: v for k, v in reading.fields.items() if k in VALUES}


def test_identifies_and_reads(instrument):
    assert instrument.identity == ("EL 3160-60A", "1234567890", 160.0, 60.0, 400.0)
    [reading] = instrument.read()
    state = {"enabled": 1.0, "remote": 0.0, "mode": 2.0, "charge_ah": 0.0}
    assert reading.fields == VALUES | state
    assert instrument.probe()["software"] == "V5.05 02.08.12"


def test_never_writes(bench, instrument):
    for _ in range(3):
        instrument.read()
    assert {r.kind for r in bench.simulator.received} == {"query"}


def test_keeps_the_rest_that_the_load_needs(bench):
    instrument = bench.config(telegram_gap_s=0.05).create(RealClock())
    instrument.open()
    bench.simulator.shortest_rest_s = 1.0
    for _ in range(2):
        instrument.read()
    instrument.close()
    assert 0.045 < bench.simulator.shortest_rest_s < 0.2


def test_counts_charge(bench, instrument):
    bench.terminals.show(12.8375, 5.0, time_s=0.0)
    instrument.read()
    bench.terminals.show(12.8375, 5.0, time_s=3600.0)
    [reading] = instrument.read()
    assert reading.fields["charge_ah"] == pytest.approx(5.0)


# Noise before an answer and echoes may be skipped at once; the others cost the answer.
SPOILED = {Fault.HALF_FRAME, Fault.WRONG_CHECKSUM, Fault.OTHER_OBJECT, Fault.OTHER_NODE}


@pytest.mark.parametrize("fault", [f for f in Fault if f is not Fault.NAN_CHARGE])
def test_two_bad_answers_are_asked_for_again(bench, instrument, fault):
    bench.simulator.faults.inject(fault, times=2, number=71)
    assert values(instrument) == VALUES
    assert values(instrument) == VALUES
    assert bench.simulator.faults.waiting == 0


@pytest.mark.parametrize("fault", [*sorted(SPOILED, key=str), Fault.SILENCE])
def test_three_bad_answers_are_no_reading(bench, instrument, fault):
    bench.simulator.faults.inject(fault, times=3, number=71)
    with pytest.raises(BadReplyError if fault in SPOILED else UnavailableError):
        instrument.read()
    assert values(instrument) == VALUES


@pytest.mark.parametrize(
    ("number", "missing"), [(69, {"charge_ah"}), (70, {"enabled", "remote", "mode"})]
)
@pytest.mark.parametrize(
    "fault", [Fault.SILENCE, Fault.HALF_FRAME, Fault.OTHER_NODE, Fault.OTHER_OBJECT]
)
def test_state_and_counter_may_be_missing(bench, instrument, number, missing, fault):
    complete = set(instrument.read()[0].fields)
    bench.simulator.faults.inject(fault, number=number)
    [reading] = instrument.read()
    assert set(reading.fields) == complete - missing
    assert set(instrument.read()[0].fields) == complete


def test_a_counter_that_is_not_a_number(bench, instrument):
    bench.simulator.faults.inject(Fault.NAN_CHARGE, number=69)
    assert "charge_ah" not in instrument.read()[0].fields
    assert "charge_ah" in instrument.read()[0].fields


def test_an_object_that_the_firmware_lacks_is_asked_for_once(bench, instrument):
    bench.simulator.objects.remove(70)
    for _ in range(3):
        assert "mode" not in instrument.read()[0].fields
    assert [r.number for r in bench.simulator.received].count(70) == 1


def test_unplug_and_replug(bench, instrument):
    assert values(instrument) == VALUES
    bench.unplug()
    with pytest.raises(UnavailableError):
        instrument.read()
    instrument.close()
    with pytest.raises(UnavailableError, match="cannot open"):
        instrument.open()
    instrument.close()
    bench.plug()
    instrument.open()
    assert values(instrument) == VALUES


def test_unplugged_within_a_reading(bench, instrument):
    """What was read before the line went is kept; only the next reading fails."""
    read = bench.simulator.objects.read

    def read_once(number, length):
        if number == 71:
            bench.simulator.objects.read = lambda *_: bench.port.unplug() or b"\0\0"
        return read(number, length)

    bench.simulator.objects.read = read_once
    assert values(instrument) == VALUES
    with pytest.raises(UnavailableError):
        instrument.read()


def test_a_device_that_is_switched_off_is_unavailable(bench):
    bench.simulator.faults.inject(Fault.SILENCE, times=3)
    instrument = bench.config(reply_timeout_s=0.05).create(RealClock())
    with pytest.raises(UnavailableError, match="no answer"):
        instrument.open()
    instrument.close()


def test_a_port_has_one_owner(bench, instrument):
    other = bench.config().create(RealClock())
    with pytest.raises(UnavailableError, match="cannot open"):
        other.open()
    other.close()
    assert values(instrument) == VALUES


def test_another_load_on_the_port(bench):
    instrument = bench.config(expected_serial="42").create(RealClock())
    with pytest.raises(BadReplyError, match=r"serial number 1234567890, expected is 42"):
        instrument.open()
    instrument.close()


def test_the_kernel_checks_parity(bench, instrument):
    """A pty has no parity, but it keeps what was asked for."""
    terminal = os.open(bench.path, os.O_RDONLY | os.O_NOCTTY)
    flags = termios.tcgetattr(terminal)[0]
    os.close(terminal)
    assert flags & termios.INPCK
    assert flags & termios.IGNPAR


def test_a_reading_is_quick(bench, instrument, figure):
    started = time.perf_counter()
    for _ in range(10):
        instrument.read()
    took_s = (time.perf_counter() - started) / 10
    figure(f"a reading over a pty, gap 10 ms, response 5 ms: {took_s * 1e3:.1f} ms")
    assert took_s < 0.2  # no timeout is waited for
