"""What verify.yml calls wrong, and what it says about it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

PATH = Path(__file__).parents[3] / "ansible/ops/library/inspect_host.py"
spec = importlib.util.spec_from_file_location("inspect_host", PATH)
assert spec
assert spec.loader
inspect_host: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(inspect_host)


@pytest.fixture
def report() -> Any:
    return inspect_host.Report()


def wrong(report: Any) -> dict[str, dict[str, Any]]:
    return {check["check"]: check for check in report.checks if not check["ok"]}


def fake_systemd(monkeypatch: pytest.MonkeyPatch, units: dict[str, dict[str, str]]) -> None:
    """Have systemctl know these units; all of them are enabled."""

    def run(*command: str) -> str:
        if "--state=failed" in command:
            return "".join(
                f"{name} x\n" for name, unit in units.items() if unit["ActiveState"] == "failed"
            )
        if "show" in command:
            unit = units.get(command[2], {"LoadState": "not-found", "ActiveState": "inactive"})
            return "".join(f"{key}={value}\n" for key, value in unit.items())
        return "".join(f"{name} enabled\n" for name in units)

    monkeypatch.setattr(inspect_host, "run", run)


def unit(active: str, **properties: str) -> dict[str, str]:
    return {"LoadState": "loaded", "ActiveState": active, "Type": "notify"} | properties


def test_a_unit_that_runs_is_well_and_its_restarts_show(
    report: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_systemd(monkeypatch, {"soclab-uploader.service": unit("active", NRestarts="3")})
    inspect_host.units(report, ["soclab-uploader.service"])
    assert not wrong(report)
    assert report.checks[0]["found"] == "active, 3 restarts"


@pytest.mark.parametrize("active", ["inactive", "failed", "activating"])
def test_a_unit_that_should_run_and_does_not(
    report: Any, monkeypatch: pytest.MonkeyPatch, active: str
) -> None:
    fake_systemd(monkeypatch, {"soclab-collector@bms.service": unit(active, Result="exit-code")})
    inspect_host.units(report, [])
    found = wrong(report)["unit soclab-collector@bms.service"]
    assert "journalctl --unit soclab-collector@bms.service" in found["remedy"]


def test_a_unit_that_is_not_there(report: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_systemd(monkeypatch, {})
    inspect_host.units(report, ["influxdb.service"])
    assert wrong(report)["unit influxdb.service"]["remedy"] == "Run ansible/site.yml."


def test_what_a_timer_starts_may_rest_but_not_fail(
    report: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    resting = unit("inactive", Type="oneshot", Result="success", TriggeredBy="a.timer")
    failed = unit("failed", Type="oneshot", Result="exit-code", TriggeredBy="b.timer")
    fake_systemd(monkeypatch, {"soclab-a.service": resting, "soclab-b.service": failed})
    inspect_host.units(report, [])
    assert set(wrong(report)) == {"unit soclab-b.service"}


def test_a_failed_unit_that_is_not_ours(report: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_systemd(monkeypatch, {"cron.service": unit("failed")})
    inspect_host.units(report, [])
    assert set(wrong(report)) == {"unit cron.service"}


STATUS = {
    "instruments": {"bms": {"bytes": 900, "age_s": 20}},
    "quarantine": {},
    "undated_boots": [],
}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({}, set()),
        ({"instruments": {"bms": {"bytes": 900, "age_s": 301}}}, {"backlog"}),
        ({"quarantine": {"bms": 2}}, {"quarantine"}),
        ({"undated_boots": ["8d1e"]}, {"dates"}),
    ],
)
def test_backlog(
    report: Any, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], named: set[str]
) -> None:
    monkeypatch.setattr(inspect_host, "run", lambda *_: json.dumps(STATUS | change))
    inspect_host.backlog(report, 300)
    assert set(wrong(report)) == named
    assert all(found["remedy"] for found in wrong(report).values())


def test_an_uploader_that_cannot_say_is_not_well(
    report: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspect_host, "run", lambda *_: "")
    inspect_host.backlog(report, 300)
    assert set(wrong(report)) == {"backlog"}


@pytest.mark.parametrize(("days", "well"), [(30, True), (10, False)])
def test_certificates(
    report: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, days: int, well: bool
) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=x", "-days", str(days),
         "-keyout", tmp_path / "key", "-out", tmp_path / "server.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    monkeypatch.setattr(inspect_host, "TLS", tmp_path)
    inspect_host.certificates(report, 21)
    assert (not wrong(report)) is well
    assert report.checks[0]["found"] in {f"{days} days left", f"{days - 1} days left"}


def test_a_full_disk(report: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = inspect_host.shutil._ntuple_diskusage(total=100e9, used=90e9, free=10e9)
    monkeypatch.setattr(inspect_host.shutil, "disk_usage", lambda _: usage)
    inspect_host.disks(report, 85)
    assert wrong(report)["disk /"]["found"] == "90 % used, 10.0 GB free"
    again = inspect_host.Report()
    inspect_host.disks(again, 95)
    assert not wrong(again)


class Database:
    """What InfluxDB would answer."""

    org = "soclab"

    def __init__(self, status: str = "success", finished: str = "", newest: str = "") -> None:
        self.status, self.finished, self.newest = status, finished, newest

    def get(self, path: str) -> Any:
        task = {"id": "1", "name": "soc", "every": "1m", "status": "active", "createdAt": OLD}
        runs = [{"status": self.status, "finishedAt": self.finished}] if self.finished else []
        return {"runs": runs} if "runs" in path else {"tasks": [task]}

    def query(self, _flux: str) -> list[dict[str, str]]:
        return [{"instrument": "bms", "_time": self.newest}] if self.newest else []


NOW = 1_800_000_000.0
OLD = "2026-01-01T00:00:00Z"
FRESH = "2027-01-15T07:59:30.123456789Z"  # half a minute before NOW


@pytest.fixture
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_host.time, "time", lambda: NOW)


@pytest.mark.usefixtures("_frozen")
@pytest.mark.parametrize(
    ("status", "finished", "well"),
    [
        ("success", FRESH, True),
        ("failed", FRESH, False),
        ("success", OLD, False),
        ("success", "", False),
    ],
)
def test_tasks(report: Any, status: str, finished: str, well: bool) -> None:
    inspect_host.tasks(report, Database(status, finished))
    assert (not wrong(report)) is well


@pytest.mark.usefixtures("_frozen")
@pytest.mark.parametrize(
    ("newest", "instruments", "named"),
    [
        (FRESH, ["bms"], set()),
        (OLD, ["bms"], {"data of bms"}),
        ("", ["bms"], {"data of bms"}),
        (OLD, [], set()),  # it was removed from the inventory
        (FRESH, ["bms", "mppt"], {"data of mppt"}),
    ],
)
def test_silent_instruments(
    report: Any, newest: str, instruments: list[str], named: set[str]
) -> None:
    inspect_host.data(report, Database(newest=newest), instruments, 300)
    assert set(wrong(report)) == named


def test_a_server_that_does_not_answer(
    report: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("x")
    monkeypatch.setattr(inspect_host, "TOKEN", tmp_path / "token")
    monkeypatch.setattr(inspect_host, "TLS", tmp_path)
    asked = {"url": "http://127.0.0.1:9", "org": "soclab", "instruments": [], "silence_s": 300}
    inspect_host.database(report, asked)
    assert "journalctl --unit influxdb" in wrong(report)["InfluxDB"]["remedy"]


@pytest.mark.parametrize(("text", "expected_s"), [("1m", 60), ("1h30m", 5400), ("500ms", 0.5)])
def test_durations(text: str, expected_s: float) -> None:
    assert inspect_host.seconds(text) == expected_s
