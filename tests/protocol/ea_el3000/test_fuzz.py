"""Damaged, foreign and random bytes never become a wrong number.

The checksum is a 16-bit sum: it matches random bytes once in 65,536, and it misses two flipped
bits that cancel each other. What narrows that down, and to what, is in
docs/instruments/ea-el3000.md; the figures there are printed by these tests.
"""

import random
import struct

import pytest
from soclab_collectors.errors import BadReplyError, UnavailableError
from soclab_collectors.instruments.ea_el3000.codec import Decoder
from soclab_collectors.instruments.ea_el3000.config import EaEl3000Config
from soclab_collectors.instruments.ea_el3000.instrument import EaEl3000
from soclab_collectors.instruments.ea_el3000.objects import ACTUAL, CHARGE
from soclab_collectors.instruments.ea_el3000.session import Session
from soclab_simulators.ea_el3000.telegrams import answer

from tests.protocol.ea_el3000.noisy_line import Damage, NoisyLine, Terminals, simulator_on
from tests.protocol.ea_el3000.scripted_line import PatientClock

BYTES = 1_000_000


class RandomLine:
    """Answers everything with random bytes, of which each may start a telegram."""

    def __init__(self, rng):
        self.rng = rng
        self.delivered = 0
        self._left = 0

    def write(self, data):  # noqa: ARG002  the answer has nothing to do with it
        self._left = 4

    def read(self, most, timeout_s):
        if not self._left or not timeout_s:
            return b""
        self._left -= 1
        chunk = self.rng.randbytes(self.rng.randint(1, most))
        self.delivered += len(chunk)
        return chunk


def test_random_bytes_into_the_decoder(figure):
    rng = random.Random(7)
    decoder, fed, telegrams = Decoder(), 0, []
    while fed < BYTES:
        chunk = rng.randbytes(rng.randint(1, 40))
        fed += len(chunk)
        telegrams += decoder.feed(chunk)
    candidates = decoder.bad_checksums + len(telegrams)
    expected = candidates / 65536
    figure(
        f"random bytes: {fed:,} bytes, {candidates:,} candidates,"
        f" {len(telegrams)} telegrams accepted by their sum ({expected:.1f} expected)"
    )
    assert candidates > 20_000  # the test would show nothing if hardly anything were tried
    assert len(telegrams) <= expected + 5 * expected**0.5 + 1


def test_random_bytes_into_a_dialogue(figure):
    line = RandomLine(random.Random(8))
    session = Session(line, PatientClock(), node=1, gap_s=0.0, timeout_s=10.0)
    questions = 0
    while line.delivered < BYTES:
        for wanted in (ACTUAL, CHARGE):
            questions += 1
            with pytest.raises(BadReplyError):
                session.ask(wanted)
    figure(f"random answers: {line.delivered:,} bytes, {questions:,} questions, 0 values")


def test_damaged_dialogues(figure):
    """Every value that a reading holds is the one that the load had, or it is not there."""
    rng = random.Random(9)
    terminals = Terminals()
    simulator = simulator_on(terminals)
    line = NoisyLine(simulator, lambda _sent, reply: [reply])
    config = EaEl3000Config(name="load", battery="b", path="/dev/serial/by-id/x", telegram_gap_s=0)
    instrument = EaEl3000(config, PatientClock(), line)
    instrument.open()
    line.spoil = Damage(rng)
    readings = refused = left_out = 0
    while line.delivered_bytes < BYTES:
        terminals.show(rng.uniform(0, 30), rng.uniform(0, 60))
        simulator.load.mode = rng.randrange(4)
        try:
            [reading] = instrument.read()
        except (BadReplyError, UnavailableError):
            refused += 1
            continue
        readings += 1
        left_out += len(reading.fields) < 7
        truth = _truth(simulator)
        wrong = {k: (v, truth[k]) for k, v in reading.fields.items() if v != truth[k]}
        assert not wrong
    figure(
        f"damaged dialogues: {line.delivered_bytes:,} bytes, {readings:,} readings"
        f" ({left_out:,} without state or counter), {refused:,} refused, 0 wrong values"
    )
    assert readings > 10_000
    assert refused > 100


def _truth(simulator):
    """Return what an intact reading would hold, from the simulator's own tables."""
    read = simulator.objects.read
    volts, amperes, watts = (
        int.from_bytes(read(71, 6)[i : i + 2], "big") * nominal / 25600
        for i, nominal in ((0, 160.0), (2, 60.0), (4, 400.0))
    )
    remote, state = read(70, 2)
    return {
        "voltage_v": volts,
        "current_a": amperes,
        "power_w": watts,
        "remote": float(remote),
        "enabled": float(state & 1),
        "mode": float(state >> 1),
        "charge_ah": struct.unpack(">f", read(69, 4))[0],
    }


@pytest.mark.parametrize("parity", [False, True])
def test_how_often_two_flipped_bits_are_missed(parity, figure):
    """Without parity the sum misses one pair of flips in fifty; with parity, none."""
    damage = Damage(random.Random(10))
    reply = answer(1, 71, bytes.fromhex("08060855100C"))
    missed, trials = 0, 50_000
    for _ in range(trials):
        damaged = damage.flip(reply, 2)
        if parity:
            pairs = zip(reply, damaged, strict=True)
            damaged = bytes(d for r, d in pairs if (r ^ d).bit_count() % 2 == 0)
        missed += any(
            t.node == 1 and t.object_number == 71 and ACTUAL.fits(t.data)
            for t in Decoder().feed(damaged)
        )
    figure(f"two flipped bits, parity {parity}: {missed / trials:.2%} missed")
    assert missed == 0 if parity else 0.01 < missed / trials < 0.035
