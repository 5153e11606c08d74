"""A million random and damaged bytes become errors or nothing, never a wrong number.

Damage to the bytes of a value itself cannot be told by any protocol without a checksum of its
own: that is what TCP's is for. Everything around values is damaged here.
"""

from __future__ import annotations

import random
import struct
import time

import pytest
from soclab_collectors.errors import BadReplyError, ConfigError, UnavailableError
from soclab_collectors.instruments.labjack_t7.device import read_inputs
from soclab_collectors.transports.t7_calibration import nominal
from soclab_collectors.transports.t7_modbus import T7Modbus
from soclab_collectors.transports.t7_stream import StreamFramer, blocks_of

from tests.protocol.labjack_t7.support import t7_config

BYTES = 1_000_000
CHANNELS, SCANS = 2, 32
PACKET_BYTES = 16 + 2 * CHANNELS * SCANS
CHANNEL_CONFIG = t7_config().channels
TRUE_VOLTS = [1.25, 2.5]
VALUE_BYTES = 8  # near the end of an answer, before the test value
EXPECTED_ERRORS = (BadReplyError, UnavailableError, ConfigError)


def packet(number: int, samples: list[int]) -> bytes:
    header = struct.pack(
        ">HHHBBBBHHH", number & 0xFFFF, 0, 10 + 2 * len(samples), 1, 76, 16, 0, 0, 0, 0
    )
    return header + struct.pack(f">{len(samples)}H", *samples)


def damage(data: bytes, protected: range, rng: random.Random, kinds: str) -> bytes:
    """Return the bytes with something wrong outside of the protected ones."""
    damaged = bytearray(data)
    places = [i for i in range(len(data)) if i not in protected]
    match rng.choice(kinds.split()):
        case "changed":
            for place in rng.sample(places, rng.randint(1, 3)):
                damaged[place] ^= rng.randint(1, 255)
        case "lost":
            del damaged[rng.choice(places)]
        case "added":
            damaged.insert(rng.choice(places), rng.randrange(256))
        case "half":
            del damaged[rng.randint(1, len(data) - 1) :]
        case "preceded":
            damaged[:0] = rng.randbytes(rng.randint(1, 40))
    return bytes(damaged)


def test_random_bytes_on_the_stream_port():
    rng = random.Random(702)
    refused = 0
    for _ in range(BYTES // 1000):
        framer = StreamFramer(CHANNELS * SCANS)
        found = []
        try:
            for _ in range(10):
                found += framer.feed(rng.randbytes(100))
        except BadReplyError:
            refused += 1
        assert not found
    print(f"{BYTES} random bytes: {refused} streams refused, no scan made up")
    assert refused == BYTES // 1000


def test_damaged_packets_on_the_stream_port():
    rng = random.Random(2940)
    constants = [nominal(10.0)] * CHANNELS
    sent = true_scans = 0
    refused = 0
    while sent < BYTES:
        # A number in every sample, so that one at a wrong place is found out.
        samples = [rng.randrange(1000, 65000) for _ in range(4 * CHANNELS * SCANS)]
        size = CHANNELS * SCANS
        whole = [packet(n, samples[n * size : (n + 1) * size]) for n in range(4)]
        hit = rng.randrange(4)
        # TCP neither loses nor adds single bytes; half a packet is the last of its connection.
        whole[hit] = damage(whole[hit], range(16, PACKET_BYTES), rng, "changed half preceded")
        if len(whole[hit]) < PACKET_BYTES:
            del whole[hit + 1 :]
        data = b"".join(whole)
        sent += len(data)
        framer = StreamFramer(size)
        found: list[float] = []
        try:
            for p in framer.feed(data):
                for block in blocks_of(p, constants, "T7"):
                    columns = [column.xs for column in block.columns]
                    found += [x for scan in zip(*columns, strict=True) for x in scan]
        except EXPECTED_ERRORS:
            refused += 1
        # What came through is what was sent, from its beginning on.
        assert found == samples[: len(found)]
        true_scans += len(found) // CHANNELS
    print(
        f"{sent} bytes of damaged packets: {refused} refused, {true_scans} scans, all of them true"
    )
    assert refused > sent // (PACKET_BYTES * 10)


class Wire:
    """Stands in for the socket below pymodbus: answers what it is given, then is silent."""

    def __init__(self, link: T7Modbus) -> None:
        client = link._modbus._client
        client.connect = lambda: True
        client.transaction.low_level_send = self.send
        client.recv = self.recv
        client.close = lambda: None
        self.number = 0
        self.answers: list[bytes] = []

    def send(self, request: bytes, **_: object) -> int:
        self.number = int.from_bytes(request[:2], "big")
        self.answers = self.prepare(self.number, request)
        return len(request)

    def recv(self, _size: int | None) -> bytes:
        return self.answers.pop(0) if self.answers else b""

    def prepare(self, number: int, request: bytes) -> list[bytes]:
        raise NotImplementedError


def good_answer(number: int) -> bytes:
    settings = b"".join(struct.pack(">fHHf", 10.0, 199, 0, 0.0) for _ in CHANNEL_CONFIG)
    values = struct.pack(">2fI", *TRUE_VOLTS, 0x00112233)
    length = 2 + len(settings) + len(values)
    return struct.pack(">HHHBB", number, 0, length, 1, 76) + settings + values


@pytest.mark.parametrize("kind", ["random", "damaged"])
def test_answers_on_the_command_port(kind):
    rng = random.Random(502)
    link = T7Modbus("fuzz", 502, 702, 5.0)
    wire = Wire(link)
    sent = answered = 0

    def prepare(number: int, request: bytes) -> list[bytes]:
        nonlocal sent
        if request[7] != 76:  # what stands behind an exception: nothing known
            return [struct.pack(">HHHBBB", number, 0, 3, 1, 0x83, 2)]
        if kind == "random":
            data = rng.randbytes(rng.randint(1, 300))
        else:
            whole = good_answer(number)
            values = range(len(whole) - VALUE_BYTES - 4, len(whole) - 4)
            data = damage(whole, values, rng, "changed lost added half preceded")
        sent += len(data)
        cut = rng.randint(1, len(data))
        return [part for part in (data[:cut], data[cut:]) if part]

    wire.prepare = prepare
    outcomes: dict[str, int] = {}
    started = time.monotonic()
    while sent < BYTES // 2:
        try:
            volts = read_inputs(link, CHANNEL_CONFIG)
        except EXPECTED_ERRORS as error:
            outcomes[type(error).__name__] = outcomes.get(type(error).__name__, 0) + 1
        else:
            assert volts == TRUE_VOLTS
            answered += 1
    seconds = time.monotonic() - started
    print(f"{sent} {kind} bytes in {seconds:.1f} s: {outcomes}, {answered} true readings")
    assert sum(outcomes.values()) > answered
