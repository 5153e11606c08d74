"""A proven shape refuses what departs from it, once."""

import pytest
from soclab_collectors.errors import BadReplyError
from soclab_collectors.instruments.thingset.shape import PROVEN_BY, ShapeGuard, shape_of

USUAL = b'{"Bat_V":14.10,"SOC_pct":87,"Bat_degC":21.5}'


@pytest.fixture
def proven():
    guard = ShapeGuard()
    for _ in range(PROVEN_BY):
        guard.check(USUAL)
    return guard


def test_only_names_and_decimals_are_left():
    assert shape_of(b'{"Bat_V":-4.25,"n":100,"s":"1,\\"2"}') == b'{"Bat_V":0.00,"n":0,"s":""}'
    assert shape_of(b'{"a":nan,"b":null,"c":-inf}') == b'{"a":~,"b":~,"c":~}'
    assert shape_of(b'{"B":{"x":1.5}}') == b'{"B":{"x":0.0}}'


@pytest.mark.parametrize(
    "line",
    [
        b'{"Bat_V":9.99,"SOC_pct":100,"Bat_degC":-3.0}',
        b'{"Bat_V":14.10,"SOC_pct":87,"Bat_degC":nan}',
        b'{"Bat_V":nan,"SOC_pct":87,"Bat_degC":null}',
    ],
)
def test_other_numbers_and_absent_values_are_usual(proven, line):
    proven.check(line)
    proven.check(USUAL)


@pytest.mark.parametrize(
    "line",
    [
        b'{"Bat_V":14.1,"SOC_pct":87,"Bat_degC":21.5}',
        b'{"Bat_V":1410,"SOC_pct":87,"Bat_degC":21.5}',
        b'{"Bat_V":14.10,"Bat_degC":21.5}',
        b'{"Bat_V":14.10,"SOC_pct":87,"Bat_degC":nan,"x":1}',
        b'{"Bat_V":87,"Bat_degC":nan}',
        b'{"Ba_V":nan,"SOC_pct":87,"Bat_degC":21.5}',
    ],
)
def test_a_single_odd_line_is_refused_and_the_next_usual_one_is_not(proven, line):
    with pytest.raises(BadReplyError, match="unlike"):
        proven.check(line)
    proven.check(USUAL)
    with pytest.raises(BadReplyError, match="unlike"):
        proven.check(line)
    proven.check(line)  # twice in a row: this is what the device publishes now


def test_nothing_is_refused_before_the_shape_is_proven():
    guard = ShapeGuard()
    for decimals in range(PROVEN_BY):
        guard.check(b'{"Bat_V":1.%s}' % (b"5" * decimals or b"0"))


def test_a_device_out_of_sight_may_come_back_with_anything(proven):
    proven.forget()
    proven.check(b'{"Bat_V":1}')
