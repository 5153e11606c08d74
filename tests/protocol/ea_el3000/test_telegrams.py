"""Every telegram worked out in the protocol's reference, in both directions."""

import struct
import tomllib
from pathlib import Path

import pytest
from soclab_collectors.errors import BadReplyError
from soclab_collectors.instruments.ea_el3000 import objects
from soclab_collectors.instruments.ea_el3000.codec import Decoder, encode_query, encode_send
from soclab_collectors.instruments.ea_el3000.session import Session

from tests.protocol.ea_el3000.scripted_line import PatientClock, ScriptedLine

CASES = Path(__file__).parent / "cases"
OBJECTS = {o.number: o for o in vars(objects).values() if isinstance(o, objects.Object)}


def rows(name):
    return tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))["rows"]


def ask(number, *attempts):
    """Ask node 1; every attempt is what one question brings, chunks separated by "|"."""
    line = ScriptedLine()
    question = encode_query(1, number, OBJECTS[number].length).hex(" ").upper()
    line.script = [[question, *received.split("|")] for received in attempts]
    session = Session(line, PatientClock(), node=1, gap_s=0.05, timeout_s=0.3)
    value = session.ask(OBJECTS[number], attempts=len(attempts))
    assert not line.script, "questions that were expected and not asked"
    return value


@pytest.mark.parametrize(("number", "length", "broadcast", "single"), rows("queries"))
def test_queries(number, length, broadcast, single):
    assert encode_query(0, number, length) == bytes.fromhex(broadcast)
    assert encode_query(1, number, length) == bytes.fromhex(single)
    if number in OBJECTS:
        assert OBJECTS[number].length == length


@pytest.mark.parametrize(("what", "number", "data", "broadcast", "single"), rows("sends"))
def test_sends(what, number, data, broadcast, single):
    assert encode_send(0, number, bytes.fromhex(data)) == bytes.fromhex(broadcast)
    assert encode_send(1, number, bytes.fromhex(data)) == bytes.fromhex(single)


@pytest.mark.parametrize(("number", "received", "value"), rows("answers"))
def test_answers(number, received, value):
    [telegram] = Decoder().feed(bytes.fromhex(received))
    assert telegram[:2] == (1, number)
    known = OBJECTS.get(number, objects.SERIAL)  # other texts read like this one
    found = known.decode(telegram.data)
    if isinstance(value, float):  # on the wire it has 24 bits
        assert found == struct.unpack(">f", struct.pack(">f", value))[0]
    else:
        assert (list(found) if isinstance(value, list) else found) == value


@pytest.mark.parametrize(("received", "outcome"), rows("errors"))
def test_errors_by_name(received, outcome):
    if outcome == "again":
        assert ask(71, received, "85 01 47 08 06 08 55 10 0C 01 54") == (2054, 2133, 4108)
    else:
        with pytest.raises(BadReplyError, match=outcome):
            ask(71, received)


@pytest.mark.parametrize(
    ("number", "received", "outcome"),
    [r[1:] for r in rows("malformed")],
    ids=[r[0].replace(" ", "-") for r in rows("malformed")],
)
def test_malformed(number, received, outcome):
    if isinstance(outcome, str) and outcome:
        with pytest.raises(BadReplyError, match=outcome):
            ask(number, received)
    else:
        value = ask(number, received)
        assert (list(value) if isinstance(outcome, list) else value) == outcome
