"""``soclab flux``: against a real server, what it changes and what it says."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pipeline.influxd import EVER

SOCLAB = Path(sys.executable).with_name("soclab")
CONFIG = """
[influxdb]
url = "{url}"
token_file = "{token_file}"
[coulomb]
every_s = 1
offset_s = 0
cell_s = 1
settle_s = 2
late_window_s = 60
[rollup]
every_s = 1
offset_s = 0
[[batteries]]
name = "pack"
site = "lab"
instrument = "shunt"
capacity_ah = {capacity}
"""
UNAVAILABLE, NO_PERMISSION, BAD_CONFIG = 69, 77, 78


@pytest.fixture
def server(influxdb_factory):
    return influxdb_factory()


@pytest.fixture
def soclab(server, tmp_path):
    """Return a function that runs ``soclab flux`` with a configuration for this server."""
    token_file = tmp_path / "token"
    token_file.write_text(server.admin_token)
    config = tmp_path / "soclab.toml"

    def run(*arguments, capacity="10", url=server.url):
        config.write_text(CONFIG.format(url=url, token_file=token_file, capacity=capacity))
        command = [SOCLAB, "flux", *arguments, "--config", config]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def tasks(server):
    return server.request("GET", "/api/v2/tasks")["tasks"]


@pytest.mark.slow
def test_installing_is_idempotent_and_shows_what_it_changes(server, soclab):
    assert [c["what"] for c in json.loads(soclab("install", "--json").stdout)["changes"]] == [
        "create task",
        "create task",
    ]
    first = {task["name"]: task["id"] for task in tasks(server)}
    assert sorted(first) == ["rollup_1m", "soc_coulomb"]
    assert soclab("install").stdout == "nothing to change\n"
    dry = soclab("install", "--dry-run", capacity="12").stdout
    changed = soclab("install", capacity="12").stdout
    assert dry == changed
    assert changed.startswith("update task: soc_coulomb\n--- installed\n+++ configured\n")
    assert "+    {" in changed
    assert "capacity_ah: 12.0" in changed
    assert {task["name"]: task["id"] for task in tasks(server)} == first
    assert soclab("install", capacity="12").stdout == "nothing to change\n"


def test_second_tasks_of_a_name_and_missing_buckets(server, soclab):
    soclab("install")
    source = next(t for t in tasks(server) if t["name"] == "soc_coulomb")
    server.request("POST", "/api/v2/tasks", orgID=source["orgID"], flux=source["flux"])
    bucket = server.request("GET", "/api/v2/buckets?name=rollup_1m")["buckets"][0]
    server.request("DELETE", f"/api/v2/buckets/{bucket['id']}")
    failed = soclab("check")
    assert failed.returncode == UNAVAILABLE
    assert "soclab flux install" in failed.stderr
    said = soclab("install").stdout.splitlines()
    assert said == ["create bucket: rollup_1m", "remove second task: soc_coulomb"]
    assert sorted(task["name"] for task in tasks(server)) == ["rollup_1m", "soc_coulomb"]
    assert source["id"] in {task["id"] for task in tasks(server)}


def test_check_runs_every_task_and_writes_nothing(server, soclab):
    server.write("battery,battery=pack,instrument=shunt,site=lab current_a=1,voltage_v=13")
    done = soclab("check", "--json")
    assert json.loads(done.stdout) == {
        "tasks": ["soc_coulomb", "rollup_1m"],
        "batteries": ["pack"],
    }
    assert tasks(server) == []
    for bucket in ("derived", "rollup_1m"):
        assert server.query(f'from(bucket: "{bucket}") |> {EVER}') == []


@pytest.mark.slow
def test_what_cannot_work_is_explained(server, soclab, tmp_path):
    bad = soclab("check", capacity="-1")
    assert bad.returncode == BAD_CONFIG
    assert "batteries.pack.capacity_ah" in bad.stderr
    away = soclab("install", url="http://127.0.0.1:9")
    assert away.returncode == UNAVAILABLE
    assert "does not answer" in away.stderr
    (tmp_path / "token").write_text("wrong")
    for command in ("check", "install"):
        refused = soclab(command)
        assert refused.returncode == NO_PERMISSION
        assert "refuses the token" in refused.stderr
    (tmp_path / "token").unlink()
    assert soclab("install").returncode == BAD_CONFIG
    assert "Traceback" not in bad.stderr + away.stderr + refused.stderr


def test_show_prints_what_would_be_installed(soclab):
    shown = soclab("show", "soc_coulomb").stdout
    assert 'option task = {name: "soc_coulomb", every: 1s, offset: 0s}' in shown
    assert 'battery: "pack"' in shown
    assert soclab("show", "nothing").returncode == 2


@pytest.mark.slow
def test_installed_tasks_run_by_themselves(server, soclab):
    """An hour and a half of the past and what comes in now, counted on InfluxDB's own schedule."""
    tags = "battery,battery=pack,instrument=shunt,site=lab"
    now_ns = time.time_ns()
    server.write(
        "\n".join(
            f"{tags} current_a=-1,voltage_v=12.5 {now_ns - s * 1_000_000_000}"
            for s in range(5400, 0, -1)
        )
    )
    soclab("install")
    deadline = time.monotonic() + 150
    written, counted, minutes, told = 5400, 0, 0, False
    while time.monotonic() < deadline and not (counted > 5400 and minutes and told):
        server.write(f"{tags} current_a=-1,voltage_v=12.5 {time.time_ns()}")
        written += 1
        time.sleep(0.5)
        rows = server.query(
            f'from(bucket: "derived") |> {EVER}'
            ' |> filter(fn: (r) => r._field == "samples") |> last()'
        )
        counted = rows[0]["_value"] if rows else 0
        minutes = server.count("rollup_1m", "battery", "current_a")
        told = all("lastRunStatus" in task for task in tasks(server))  # after a run's data
    for task in tasks(server):
        assert task["lastRunStatus"] == "success", task
    assert 5400 < counted <= written
    assert minutes
