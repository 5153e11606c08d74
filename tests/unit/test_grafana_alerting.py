"""The filter that names what Grafana has to delete."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import yaml

FILTER = runpy.run_path(
    str(Path(__file__).parents[2] / "ansible/roles/grafana/filter_plugins/grafana_alerting.py")
)


def removed(previous: list[Any], current: list[Any]) -> Any:
    dumped = [[yaml.safe_dump(file) for file in files] for files in (previous, current)]
    return yaml.safe_load(FILTER["grafana_alerting_removed"](*dumped))


def rules(*uids: str, organisation: int = 1) -> dict[str, Any]:
    group = {"orgId": organisation, "name": "g", "rules": [{"uid": uid} for uid in uids]}
    return {"apiVersion": 1, "groups": [group]}


NOTHING = {"apiVersion": 1}


def test_nothing_is_deleted_while_nothing_is_gone() -> None:
    assert removed([], [rules("a")]) == NOTHING
    assert removed([rules("a")], [rules("a", "b")]) == NOTHING


def test_a_rule_that_left_its_file_or_went_with_it_is_deleted() -> None:
    expected = {**NOTHING, "deleteRules": [{"orgId": 1, "uid": "b"}]}
    assert removed([rules("a", "b")], [rules("a")]) == expected
    assert removed([rules("a"), rules("b")], [rules("a")]) == expected


def test_what_was_deleted_stays_so_until_it_comes_back() -> None:
    first = removed([rules("a", "b")], [rules("a")])
    assert removed([rules("a"), first], [rules("a")]) == first
    assert removed([rules("a"), first], [rules("a", "b")]) == NOTHING


def test_a_rule_that_moves_to_another_file_is_not_deleted() -> None:
    assert removed([rules("a", "b")], [rules("b"), rules("a")]) == NOTHING


def test_organisations_are_apart() -> None:
    gone = removed([rules("a"), rules("a", organisation=2)], [rules("a")])
    assert gone == {**NOTHING, "deleteRules": [{"orgId": 2, "uid": "a"}]}


def test_everything_else_that_a_file_can_bring() -> None:
    before = {
        "contactPoints": [{"name": "x", "receivers": [{"uid": "x1"}, {"uid": "x2"}]}],
        "muteTimes": [{"name": "night"}],
        "templates": [{"name": "text"}],
        "policies": [{"receiver": "x"}],
    }
    gone = removed([before], [{}])
    assert gone == {
        **NOTHING,
        "deleteContactPoints": [{"orgId": 1, "uid": "x1"}, {"orgId": 1, "uid": "x2"}],
        "deleteMuteTimes": [{"orgId": 1, "name": "night"}],
        "deleteTemplates": [{"orgId": 1, "name": "text"}],
        "resetPolicies": [1],
    }
    assert removed([before, gone], [before]) == NOTHING


def test_files_are_found_in_subfolders_too(tmp_path: Path) -> None:
    for name in ("b.json", "solar/a.json", "README.md"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(name)
    assert FILTER["grafana_files"](str(tmp_path), "**/*.json") == ["b.json", "solar/a.json"]
    assert FILTER["grafana_files"](str(tmp_path), "*.json") == ["b.json"]
    assert FILTER["grafana_files"](str(tmp_path / "missing"), "**/*.json") == []
    assert FILTER["grafana_read"]("solar/a.json", str(tmp_path)) == "solar/a.json"
