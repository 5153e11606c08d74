"""What JSON readers get wrong about this protocol is mended, and nothing besides."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soclab_collectors.errors import BadReplyError
from soclab_collectors.instruments.thingset.messages import Response, decode, parse_line

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
OBJECTS = st.dictionaries(st.text(max_size=6), VALUES, max_size=5)


@settings(deadline=None)  # a busy machine is no failure
@given(OBJECTS)
def test_good_json_means_what_it_always_means(values):
    line = b"# " + json.dumps(values).encode()
    assert parse_line(line).values == values


@settings(deadline=None)  # a busy machine is no failure
@given(OBJECTS, st.text(max_size=6))
def test_a_name_that_stands_twice_is_refused_whatever_the_strings_hold(values, name):
    values.pop(name, None)
    twice = f"{json.dumps(name)}: 1, {json.dumps(name)}: 2"
    rest = json.dumps(values)[1:-1]
    line = f"# {{{twice}{', ' if rest else ''}{rest}}}".encode()
    with pytest.raises(BadReplyError, match="stands twice"):
        parse_line(line)


@pytest.mark.parametrize("word", ["nan", "-nan", "inf", "-inf"])
def test_not_a_number_becomes_none_outside_of_strings_only(word):
    text = f'{{"a":{word},"b":[{word},1],"{word}":"{word} \\" {word}"}}'
    assert decode(text.encode()) == {"a": None, "b": [None, 1], word: f'{word} " {word}'}


@pytest.mark.parametrize("text", ["nano", "nan nan", '{"a":nanx}', '{"a":1nan}', "Infinity"])
def test_words_that_only_look_like_it_are_refused(text):
    with pytest.raises(BadReplyError):
        decode(text.encode())


@pytest.mark.parametrize(
    ("line", "response"),
    [
        (":85 Content. 14.10", Response(0x85, 14.1)),
        (":85 Content. [12.80,nan]", Response(0x85, [12.8, None])),
        (":84 Changed.", Response(0x84, None)),
        (":A0 Bad Request.", Response(0xA0, None)),
        (":84", Response(0x84)),
        (':85 {"a":1}', Response(0x85, {"a": 1})),
        (':A3 "Item is read-only"', Response(0xA3, "Item is read-only")),
        (":85 14.1 E8E05AE7#", None),
    ],
)
def test_responses_of_all_generations(line, response):
    if response is None:
        with pytest.raises(BadReplyError, match="checksum"):
            parse_line(line.encode())
    else:
        assert parse_line(line.encode()) == response


@pytest.mark.parametrize(
    "line", ["", "*** Booting Zephyr OS ***", "<inf> # {}", "@Load {}", " # {}"]
)
def test_everything_else_is_ignored(line):
    assert parse_line(line.encode()) is None
