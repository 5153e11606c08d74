"""Every file in cases/ is a dialogue: what the device says, what must come of it.

A step may advance the time (``advance_s``), receive (``receive``; ``receive_hex`` for what is no
text; ``times`` repeats it), and states what is then read (``readings``: one table per publication
or answer, by measurement), refused (``errors``: a part of each message) and sent (``sent``,
without line ends). What a step does not state must not happen.
"""

import tomllib
from pathlib import Path

import pytest

CASES = sorted((Path(__file__).parent / "cases").glob("*.toml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("chunk", [None, 1, 7], ids=["whole", "bytewise", "by7"])
def test_case(path, chunk, bench):
    case = tomllib.loads(path.read_text(encoding="utf-8"))
    device = bench(**case.get("settings", {}))
    for number, step in enumerate(case["step"]):
        where = f"{path.name}, step {number}"
        device.time_s += step.get("advance_s", 0.0)
        data = step.get("receive", "").encode() + bytes.fromhex(step.get("receive_hex", ""))
        data *= step.get("times", 1)
        size = chunk or max(len(data), 1)
        readings, errors = device.receive(*(data[i : i + size] for i in range(0, len(data), size)))
        assert readings == step.get("readings", []), where
        expected = step.get("errors", [])
        assert len(errors) == len(expected), (where, errors)
        for error, part in zip(errors, expected, strict=True):
            assert part in error, where
        assert device.take_sent() == [f"{text}\n".encode() for text in step.get("sent", [])], where
    accepted = sum(len(s.get("readings", [])) for s in case["step"]) - case.get("answers", 0)
    assert device.clock.stamps == accepted, "a stamp is a row of a recording: one per publication"
    assert device.instrument.counters()["unknown_total"] == case.get("unknown_total", 0)


def test_there_are_cases():
    assert len(CASES) >= 20
