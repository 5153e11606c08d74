"""A real InfluxDB that holds a lab, for everything that queries it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
import yaml

from tests.grafana.lab import fill
from tests.pipeline.conftest import (  # noqa: F401  fixtures
    figure,
    influxd_program,
    influxdb_factory,
)
from tests.pipeline.influxd import Influxd

if TYPE_CHECKING:
    from collections.abc import Iterator


PLAYBOOK = Path(__file__).parents[2] / "ansible" / "server.yml"


class Lab(NamedTuple):
    """The server, Grafana's token, and the present of its data (seconds since the epoch)."""

    server: Influxd
    token: str
    now_s: float


@pytest.fixture(scope="session")
def lab(influxd_program, tmp_path_factory) -> Iterator[Lab]:  # noqa: F811
    server = Influxd(influxd_program, tmp_path_factory.mktemp("lab"))
    end_s = fill(server)
    # After the tasks began, and soon enough after the last readings for panels of the present.
    yield Lab(server, grafanas_token(server), min(time.time(), end_s + 150))
    server.stop()


def grafanas_token(server: Influxd) -> str:
    """Make the token that the playbook makes for Grafana: it may read and nothing else.

    As ansible/plugins/modules/influxdb_authorization.py does it.
    """
    roles = yaml.safe_load(PLAYBOOK.read_text(encoding="utf-8"))[0]["roles"]
    asked = [role.get("vars", {}) for role in roles if role["role"] == "influxdb_token"]
    names = next(
        one["influxdb_token_read"] for one in asked if one["influxdb_token_name"] == "grafana"
    )
    org = server.request("GET", f"/api/v2/orgs?org={server.org}")["orgs"][0]["id"]
    found = server.request("GET", f"/api/v2/buckets?orgID={org}&limit=100")["buckets"]
    ids = {bucket["name"]: bucket["id"] for bucket in found}
    permissions = [
        {"action": "read", "resource": {"type": "buckets", "id": ids[name], "orgID": org}}
        for name in names
    ]
    permissions.append({"action": "read", "resource": {"type": "orgs", "id": org}})
    made = server.request("POST", "/api/v2/authorizations", orgID=org, permissions=permissions)
    return str(made["token"])
