"""Our provisioning in Grafana itself; left out where there is none."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from tests.grafana.dashboards import dashboards, queries
from tests.grafana.grafana_does import in_browser
from tests.grafana.real_grafana import RealGrafana, find_grafana
from tests.grafana.test_queries import CHOSEN, EMPTY_WHEN_FINE, MAY_REST, NARROW_S, chosen

WEB_PX = 1000


class Discord(BaseHTTPRequestHandler):
    """Takes what Discord would get."""

    posts: ClassVar[list[dict]] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.posts.append(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def discord():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Discord)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/webhook"
    server.shutdown()


@pytest.fixture(scope="module")
def program():
    found = find_grafana()
    if found is None:
        pytest.skip("reason: no Grafana here, remedy: put it on PATH or set GRAFANA_HOME")
    return found


@pytest.fixture(scope="module")
def grafana(program, lab, discord, tmp_path_factory):
    command, home = program
    folder = tmp_path_factory.mktemp("grafana")
    made = RealGrafana(command, home, folder, lab.server, lab.token, discord)
    yield made
    made.stop()


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
    groups = grafana.get("/api/prometheus/grafana/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert [rule["name"] for rule in rules if rule.get("lastError")] == []
