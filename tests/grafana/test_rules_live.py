"""The rule about tasks: only InfluxDB itself writes what it reads, so a task really fails here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import yaml

from grafana.source.alerting import files
from tests.grafana.rule_states import Rule
from tests.grafana.test_rules import ask, shown

if TYPE_CHECKING:
    from tests.pipeline.influxd import Influxd

from tests.pipeline.conftest import influxd_program, influxdb_factory  # noqa: F401

UID = "soclab-task-failed"
FAILING = 'option task = {name: "fails", every: 1s}\nfrom(bucket: "nowhere") |> range(start: -1s)'
WORKING = 'import "array"\noption task = {name: "works", every: 1s}\narray.from(rows: [{a: 1}])'
PATIENCE_S = 30.0


def test_a_task_that_fails_fires_and_one_that_works_does_not(influxdb_factory) -> None:  # noqa: F811
    server: Influxd = influxdb_factory()
    org_id = server.request("GET", f"/api/v2/orgs?org={server.org}")["orgs"][0]["id"]
    (group,) = yaml.safe_load(files()["alerting/tasks.yml"])["groups"]
    declared = next(rule for rule in group["rules"] if rule["uid"] == UID) | {"for": "0s"}
    queries = {query["refId"]: query for query in declared["data"]}
    rule = Rule(declared, group["interval"])
    rule.step(time.time(), lambda ref: ask(server, queries[ref], time.time()))
    assert rule.firing() == []
    made = [
        server.request("POST", "/api/v2/tasks", orgID=org_id, flux=flux, status="active")["id"]
        for flux in (FAILING, WORKING)
    ]
    deadline = time.monotonic() + PATIENCE_S
    while not rule.firing():
        assert time.monotonic() < deadline, "no failed run was seen"
        time.sleep(0.5)
        now_s = time.time() + 1
        rule.step(now_s, lambda ref, now_s=now_s: ask(server, queries[ref], now_s))
    (alert,) = [shown(declared, one) for one in rule.firing()]
    assert alert["labels"]["taskID"] == made[0]
    assert alert["annotations"]["summary"].startswith(f"InfluxDB's task {made[0]} failed ")
