"""Our provisioning in Grafana itself; left out where there is none."""

from __future__ import annotations

import time

import pytest
import yaml

from grafana.source.alerting import RULES
from tests.grafana.dashboards import dashboards, queries
from tests.grafana.grafana_does import in_browser
from tests.grafana.real_grafana import RealGrafana, find_grafana
from tests.grafana.rule_states import seconds
from tests.grafana.test_queries import CHOSEN, EMPTY_WHEN_FINE, MAY_REST, NARROW_S, chosen
from tests.grafana.webhooks import Webhooks, wait_for

WEB_PX = 1000
LOW = "low-battery"
EVALUATED_S = 420  # the slowest group is evaluated every five minutes
TOLD_S = 240  # two evaluations, pending for a minute, the group's wait; on a busy machine
GROUP_INTERVAL_S = 60  # of critical alerts
RED, GREEN = 14037554, 3581519  # as Grafana colours a message that fires, or is over


@pytest.fixture(scope="module")
def webhooks():
    made = Webhooks()
    made.too_many.add(LOW)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def program():
    found = find_grafana()
    if found is None:
        pytest.skip("reason: no Grafana here, remedy: put it on PATH or set GRAFANA_HOME")
    return found


@pytest.fixture(scope="module")
def grafana(program, lab, webhooks, tmp_path_factory):
    charge(lab, 10.0, from_s=3600, to_s=1200)
    command, home = program
    folder = tmp_path_factory.mktemp("grafana")
    made = RealGrafana(command, home, folder, lab.server, lab.token, webhooks.url)
    yield made
    made.stop()


def charge(lab, percent, *, from_s, to_s):
    """Have a battery hold a charge from some seconds ago until some seconds ago."""
    now_s = int(time.time())
    rows = [
        f"soc,site=lab,battery={LOW},method=coulomb soc_pct={percent} {second}000000000"
        for second in range(now_s - from_s, now_s - to_s, 30)
    ]
    lab.server.write("\n".join(rows), "derived")


def test_the_data_source_is_healthy(grafana):
    assert grafana.get("/api/datasources/uid/influxdb/health")["status"] == "OK"


def test_every_dashboard_is_loaded(grafana):
    found = {one["uid"] for one in grafana.get("/api/search?type=dash-db")}
    wanted = {made["uid"]: made for made in dashboards().values()}
    assert found == set(wanted)
    for uid, made in wanted.items():
        loaded = grafana.get(f"/api/dashboards/uid/{uid}")
        assert loaded["meta"]["provisioned"] is True
        assert len(loaded["dashboard"]["panels"]) == len(made["panels"])


def test_every_rule_is_taken_as_it_is_written(grafana):
    """What Grafana does not know it ignores without a word."""
    taken = {one["uid"]: one for one in grafana.get("/api/v1/provisioning/alert-rules")}
    files = (grafana.folder / "provisioning" / "alerting").glob("*.yml")
    groups = [group for f in files for group in yaml.safe_load(f.read_text()).get("groups", [])]
    written = {rule["uid"]: rule for group in groups for rule in group["rules"]}
    assert taken.keys() == written.keys()
    for uid, rule in written.items():
        for key in ("title", "condition", "noDataState", "execErrState", "labels", "annotations"):
            assert taken[uid][key] == rule[key], uid
        assert seconds(taken[uid]["for"]) == seconds(rule["for"]), uid
        if "keep_firing_for" in taken[uid]:  # 12.0 and newer; files are read right from 12.1.2 on
            assert seconds(taken[uid]["keep_firing_for"]) == seconds(rule["keepFiringFor"]), uid


@pytest.mark.parametrize("query", list(queries()), ids=lambda query: query.name)
def test_every_query_is_answered(grafana, lab, query):
    one = {
        "refId": "A",
        "datasource": {"type": "influxdb", "uid": "influxdb"},
        "query": in_browser(query.flux, CHOSEN | chosen(query)),
        "rawQuery": True,
        "intervalMs": NARROW_S * 1000 // WEB_PX,
        "maxDataPoints": WEB_PX,
    }
    answer = grafana.post(
        "/api/ds/query",
        {
            "queries": [one],
            "from": str(int((lab.now_s - NARROW_S) * 1000)),
            "to": str(int(lab.now_s * 1000)),
        },
    )
    result = answer["results"]["A"]
    assert "error" not in result
    assert result["frames"] or query.name in MAY_REST | EMPTY_WHEN_FINE


def test_every_rule_evaluates(grafana):
    def evaluated():
        groups = grafana.get("/api/prometheus/grafana/api/v1/rules")["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        done = [rule for rule in rules if not rule["lastEvaluation"].startswith("0001")]
        return done if len(done) == len(RULES) else None

    rules = wait_for("every rule is evaluated", evaluated, EVALUATED_S)
    assert {rule["name"]: rule["lastError"] for rule in rules if rule.get("lastError")} == {}
    assert {rule["health"] for rule in rules} <= {"ok", "nodata"}


def test_low_charge_is_told_once_and_so_is_that_it_is_over(grafana, lab, webhooks):
    """Although Discord refuses the first message, which Grafana does not try again at once."""

    def told(count):
        return lambda: len(webhooks.about(LOW)) >= count

    wait_for("a message about low charge", told(1), TOLD_S + GROUP_INTERVAL_S)
    assert not webhooks.too_many
    time.sleep(GROUP_INTERVAL_S + 15)  # a second message would come now
    (fired,) = webhooks.about(LOW)
    (embed,) = fired["embeds"]
    said = f"{LOW}: state of charge 10.0 % (alert below 15 %)"
    assert (embed["title"], embed["color"]) == (f"🚨 {said}", RED)
    lines = fired["content"].splitlines()
    assert lines[0] == f"🚨 **{said}**"
    assert lines[1].startswith("since <t:")
    assert f"[dashboard](<{grafana.url}/d/soclab-battery?var-battery={LOW}>)" in lines[1]
    assert f"[what to do](<{grafana.url}/d/soclab-runbook?viewPanel=" in lines[1]

    charge(lab, 60.0, from_s=900, to_s=0)
    wait_for("a message that it is over", told(2), TOLD_S)
    time.sleep(GROUP_INTERVAL_S + 15)
    _, over = webhooks.about(LOW)
    (embed,) = over["embeds"]
    assert embed["title"] == f"✅ Over: {LOW}: state of charge 60.0 % (alert below 15 %)"
    assert embed["color"] == GREEN


def test_the_dead_man_service_hears_of_the_lab(grafana, webhooks):
    wait_for("a message to the dead-man service", lambda: webhooks.posts["/watchdog"], TOLD_S)
    assert webhooks.posts["/watchdog"][0]["alerts"][0]["labels"]["alertname"] == "Watchdog"
    assert not webhooks.about("Watchdog")
