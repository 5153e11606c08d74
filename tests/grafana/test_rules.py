"""Every alert rule, from the file that is deployed, over series written to a real InfluxDB.

The cases are files in rules/; each is played to what the newest Grafana does and to what 9.4 does.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from grafana.source.alerting import RULES
from tests.grafana.rule_cases import Case, load
from tests.grafana.rule_expressions import QueryError, Series, frames
from tests.grafana.rule_states import NEWEST, OLDEST, Rule, seconds
from tests.grafana.rule_texts import expand
from tests.pipeline.flux_tasks import NS_PER_S, iso

if TYPE_CHECKING:
    from tests.grafana.rule_states import Change, Instance
    from tests.pipeline.influxd import Influxd

from tests.pipeline.conftest import influxd_program, influxdb  # noqa: F401

CASES = load(Path(__file__).parent / "rules")
# Each case has a month of its own, so that none sees the data of another.
MONTH_S = 30 * 86_400
_starts = itertools.count(1_600_000_200 - 1_600_000_200 % MONTH_S, MONTH_S)
BATCH = 20_000
PARALLEL = 3
_http = urllib3.PoolManager(maxsize=PARALLEL)


def ask(server: Influxd, query: dict[str, Any], now_s: float) -> list[Series]:
    """Return the frames of a rule's query, with its range filled in as Grafana does."""
    back_s = query["relativeTimeRange"]["from"]
    flux = query["model"]["query"]
    for name, at_s in (("v.timeRangeStart", now_s - back_s), ("v.timeRangeStop", now_s)):
        flux = flux.replace(name, iso(round(at_s) * NS_PER_S))
    answer = _http.request(
        "POST",
        f"{server.url}/api/v2/query?org={server.org}",
        json={"query": flux, "dialect": {"annotations": ["group", "datatype"], "header": True}},
        headers={"Authorization": f"Token {server.admin_token}", "Accept": "text/csv"},
        timeout=60,
    )
    if answer.status != 200:
        raise QueryError(answer.data.decode())
    return frames(answer.data.decode())


def write(server: Influxd, case: Case, start_s: int) -> None:
    """Store the series of a case."""
    lines = defaultdict(list)
    for bucket, line in case.lines(start_s):
        lines[bucket].append(line)
    for bucket, of_bucket in lines.items():
        for first in range(0, len(of_bucket), BATCH):
            server.write("\n".join(of_bucket[first : first + BATCH]), bucket)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case, influxdb: Influxd) -> None:  # noqa: F811
    start_s = next(_starts)
    write(influxdb, case, start_s)
    declared, interval = case.rule()
    moments = case.moments(interval)
    expected = {seconds(one["at"]): one["alerts"] for one in case.content["expect"]}
    assert expected.keys() <= set(moments), "a moment at which the rule is not evaluated"

    (flux, newest_value) = (q for q in declared["data"] if q["datasourceUid"] != "__expr__")
    with ThreadPoolExecutor(PARALLEL) as pool:  # the answers do not depend on states
        answers = pool.map(lambda at_s: ask(influxdb, flux, start_s + at_s), moments)
    rules = {version: Rule(declared, interval, version) for version in (NEWEST, OLDEST)}
    for at_s, states in zip(moments, answers, strict=True):
        # What only texts need is asked for where a text is looked at.
        values = ask(influxdb, newest_value, start_s + at_s) if at_s in expected else states
        for rule in rules.values():
            rule.step(start_s + at_s, {"A": states, "V": values}.__getitem__)
        if at_s in expected:
            there = [shown(declared, one) for one in rules[NEWEST].instances.values()]
            assert mismatches(there, expected[at_s]) == [], f"after {at_s / 60:g} minutes"
    for version, rule in rules.items():
        said = [told(one, start_s) for one in rule.changes if one.notifies]
        assert said == case.told(version), f"Grafana {version.name}: {said}"


def shown(declared: dict[str, Any], one: Instance) -> dict[str, Any]:
    labels = dict(one.labels) | declared["labels"]
    texts = {k: expand(t, labels, one.values) for k, t in declared["annotations"].items()}
    return {"state": one.state, "labels": labels, "annotations": texts}


def mismatches(there: list[dict[str, Any]], expected: list[dict[str, Any]]) -> list[str]:
    """Return what is wrong; alerts that are Normal need not be named."""
    wrong = []
    rest = [one for one in there if one["state"] != "Normal"]
    for wanted in expected:
        found = [
            one
            for one in rest
            if one["state"] == wanted["state"]
            and wanted["labels"].items() <= one["labels"].items()
            and wanted.get("annotations", {}).items() <= one["annotations"].items()
        ]
        if len(found) != 1:
            wrong.append(f"expected {wanted}")
        else:
            rest.remove(found[0])
    return wrong + [f"not expected {one['labels']} {one['state']}" for one in rest]


def told(change: Change, start_s: int) -> str:
    """Return a notification as cases have it: minutes, firing or resolved, and of what."""
    labels = dict(change.labels)
    of = next(
        (labels[n] for n in ("instrument", "battery", "site", "watchdog") if n in labels), "-"
    )
    what = "resolved" if change.after in {"Normal", "Pending"} else "firing"
    return f"{(change.at_s - start_s) / 60:g}m {what} {of}" + (
        f" ({change.reason})" if change.reason else ""
    )


def test_every_rule_has_a_case() -> None:
    elsewhere = {"soclab-task-failed"}  # InfluxDB alone writes what it reads: test_rules_live.py
    assert {case.content["rule"] for case in CASES} | elsewhere == {rule.uid for rule in RULES}
