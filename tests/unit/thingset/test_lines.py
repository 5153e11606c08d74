"""Lines come out the same however the bytes were cut, and never grow without bound."""

from hypothesis import given, settings
from hypothesis import strategies as st
from soclab_collectors.instruments.thingset.lines import LONGEST_LINE, LineBuffer

PIECES = st.lists(st.sampled_from([b"\n", b"\r\n", b"#", b"{}", b"\x00", b"abc"]), max_size=40)


@settings(deadline=None)  # a busy machine is no failure
@given(PIECES, st.lists(st.integers(0, 100)))
def test_chunks_make_no_difference(pieces, cuts):
    data = b"".join(pieces)
    buffer, lines, at = LineBuffer(), [], 0
    for cut in sorted({min(c, len(data)) for c in cuts} | {len(data)}):
        lines += buffer.feed(data[at:cut])
        at = cut
    assert lines == LineBuffer().feed(data)
    assert lines == [line.removesuffix(b"\r") for line in data.split(b"\n")[:-1]]


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.integers(0, 3 * LONGEST_LINE), min_size=1, max_size=6), st.integers(50, 5000))
def test_only_lines_that_are_too_long_are_lost(lengths, size):
    data = b"".join(b"x" * length + b"\n" for length in lengths)
    buffer, lines = LineBuffer(), []
    for at in range(0, len(data), size):
        lines += buffer.feed(data[at : at + size])
        assert len(buffer._rest) <= LONGEST_LINE
    fitting = [length for length in lengths if length <= LONGEST_LINE]
    assert [len(line) for line in lines] == fitting
    assert buffer.overflows == len(lengths) - len(fitting)
