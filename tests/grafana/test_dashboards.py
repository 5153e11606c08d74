"""The house rules for dashboards, and that the committed files are what the source makes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from grafana.source.dashboard import COLUMNS
from tests.grafana.dashboards import FOLDER, dashboards, panels, queries

ROOT = Path(__file__).parents[2]
CORE = {
    *("alertlist", "bargauge", "gauge", "row", "stat", "state-timeline", "table", "text"),
    "timeseries",
}
GENERATED = {"version", "iteration", "id", "gnetId", "fiscalYearStartMonth", "weekStart", "style"}
SERIES = {"timeseries", "state-timeline"}
OKABE_ITO = {
    *("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999"),
}
# https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/
UNITS = {
    *("none", "percent", "percentunit", "volt", "amp", "watt", "celsius", "amph", "watth", "s"),
    *("decbytes", "suffix:/s", "suffix:/h", "suffix: wrong"),
}
EVERY = dashboards()
OWN = {name: made for name, made in EVERY.items() if name != "runbook"}  # it is all text
PANELS = [(name, panel) for name, made in OWN.items() for panel in panels(made)]


def of(name_and_panel):
    return f"{name_and_panel[0]}: {name_and_panel[1]['title']}"


def test_the_committed_files_are_fresh():
    program = [sys.executable, "scripts/generate_grafana.py", "--check"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_each_dashboard_is_known_by_its_own_uid_and_title():
    for key in ("uid", "title"):
        values = [made[key] for made in EVERY.values()]
        assert len(set(values)) == len(values)
    assert all(re.fullmatch(r"soclab-[a-z]+", made["uid"]) for made in EVERY.values())


@pytest.mark.parametrize("name", EVERY)
def test_a_dashboard_has_no_generated_fields_and_unique_ids(name):
    made = EVERY[name]
    assert not GENERATED & set(made)
    assert made["schemaVersion"] == 37, "what Grafana 9.4 knows"
    ids = Counter(panel["id"] for panel in made["panels"])
    assert max(ids.values()) == 1
    assert made["editable"] is False, "it is provisioned: a change would be lost"


@pytest.mark.parametrize("name", OWN)
def test_a_dashboard_has_the_shared_variables_and_links(name):
    made = OWN[name]
    variables = {one["name"]: one for one in made["templating"]["list"]}
    assert variables["datasource"]["current"]["value"] == "influxdb", "as the role provisions it"
    assert "site" in variables
    for one in variables.values():
        if one["type"] == "query" and one["multi"]:
            assert one["includeAll"]
            assert one["allValue"] == ".*"
    assert [link["tags"] for link in made["links"]] == [["soclab"]]
    assert "soclab" in made["tags"]


@pytest.mark.parametrize("name", OWN)
def test_every_variable_in_use_is_there(name):
    made = OWN[name]
    there = {one["name"] for one in made["templating"]["list"]}
    text = str(made)
    used = {a or b for a, b in re.findall(r"\$\{([a-z]+)(?::\w+)?\}|\$([a-z]+)\b", text)}
    assert used <= there
    assert there <= used | {"datasource"}, "a variable that changes nothing"


@pytest.mark.parametrize("name", OWN)
def test_panels_are_in_the_grid_and_do_not_overlap(name):
    taken = Counter()
    for panel in OWN[name]["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= COLUMNS
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                taken[x, y] += 1
    assert max(taken.values()) == 1


@pytest.mark.parametrize("one", PANELS, ids=of)
def test_a_panel_says_what_it_shows(one):
    _, panel = one
    assert panel["type"] in CORE
    assert panel["title"]
    what, *source, normal = panel["description"].split("\n\n")
    assert what.endswith(".")
    assert normal.startswith("Normal: ")
    assert normal.endswith(".")
    if panel["type"] != "alertlist":
        assert source[0].startswith("From `")


@pytest.mark.parametrize("one", PANELS, ids=of)
def test_a_panel_has_units_thresholds_and_a_legend(one):
    _, panel = one
    if panel["type"] == "alertlist":
        return
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"] in UNITS
    assert defaults["thresholds"]["steps"][0]["value"] is None
    if panel["type"] in SERIES:
        assert panel["options"]["legend"]["showLegend"]
    if panel["type"] == "table":
        given = panel["fieldConfig"]["overrides"]
        units = [p["value"] for o in given for p in o["properties"] if p["id"] == "unit"]
        assert set(units) <= UNITS


@pytest.mark.parametrize("one", PANELS, ids=of)
def test_a_panel_asks_the_chosen_data_source(one):
    _, panel = one
    chosen = {"type": "influxdb", "uid": "${datasource}"}
    assert all(target["datasource"] == chosen for target in panel.get("targets", []))
    if panel.get("targets"):
        assert panel["datasource"] == chosen
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)


def test_only_colours_that_everybody_can_tell_apart():
    for name, made in OWN.items():
        colours = set(re.findall(r"#[0-9A-Fa-f]{6}\b", str(made)))
        assert colours <= OKABE_ITO, name
        modes = {
            panel["fieldConfig"]["defaults"].get("color", {}).get("mode")
            for panel in panels(made)
            if "fieldConfig" in panel
        }
        assert modes <= {None, "fixed", "thresholds"}, "a palette of Grafana's own"


def test_queries_leave_out_what_grafana_would_replace():
    """Grafana's server replaces whatever.bucket and the like as a text."""
    for query in queries():
        found = re.findall(r"(?<!\bv)\.(?:bucket|defaultBucket|organization)\b", query.flux)
        assert not found, query.name


def test_long_ranges_read_minutes():
    """Nothing reads bucket raw over a range that may be long, unless it only wants the ends."""
    for query in queries():
        if 'from(bucket: "raw")' not in query.flux or query.kind == "variable":
            continue
        ends = "last()" in query.flux or 'r._measurement == "event"' in query.flux
        assert ends or "if wide then" in query.flux, query.name


def test_links_to_dashboards_resolve():
    uids = {made["uid"] for made in EVERY.values()}
    for folder in (FOLDER, FOLDER.parent / "alerting"):
        for file in folder.rglob("*"):
            if file.is_file():
                used = re.findall(r"/d/([\w-]+)", file.read_text(encoding="utf-8"))
                assert set(used) <= uids, file
