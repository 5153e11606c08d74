"""The files for alerting as they are deployed: known keys, right references, nothing left over."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from grafana.source.alerting import RULES, files, runbook
from grafana.source.alerting.settings import LIMITS, Settings, SettingsError, read
from grafana.source.contract import violations
from tests.grafana.provisioning_schema import File, check
from tests.grafana.rule_states import seconds

GRAFANA = Path(__file__).parents[2] / "grafana"
PATHS = sorted((GRAFANA / "alerting").glob("*.yml"))
CONTENT = {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in PATHS}
FILES: dict[str, File] = {name: check(content) for name, content in CONTENT.items()}
DECLARED = [rule for file in FILES.values() for group in file.groups for rule in group.rules]
FLUX = [
    pytest.param(query.model["query"], id=f"{rule.uid} {query.refId}")
    for rule in DECLARED
    for query in rule.data
    if query.datasourceUid == "influxdb"
]


def test_files_are_what_the_declarations_make_of_the_default_limits() -> None:
    made = {name: text for name, text in files().items() if name.endswith(".yml")}
    there = {f"alerting/{path.name}": path.read_text(encoding="utf-8") for path in PATHS}
    assert there == made, "run scripts/generate_grafana.py"


# ---- keys --------------------------------------------------------------------------------------
BATTERY = CONTENT["battery.yml"]["groups"][0]["rules"][0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("executionErrorState", "OK"),
        ("execErrState", "KeepLast"),
        ("for", 120),
        ("dashboardUID", "x"),
        ("uid", "x" * 41),
        ("labels", {"severity": "urgent"}),
    ],
)
def test_a_key_or_value_that_grafana_would_ignore_or_refuse_is_found(key: str, value: Any) -> None:
    content = copy.deepcopy(CONTENT["battery.yml"])
    content["groups"][0]["rules"][0][key] = value
    with pytest.raises(msgspec.ValidationError):
        check(content)


@pytest.mark.parametrize("key", sorted(set(BATTERY) - {"isPaused"}))
def test_a_key_that_is_missing_is_found(key: str) -> None:
    content = copy.deepcopy(CONTENT["battery.yml"])
    del content["groups"][0]["rules"][0][key]
    with pytest.raises(msgspec.ValidationError):
        check(content)


def test_a_key_inside_an_expression_is_looked_at_too() -> None:
    content = copy.deepcopy(CONTENT["battery.yml"])
    model = content["groups"][0]["rules"][0]["data"][2]["model"]
    model["conditions"][0]["unloadEvalutor"] = model["conditions"][0].pop("unloadEvaluator")
    with pytest.raises(msgspec.ValidationError):
        check(content)


# ---- rules -------------------------------------------------------------------------------------
def test_every_rule_has_a_limit_and_every_limit_a_rule() -> None:
    assert {rule.limit for rule in RULES} == {*LIMITS, "any"}


def test_uids_and_titles_are_unique() -> None:
    assert len({rule.uid for rule in DECLARED}) == len(DECLARED) == len(RULES)
    assert len({rule.title for rule in DECLARED}) == len(DECLARED)


def test_expressions_follow_what_they_refer_to() -> None:
    for rule in DECLARED:
        seen: set[str] = set()
        for query in rule.data:
            assert query.refId not in seen
            assert query.model["refId"] == query.refId
            assert query.model.get("expression", next(iter(seen), None)) in {*seen, None}
            seen.add(query.refId)
        assert rule.condition in seen


def test_ranges_hold_several_evaluations() -> None:
    for group in (group for file in FILES.values() for group in file.groups):
        for rule in group.rules:
            for query in rule.data:
                back_s = query.relativeTimeRange.from_
                assert back_s == 0 or back_s >= 5 * seconds(group.interval), rule.uid


def test_the_recovery_threshold_is_on_the_safe_side() -> None:
    for rule in DECLARED:
        (condition,) = next(q.model["conditions"] for q in rule.data if q.refId == rule.condition)
        assert condition["evaluator"]["params"] > condition["unloadEvaluator"]["params"]


def test_descriptions_say_what_was_chosen() -> None:
    for rule in DECLARED:
        text = rule.annotations.description.lower()
        for choice in ("pending", "no data", "error", "after it is over|as soon as it is over"):
            assert re.search(choice, text), f"{rule.uid}: {choice}"


def test_dollar_signs_are_where_grafana_leaves_them_alone() -> None:
    for rule in CONTENT["battery.yml"]["groups"][0]["rules"]:
        assert "$" not in rule["labels"]["severity"] + rule["title"] + rule["uid"]
    for file in FILES.values():
        for rule in (rule for group in file.groups for rule in group.rules):
            assert "${" not in msgspec.json.encode(rule.annotations).decode()
        for template in file.templates:
            assert not re.search(r"(?<!\$)\$(?!\$)", template.template.replace("$$", ""))


@pytest.mark.parametrize("flux", FLUX)
def test_queries_keep_to_the_data_contract(flux: str) -> None:
    assert violations(flux) == []


def test_a_query_outside_the_contract_is_found() -> None:
    flux = str(FLUX[0].values[0])
    for bad in ("soc_pct", "derived", "battery", "soc"):
        assert violations(flux.replace(f'"{bad}"', '"no_such_name"')), bad


# ---- what belongs together ---------------------------------------------------------------------
def test_every_rule_has_its_section_of_the_runbook() -> None:
    sections = runbook.sections()
    assert set(sections) == {rule.title for rule in DECLARED} | {"Rules cannot be evaluated"}
    for title, text in sections.items():
        assert "**Means**" in text, title
        assert "**Do**" in text or title == "Watchdog", title


def test_links_lead_to_dashboards_that_are_there() -> None:
    boards = {}
    for path in (GRAFANA / "dashboards").rglob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        boards[content["uid"]] = content
    panels = {one["id"]: one["title"] for one in boards[runbook.RUNBOOK_DASHBOARD]["panels"]}
    for rule in DECLARED:
        found = re.match(r"{{ externalURL }}d/([\w-]+)(.*)", rule.annotations.dashboard)
        assert found
        board = boards[found[1]]
        variables = {one["name"] for one in board.get("templating", {}).get("list", [])}
        assert set(re.findall(r"var-(\w+)=", found[2])) <= variables, rule.uid
        panel = int(rule.annotations.runbook_url.rpartition("=")[2])
        assert panels[panel] == rule.title


def test_policies_name_what_is_there() -> None:
    points = {point.name for file in FILES.values() for point in file.contactPoints}
    times = {time.name for file in FILES.values() for time in file.muteTimes}
    (policy,) = FILES["notification-policies.yml"].policies
    assert {policy.receiver, *(route.receiver for route in policy.routes)} == points
    assert {name for route in policy.routes for name in route.mute_time_intervals} == times
    silent = [route for route in policy.routes if route.mute_time_intervals]
    assert not [r for r in silent if any("critical" in m[2] for m in r.object_matchers)]


def test_templates_that_are_used_are_defined() -> None:
    (template,) = FILES["templates.yml"].templates
    defined = set(re.findall(r'{{-? define "([^"]+)"', template.template))
    used = set(re.findall(r'template "([^"]+)"', template.template))
    points = (GRAFANA / "alerting" / "contact-points.yml").read_text(encoding="utf-8")
    used_outside = set(re.findall(r'template "([^"]+)"', points))
    assert used_outside == {"soclab.title", "soclab.message"}
    assert used | used_outside == defined


# ---- settings ----------------------------------------------------------------------------------
def test_limits_reach_every_query_of_their_rule_and_no_other() -> None:
    changed = files(
        read(
            {
                "limits": {"voltage_low_v": [10.5, 11.5]},
                "battery_limits": {"lfp48": {"voltage_low_v": [46, 48]}},
                "quiet_hours": {"start": "13:00", "end": "14:30", "timezone": "Europe/Berlin"},
            }
        )
    )
    normal = files()
    differ = {name for name, text in changed.items() if text != normal[name]}
    assert differ == {"alerting/battery.yml", "alerting/mute-times.yml"}
    wanted = 'fire = (name) => if name == "lfp48" then 46.0 else 10.5'
    assert changed["alerting/battery.yml"].count(wanted) == 2
    times = yaml.safe_load(changed["alerting/mute-times.yml"])["muteTimes"][0]["time_intervals"]
    assert times == [
        {
            "times": [{"start_time": "13:00", "end_time": "14:30"}],
            "location": "Europe/Berlin",
        }
    ]
    for name, text in changed.items():
        if name.endswith(".yml"):
            check(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"limit": {}}, "limit: unknown; there are battery_limits, "),
        ({"limits": {"soc_low": [1, 2]}}, "limits.soc_low: unknown; there are anchor_age_d"),
        ({"limits": {"soc_low_pct": 20}}, "give two numbers, such as [30, 35]"),
        ({"limits": {"soc_low_pct": [20]}}, "give two numbers"),
        ({"limits": {"soc_low_pct": ["a", "b"]}}, "give two numbers"),
        ({"limits": {"soc_low_pct": [20, float("nan")]}}, "give two numbers"),
        ({"limits": {"soc_low_pct": [30, 20]}}, "it fires below the first"),
        ({"limits": {"voltage_high_v": [14, 15]}}, "it fires above the first"),
        ({"battery_limits": {'x" or': {}}}, "cannot be the name of a battery"),
        ({"battery_limits": {"x": {"silent_s": [9, 1]}}}, "battery_limits.x.silent_s: unknown"),
        ({"instrument_limits": {"x": ["silent_s"]}}, "instrument_limits.x: give names"),
        ({"quiet_hours": {"start": "7"}}, 'quiet_hours.start: give a time such as "22:00"'),
        ({"quiet_hours": {"start": "07:00"}}, "start and end are the same"),
        ({"quiet_hours": {"timezone": "a b"}}, "quiet_hours.timezone"),
    ],
)
def test_what_cannot_be_is_refused_by_name(given: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(given)
    assert says in str(refused.value)


def test_nothing_given_is_the_default() -> None:
    assert read({}) == read({"limits": {}, "quiet_hours": {}}) == Settings()
    for name, limit in LIMITS.items():
        assert read({"limits": {name: list(limit.default)}}) == Settings()
