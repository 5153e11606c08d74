"""The table of names fits the data contract, and the sign of the panel is turned once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soclab_collectors.instruments.thingset.mapping import Mapper
from soclab_collectors.instruments.thingset.names import PATHS, TARGETS
from soclab_collectors.measurements import CONTRACT

DERIVED = {("solar", "power_w"), ("load", "enabled")}


def test_every_target_is_in_the_contract_and_used_once():
    pairs = [(t.measurement, t.field) for t in TARGETS.values()]
    pairs += [t.also for t in TARGETS.values() if t.also]
    assert len(set(pairs)) == len(pairs)
    for measurement, field in {*pairs, *DERIVED}:
        assert field in CONTRACT[measurement].fields


def test_every_flat_name_has_a_path():
    assert set(TARGETS) <= set(PATHS)
    assert len(set(PATHS.values())) == len(PATHS)


@pytest.mark.parametrize("name", TARGETS)
def test_flat_and_nested_names_mean_the_same(name):
    group, item = PATHS[name]
    flat = Mapper().fields({name: 1})
    assert flat
    assert Mapper().fields({group: {item: 1}}) == flat


NUMBERS = st.none() | st.floats(-99, 99)


@settings(deadline=None)  # a busy machine is no failure
@given(volt=st.none() | st.floats(0, 99), ampere=NUMBERS, watt=NUMBERS)
def test_solar_power_is_measured_or_the_product_of_one_line(volt, ampere, watt):
    values = {"Solar_V": volt, "Solar_A": ampere, "Solar_W": watt}
    solar = Mapper().fields(values).get("solar", {})
    assert solar.get("current_a") == (None if ampere is None else -ampere)
    if watt is not None:
        assert solar["power_w"] == -watt
    elif volt is not None and ampere is not None:
        assert solar["power_w"] == volt * -ampere
    else:
        assert "power_w" not in solar
    assert all(str(value) != "-0.0" for key, value in solar.items() if key == "current_a")


def test_values_of_two_lines_are_never_combined():
    mapper = Mapper()
    assert "power_w" not in mapper.fields({"Solar_V": 18.0})["solar"]
    assert "power_w" not in mapper.fields({"Solar_A": -1.0})["solar"]
