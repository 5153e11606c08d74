"""Line protocol that InfluxDB takes; the pipeline tests hold it against the real server."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from soclab_collectors.line_protocol import field_set, series


@pytest.mark.parametrize(
    ("measurement", "tags", "expected"),
    [
        ("battery", {}, "battery"),
        ("battery", {"site": "lab", "battery": "b1"}, "battery,battery=b1,site=lab"),
        ("bat lab", {"a,b=c d": "e,f=g h"}, r"bat\ lab,a\,b\=c\ d=e\,f\=g\ h"),
        ("battery", {"site": ""}, "battery"),
        ("battery", {"site": "ends\\"}, "battery,site=ends"),
        ("battery", {"site": "two\nlines"}, r"battery,site=two\ lines"),
    ],
)
def test_series(measurement, tags, expected):
    assert series(measurement, tags) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"voltage_v": 12.84}, "voltage_v=12.84"),
        ({"state": 3}, "state=3.0"),
        ({"enabled": True}, "enabled=1.0"),
        ({"a": math.nan, "b": 1.0, "c": math.inf}, "b=1.0"),
        ({"a": math.nan}, ""),
        ({"tiny": 1e-300}, "tiny=1e-300"),
        ({"zero": -0.0}, "zero=0.0"),
        ({"text": "two\nlines"}, 'text="two lines"'),
        ({"text": 'say "hi" \\'}, r'text="say \"hi\" \\"'),
    ],
)
def test_field_set(fields, expected):
    assert field_set(fields) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_survives_to_the_last_bit(value):
    assert float(field_set({"x": value}).removeprefix("x=")) == value


@given(st.text(), st.text(min_size=1))
def test_a_series_is_one_line_whatever_the_tags(key, value):
    assert "\n" not in series("m", {key or "k": value})
