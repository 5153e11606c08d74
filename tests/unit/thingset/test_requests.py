"""Only reading, and publishing on or off and how often, is ever sent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soclab_collectors.instruments.thingset.generations import (
    GENERATIONS,
    is_allowed,
    read_request,
    reporting_requests,
)


@pytest.mark.parametrize(
    "request_",
    [
        b'=conf {"Topping_V":14.4}',
        b'=pub/serial {"Enable":true,"x":1}',
        b'=pub/serial {"Enable":1}',
        b'=pub/serial {"Enable":true}\n=conf {"Topping_V":0}',
        b"?output\n!exec/reset",
        b"!exec/reset",
        b'!auth "x"',
        b'+pub/serial/IDs "Bat_V"',
        b'-pub/serial/IDs "Bat_V"',
        b'=_Reporting/mSummary {"sEnable":true}',
        b'=_Reporting/mLive {"sPeriod_ms":-1}',
        b"@Load {}",
        b"",
    ],
)
def test_everything_else_is_refused(request_):
    assert not is_allowed(request_)


def test_what_is_needed_is_allowed():
    assert all(is_allowed(g.enable) for g in GENERATIONS.values() if g.enable)
    assert is_allowed(read_request("output", ["Bat_V", "Bat_A"]))


@settings(deadline=None)  # a busy machine is no failure
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "sEnable": st.booleans() | st.none(),
            "sPeriod_ms": st.integers(0, 10_000),
            "sPeriod_s": st.floats(0, 10),
        },
    ),
    st.none() | st.floats(0.1, 1e4),
)
def test_writes_to_v06_are_allowed_and_only_what_differs(settings, period_s):
    requests = reporting_requests({"mLive": settings}, period_s)
    assert all(is_allowed(request) for request in requests)
    assert (b'=_Reporting/mLive {"sEnable":true}' in requests) == (
        settings.get("sEnable") is not True
    )
    if period_s is None:
        assert not any(b"Period" in request for request in requests)


@pytest.mark.parametrize("reporting", [None, [], {}, {"mLive": 1}, {"mSummary": {}}])
def test_what_was_not_listed_is_not_written(reporting):
    assert reporting_requests(reporting, 1.0) == []
