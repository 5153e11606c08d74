"""The simulated load behaves as its reference says; its errors are those of the real one."""

import pytest
from soclab_simulators.ea_el3000.load import raw_steps
from soclab_simulators.ea_el3000.telegrams import Error, Request, take_requests

from tests.protocol.ea_el3000.noisy_line import Terminals, simulator_on


def ask(simulator, telegram):
    """Return what the load answers to bytes, as the notation of its reference has it."""
    [request] = take_requests(bytearray.fromhex(telegram))
    if isinstance(request, Error):
        return request
    return simulator.reply_to(request).hex(" ").upper()


@pytest.mark.parametrize(
    ("telegram", "reply"),
    [
        ("7F 00 00 00 7F", "8B 01 00 45 4C 20 33 31 36 30 2D 36 30 41 00 02 DB"),
        ("70 00 00 00 70", "8B 01 00 45 4C 20 33 31 36 30 2D 36 30 41 00 02 DB"),
        ("70 00 09 00 79", "8E 01 09 56 35 2E 30 35 20 30 32 2E 30 38 2E 31 32 00 03 5F"),
        ("53 01 02 00 56", "83 01 02 43 20 00 00 00 E9"),
        ("55 01 47 00 9D", "85 01 47 08 06 08 55 10 0C 01 54"),
        ("75 00 47 00 BC", "85 01 47 08 06 08 55 10 0C 01 54"),
        ("70 00 45 00 B5", "C0 01 FF 08 01 C8"),  # wrong nibble
        ("75 00 48 00 BD", "C0 01 FF 07 01 C7"),  # not defined
        ("5F 02 00 00 61", "C0 01 FF 05 01 C5"),  # another node
        ("D1 01 02 00 00 00 D4", "C0 01 FF 09 01 C9"),  # read only
        ("D1 01 33 08 55 01 62", "C0 01 FF 0F 01 CF"),  # not remote
        ("D1 01 36 01 01 01 0A", "C0 01 FF 0F 01 CF"),  # not remote
        ("D0 01 36 10 01 17", "C0 01 FF 08 01 C8"),  # too short
    ],
)
def test_answers(telegram, reply):
    assert ask(simulator_on(Terminals()), telegram) == reply


@pytest.mark.parametrize(
    ("telegram", "error"),
    [
        ("55 01 47 00 9E", Error.CHECKSUM),
        ("85 01 47 00 9D", Error.START_DELIMITER),
        ("45 01 47 00 8D", Error.START_DELIMITER),
    ],
)
def test_damaged_telegrams(telegram, error):
    assert ask(simulator_on(Terminals()), telegram) is error


def test_a_telegram_in_pieces():
    buffer = bytearray()
    found = []
    for byte in bytes.fromhex("D1 01 36 10 10 01 28 55 01 47 00 9D"):
        buffer.append(byte)
        found += take_requests(buffer)
    assert [(r.kind, r.number, r.data) for r in found if isinstance(r, Request)] == [
        ("send", 54, b"\x10\x10"),
        ("query", 71, b""),
    ]


def test_remote_input_and_limits():
    simulator = simulator_on(Terminals(12.8), follow_source=False)
    assert ask(simulator, "D1 01 36 10 10 01 28") == ""
    assert ask(simulator, "D1 01 33 6E 00 01 73") == "C0 01 FF 30 01 F0"
    assert ask(simulator, "D1 01 33 08 55 01 62") == ""
    assert ask(simulator, "51 01 46 00 98") == "81 01 46 01 04 00 CD"
    assert ask(simulator, "D1 01 36 01 01 01 0A") == ""
    assert ask(simulator, "51 01 46 00 98") == "81 01 46 01 05 00 CE"
    assert ask(simulator, "51 01 36 00 88") == "81 01 36 11 11 00 DA"
    assert simulator.load.commanded_a() == pytest.approx(5.0, abs=60 / 25600)


def test_acknowledging_firmware():
    simulator = simulator_on(Terminals(), acknowledge=True)
    assert ask(simulator, "D1 01 36 10 10 01 28") == "C0 01 FF 00 01 C0"


def test_a_plant_follows_what_is_commanded():
    """Until somebody commands it, the load shows the source's current and commands nothing."""
    terminals = Terminals(12.8, 3.0)
    load = simulator_on(terminals).load
    load.measure()
    assert (load.commanded_a(), load.input_on, load.current_a) == (None, True, 3.0)
    load.remote, load.set_current_a = True, 7.0
    assert load.commanded_a() == 0.0
    load.switched_on = True
    assert load.commanded_a() == 7.0
    load.set_power_w = 12.8
    assert load.commanded_a() == 1.0


def test_charge_is_counted_over_the_time_of_the_source():
    terminals = Terminals(12.8, 0.0)
    load = simulator_on(terminals).load
    for time_s, current_a in [(0.0, 0.0), (1800.0, 4.0), (3600.0, 4.0)]:
        terminals.show(12.8, current_a, time_s)
        load.measure()
    assert load.charge_ah == pytest.approx(1.0 + 2.0)
    terminals.show(12.8, 4.0, 0.0)  # a recording that starts anew
    load.measure()
    assert load.charge_ah == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("value", "nominal", "raw"),
    [(12.8375, 160, 2054), (12.8374, 160, 2053), (60, 60, 25600), (99, 60, 28160), (0, 60, 0)],
)
def test_values_are_rounded_down_to_steps(value, nominal, raw):
    assert raw_steps(value, nominal) == raw


def test_a_load_takes_no_current_below_zero():
    load = simulator_on(Terminals(12.8, -3.0)).load
    load.measure()
    assert load.current_a == 0.0
