"""The stand-in for what Grafana does to queries and answers."""

from __future__ import annotations

import pytest

from tests.grafana.grafana_does import Range, fill_in, go_duration, interval, rfc3339

DAY = Range(1_700_000_000.0, 1_700_086_400.0)


@pytest.mark.parametrize(
    ("query", "filled"),
    [
        ("range(start: v.timeRangeStart)", "range(start: 2023-11-14T22:13:20Z)"),
        ("every: v.windowPeriod", "every: 1m0s"),
        ("r.site =~ /^${site:regex}$/", "r.site =~ /^.*$/"),
        ("r.battery =~ /^${battery:regex}$/", r"r.battery =~ /^(a\.1|b)$/"),
        ("r.instrument =~ /^${instrument:regex}$/", r"r.instrument =~ /^t7\.a$/"),
        ('"$instrument"', '"t7.a"'),
        ("$nobody ${nobody:regex}", "$nobody ${nobody:regex}"),
    ],
)
def test_what_is_replaced(query, filled):
    variables = {"site": ".*", "battery": ["a.1", "b"], "instrument": "t7.a"}
    assert fill_in(query, DAY, variables) == filled


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [(300, 200), (3600, 5000), (86_400, 60_000), (31_536_000, 21_600_000)],
)
def test_the_interval_follows_the_range(seconds, milliseconds):
    assert interval(seconds * 1000, 1000) == milliseconds


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(200, "200ms"), (5000, "5s"), (60_000, "1m0s"), (21_600_000, "6h0m0s")],
)
def test_durations_are_those_of_go(milliseconds, text):
    assert go_duration(milliseconds) == text


def test_times_are_those_of_go():
    assert rfc3339(1_700_000_000.25) == "2023-11-14T22:13:20.25Z"
