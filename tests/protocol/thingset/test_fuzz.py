"""A million bytes of nonsense and of damage: no exception but BadReplyError, no wrong number.

With a checksum (generation D) that holds for every kind of damage. Without one it cannot: a digit
that turns into another digit leaves a line as good as any. What is caught all the same is counted
here and printed; docs/instruments/libre-solar-mppt.md states it.
"""

import random
import zlib
from itertools import count

import pytest

MILLION = 1_000_000


def readings_of(device, chunks):
    """Feed chunk by chunk; return readings by stamp and the number of refused lines."""
    found, refused = [], 0
    for chunk in chunks:
        readings, errors = device.receive(chunk)
        found += readings
        refused += len(errors)
    return found, refused


def flatten(reading):
    return {(m, f): v for m, fields in reading.items() for f, v in fields.items()}


def in_chunks(data, randomly):
    at = 0
    while at < len(data):
        size = randomly.randint(1, 2000)
        yield data[at : at + size]
        at += size


@pytest.mark.parametrize("alphabet", ["bytes", "json"])
def test_garbage_is_never_a_reading(bench, alphabet, capsys):
    randomly = random.Random(1)
    if alphabet == "bytes":
        data = randomly.randbytes(MILLION)
    else:
        words = [
            b"#",
            b"# {",
            b"}",
            b"\n",
            b'"Bat_V',
            b'":',
            b"12.",
            b"5",
            b",",
            b"nan",
            b":85",
            b"[",
            b" ",
        ]
        data = b"".join(randomly.choice(words) for _ in range(MILLION // 2))
        assert len(data) > MILLION * 0.8
    device = bench()
    readings, refused = readings_of(device, in_chunks(data, randomly))
    assert readings == []
    assert refused > 0
    with capsys.disabled():
        print(f"\n{alphabet}: {len(data)} bytes, {refused} lines refused, {len(readings)} readings")


def line_of(generation, number):
    """Return a publication whose every value is unlike that of any other line nearby."""
    volt, ampere = 10 + number % 499 / 100, number % 1009 / 100 - 5
    if generation == "A":
        return (
            f'# {{"Uptime_s":{number},"Bat_V":{volt:.2f},"Bat_A":{ampere:.2f},'
            f'"SOC_pct":{number % 101},"ChgState":1,"DCDCState":1,"Solar_V":{volt + 5:.2f},'
            f'"Solar_A":{-ampere:.2f},"Load_A":{number % 211 / 100:.2f},"LoadInfo":1,"UsbInfo":1,'
            f'"ErrorFlags":0,"DeepDisCount":2,"BatUsable_Ah":6.9}}'
        ).encode()
    line = (
        f'#mLive {{"Device":{{"rUptime_s":{number},"rErrorFlags":0}},'
        f'"Battery":{{"rVoltage_V":{volt:.2f},"rCurrent_A":{ampere:.2f},'
        f'"rSOC_pct":{number % 101}}},'
        f'"Solar":{{"rVoltage_V":{volt + 5:.2f},"rCurrent_A":{-ampere:.2f}}}}}'
    ).encode()
    return line + b" %08X#" % zlib.crc32(line)


def lose_block(data, randomly):
    at, length = randomly.randrange(len(data)), randomly.choice([1, 2, 4, 8, 16, 64, 300])
    return data[:at] + data[at + length :]


def flip_bit(data, randomly):
    changed = bytearray(data)
    changed[randomly.randrange(len(data))] ^= 1 << randomly.randrange(8)
    return bytes(changed)


def insert_noise(data, randomly):
    at = randomly.randrange(len(data))
    return data[:at] + randomly.randbytes(randomly.randint(1, 20)) + data[at:]


def swap_block(data, randomly):
    """Two senders at once: a stretch of an older line stands within this one."""
    at, length = randomly.randrange(len(data)), randomly.randint(1, 60)
    source = randomly.randrange(len(data))
    return data[:at] + data[source : source + length] + data[at + length :]


DAMAGES = [lose_block, flip_bit, insert_noise, swap_block]


def damaged_dialogue(generation, damage, size, randomly):
    """Yield stretches of a few lines, each damaged in one place, and all lines as they were."""
    sent, total = {}, 0
    numbers = count(100)
    stretches = []
    while total < size:
        lines = []
        for _ in range(4):
            number = next(numbers)
            sent[number] = line_of(generation, number)
            lines.append(sent[number])
        stretch = damage(b"\n".join(lines) + b"\n", randomly)
        stretches.append(stretch)
        total += len(stretch)
    return stretches, sent


def truth_of(bench, lines):
    """Return what undamaged lines mean."""
    readings, errors = bench().receive(*(line + b"\n" for line in lines))
    assert errors == []
    return [flatten(reading) for reading in readings]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_with_a_checksum_no_damage_is_a_number(bench, damage, capsys):
    randomly = random.Random(2)
    stretches, sent = damaged_dialogue("D", damage, MILLION, randomly)
    truth = {t["charger", "uptime_s"]: t for t in truth_of(bench, sent.values())}
    readings, refused = readings_of(bench(), stretches)
    for reading in map(flatten, readings):
        assert reading == truth[reading["charger", "uptime_s"]]
    assert refused > 0
    with capsys.disabled():
        print(
            f"\nD {damage.__name__}: {sum(map(len, stretches))} bytes, {len(sent)} lines,"
            f" {refused} refused, {len(readings)} right, 0 wrong"
        )


@pytest.mark.parametrize(
    ("damage", "most_wrong"),
    # Shares of damaged places that end as a wrong number, twice of what was measured: digits that
    # changed, or were lost before the point, look like any others.
    [(lose_block, 0.01), (flip_bit, 0.11), (insert_noise, 0.002), (swap_block, 0.01)],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_without_a_checksum_most_damage_is_seen(bench, damage, most_wrong, capsys):
    randomly = random.Random(3)
    stretches, sent = damaged_dialogue("A", damage, MILLION, randomly)
    truth = truth_of(bench, sent.values())
    right = {frozenset(t.items()) for t in truth}
    readings, refused = readings_of(bench(), stretches)
    wrong = [r for r in map(flatten, readings) if frozenset(r.items()) not in right]
    share = len(wrong) / len(stretches)
    with capsys.disabled():
        print(
            f"\nA {damage.__name__}: {sum(map(len, stretches))} bytes, {len(stretches)} damaged"
            f" places, {refused} lines refused, {len(wrong)} wrong ({100 * share:.2f} %)"
        )
    assert share <= most_wrong
    assert len(readings) > len(sent) * 0.6, "good lines around the damage are read"
