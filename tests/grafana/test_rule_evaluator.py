"""The evaluator that the rule tests rest on, held against what Grafana documents.

https://grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rule-evaluation/ and the pages
on expressions, recovery thresholds, no data and error states, stale instances.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.grafana.rule_cases import numbers
from tests.grafana.rule_expressions import (
    Labels,
    QueryError,
    Result,
    Series,
    evaluate,
    frames,
    reduce_last,
    threshold,
)
from tests.grafana.rule_states import NEWEST, OLDEST, Change, Rule, seconds

NAN = float("nan")
ABOVE = {"evaluator": {"type": "gt", "params": [10]}}
HYSTERESIS = ABOVE | {"unloadEvaluator": {"type": "lt", "params": [5]}}


def of(**labels: str) -> Labels:
    return frozenset(labels.items())


def declared(condition: dict[str, Any] = ABOVE, **changes: Any) -> dict[str, Any]:
    expression = {"datasourceUid": "__expr__"}
    return {
        "condition": "C",
        "for": "0s",
        "keepFiringFor": "0s",
        "noDataState": "OK",
        "execErrState": "Error",
        "data": [
            {"refId": "A", "datasourceUid": "influxdb", "model": {"refId": "A"}},
            expression | {"model": {"refId": "B", "type": "reduce", "expression": "A"}},
            expression
            | {
                "model": {
                    "refId": "C",
                    "type": "threshold",
                    "expression": "B",
                    "conditions": [condition],
                }
            },
        ],
        **changes,
    }


def play(rule: Rule, *values: Any) -> list[str]:
    """Evaluate once a minute; a value is a number, None for no series, or an error."""
    states = []
    for value in values:

        def ask(_: str, value: Any = value) -> list[Series]:
            if isinstance(value, QueryError):
                raise value
            if isinstance(value, dict):
                return [Series(of(b=name), (number,)) for name, number in value.items()]
            return [] if value is None else [Series(of(b="x"), (value,))]

        rule.step(60.0 * len(states), ask)
        states.append(" ".join(one.state for one in rule.instances.values()))
    return states


def rule(version: Any = NEWEST, **changes: Any) -> Rule:
    return Rule(declared(**changes), "1m", version)


# ---- frames ------------------------------------------------------------------------------------
CSV = """\
#group,false,false,true,true,false,false
#datatype,string,long,string,string,dateTime:RFC3339,double
,result,table,battery,empty,_time,_value
,,0,a,,2026-01-01T00:00:00Z,1.5
,,0,a,,2026-01-01T00:01:00Z,
,,1,b,,2026-01-01T00:00:00Z,2
"""


def test_columns_of_the_group_key_are_labels_and_empty_ones_none() -> None:
    assert frames(CSV) == [Series(of(battery="a"), (1.5, None)), Series(of(battery="b"), (2.0,))]
    assert frames("\r\n") == []


@pytest.mark.parametrize(
    "change", [("true,true,false", "false,true,false"), ("_time", "at"), ("_value", "value")]
)
def test_a_text_or_second_value_is_an_error(change: tuple[str, str]) -> None:
    with pytest.raises(QueryError):
        frames(CSV.replace(*change))


def test_an_error_after_the_first_row_is_one() -> None:
    with pytest.raises(QueryError, match="too much memory"):
        frames("#group,true,true\n#datatype,string,string\n,error,reference\n,too much memory,\n")


# ---- expressions -------------------------------------------------------------------------------
def test_reduce_drops_what_is_no_number() -> None:
    series = [Series(of(b="x"), (1.0, 2.0, NAN, None)), Series(of(b="y"), (NAN, None))]
    assert reduce_last(series) == [Series(of(b="x"), (2.0,)), Series(of(b="y"), (None,))]


@pytest.mark.parametrize(
    ("value", "loaded", "holds"),
    [
        (11.0, False, 1.0),
        (10.0, False, 0.0),  # gt is strictly above
        (7.0, False, 0.0),
        (7.0, True, 1.0),  # between: as before
        (5.0, True, 1.0),  # lt is strictly below
        (4.0, True, 0.0),
        (None, True, None),
    ],
)
def test_recovery_threshold(value: float | None, loaded: bool, holds: float | None) -> None:
    before = frozenset({of(b="x")}) if loaded else frozenset()
    (made,) = threshold([Series(of(b="x"), (value,))], HYSTERESIS, before)
    assert made.values == (holds,)


def test_each_set_of_labels_has_its_own_result() -> None:
    answers = {"A": [Series(of(b="x"), (11.0,)), Series(of(b="y"), (1.0,)), Series(of(b="z"), ())]}
    assert evaluate(declared(), answers, frozenset()) == [
        Result(of(b="x"), "Alerting", {"B": 11.0, "C": 1.0}),
        Result(of(b="y"), "Normal", {"B": 1.0, "C": 0.0}),
        Result(of(b="z"), "NoData", {}),
    ]


def test_one_query_without_frames_is_no_data_for_the_rule() -> None:
    answers: dict[str, list[Series]] = {"A": [Series(of(b="x"), (11.0,))], "V": []}
    assert evaluate(declared(), answers, frozenset()) == [Result(frozenset(), "NoData")]


# ---- states ------------------------------------------------------------------------------------
def test_without_pending_period_it_fires_at_once() -> None:
    assert play(rule(), 1, 11, 11, 1) == ["Normal", "Alerting", "Alerting", "Normal"]


def test_pending_for_its_period_and_begun_anew_if_interrupted() -> None:
    states = play(rule(**{"for": "2m"}), 11, 11, 1, 11, 11, 11)
    assert states == ["Pending", "Pending", "Normal", "Pending", "Pending", "Alerting"]


def test_hysteresis_holds_in_pending_too() -> None:
    states = play(rule(condition=HYSTERESIS, **{"for": "2m"}), 11, 7, 7, 4, 7)
    assert states == ["Pending", "Pending", "Alerting", "Normal", "Normal"]


def test_before_10_3_the_recovery_threshold_is_ignored() -> None:
    assert play(rule(OLDEST, condition=HYSTERESIS), 11, 7, 11) == ["Alerting", "Normal", "Alerting"]


def test_it_keeps_firing_and_what_comes_back_is_the_same_alert() -> None:
    keeping = rule(keepFiringFor="2m")
    states = play(keeping, 11, 1, 11, 1, 1, 1)
    assert states == ["Alerting", "Recovering", "Alerting", "Recovering", "Recovering", "Normal"]
    told = [one for one in keeping.changes if one.notifies]
    assert told == [
        Change(0.0, of(b="x"), "Normal", "Alerting", ""),
        Change(300.0, of(b="x"), "Recovering", "Normal", ""),
    ]
    assert play(rule(OLDEST, keepFiringFor="2m"), 11, 1) == ["Alerting", "Normal"]


@pytest.mark.parametrize("version", [NEWEST, OLDEST])
def test_a_series_that_vanishes_is_resolved_after_two_evaluations(version: Any) -> None:
    gone = rule(version)
    states = play(gone, {"x": 11, "y": 1}, {"y": 1}, {"y": 1})
    assert states == ["Alerting Normal", "Alerting Normal", "Normal"]
    assert gone.changes[-1] == Change(120.0, of(b="x"), "Alerting", "Normal", "MissingSeries")


def test_no_data_and_errors_that_are_ok_end_what_fires_and_say_why() -> None:
    quiet = rule(execErrState="OK")
    assert play(quiet, 11, None, 11, QueryError()) == ["Alerting", "Normal", "Alerting", "Normal"]
    assert [one.reason for one in quiet.changes if one.after == "Normal"] == ["NoData", "Error"]


def test_no_data_that_alerts_waits_for_the_pending_period() -> None:
    assert play(rule(noDataState="Alerting", **{"for": "1m"}), None, None) == [
        "Pending",
        "Alerting",
    ]


def test_no_data_that_alerts_concerns_all_known_labels_on_newer_versions() -> None:
    known = rule(noDataState="Alerting")
    assert play(known, 1, None) == ["Normal", "Alerting"]
    assert known.changes[-1].labels == of(b="x")
    older = rule(OLDEST, noDataState="Alerting")
    assert play(older, 1, None) == ["Normal", "Normal Alerting"]


@pytest.mark.parametrize("version", [NEWEST, OLDEST])
def test_an_error_is_an_alert_of_its_own_and_what_fired_vanishes(version: Any) -> None:
    broken = rule(version)
    states = play(broken, 11, QueryError(), QueryError(), 11)
    assert states == ["Alerting", "Alerting Error", "Error", "Error Alerting"]
    assert [one.reason for one in broken.changes] == ["", "Error", "MissingSeries", ""]


# ---- notation ----------------------------------------------------------------------------------
def test_promtool_s_notation() -> None:
    assert numbers("40-1x3 5x1 _x1 1+0.5x2 -2") == [40, 39, 38, 37, 5, 5, None, None, 1, 1.5, 2, -2]
    noise = numbers("24~3x999")
    assert len(noise) == 1000
    assert min(v for v in noise if v is not None) >= 21
    assert noise == numbers("24~3x999")


def test_durations() -> None:
    assert [seconds(text) for text in ("0s", "90s", "1h30m", "7d")] == [0, 90, 5400, 604_800]
    with pytest.raises(ValueError, match="no duration"):
        seconds("5")
