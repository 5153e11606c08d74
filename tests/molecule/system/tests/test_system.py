"""The life of a lab: made from bare hosts, used, hurt, upgraded, restored; and nothing is lost.

The steps stand on one another, in this order.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.molecule.system.tests import grafana_double
from tests.molecule.system.tests.eavesdropper import Eavesdropper
from tests.molecule.system.tests.figures import note
from tests.molecule.system.tests.lab import ROOT, SITE, Lab, wait
from tests.molecule.system.tests.points import measured, same, stored

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

CUT_S: Final = 120
VENV: Final = "/opt/soclab/collectors"


def test_bare_hosts_become_a_lab(lab: Lab) -> None:
    grafana_double.install(lab.login("server"))
    began = time.time()
    with Eavesdropper() as eavesdropper:
        played = lab.play(SITE)
    stored_at = lab.await_fresh(began)
    note("bare hosts to data of every instrument on the server", stored_at - began, goal=360)
    secrets = lab.secrets().values()
    told = [text for text in eavesdropper.heard if any(secret in text for secret in secrets)]
    assert not told, "a process list showed a secret"
    assert len(eavesdropper.heard) > 100, "nothing was listened to"
    assert not any(secret in played.output for secret in secrets), "Ansible printed a secret"


def test_a_second_run_changes_nothing(lab: Lab) -> None:
    played = lab.play(SITE)
    assert sum(played.changed.values()) == 0, played.tail(200)
    assert {"pi", "server"} <= played.changed.keys()
    note("second run", played.duration_s, goal=60)


def test_state_of_charge_is_computed(lab: Lab) -> None:
    def computed() -> bool:
        rows = lab.query(
            'from(bucket: "derived") |> range(start: -2m)'
            ' |> filter(fn: (r) => r._measurement == "soc" and r._field == "soc_pct")'
            ' |> filter(fn: (r) => r.method == "coulomb") |> last()'
        )
        return bool(rows) and 0 <= float(rows[0]["_value"]) <= 100

    wait(computed, 60, "a state of charge")


def test_verify_finds_all_well_and_names_what_is_not(lab: Lab) -> None:
    report = lab.folder / "report.json"
    lab.play("ansible/ops/verify.yml", "-e", f"verify_report={report}")
    checks = json.loads(report.read_text())["checks"]
    assert all(check["ok"] for check in checks)
    assert {"pi", "server"} == {check["host"] for check in checks}

    lab.run("pi", "systemctl stop soclab-uploader")
    played = lab.play("ansible/ops/verify.yml", check=False)
    lab.run("pi", "systemctl start soclab-uploader")
    assert played.code != 0
    assert "pi, unit soclab-uploader.service: inactive" in played.output
    assert "journalctl --unit soclab-uploader.service" in played.output, "no remedy"


def test_no_secret_can_be_read(lab: Lab, tmp_path: Path) -> None:
    secrets = [value for value in lab.secrets().values() if value]
    for host in ("pi", "server"):
        secrets += lab.run(host, "cat /etc/soclab/credentials/* | grep -E '^.{16,}$'").split()
    patterns = tmp_path / "patterns"
    patterns.touch(mode=0o600)
    patterns.write_text("".join(f"{secret}\n" for secret in secrets))
    for host in ("pi", "server"):
        _look_for(lab, host, patterns.read_text())


def _look_for(lab: Lab, host: str, patterns: str) -> None:
    subprocess.run(
        [*lab.login(host), "umask 077; cat > /root/p"], input=patterns, text=True, check=True
    )
    try:
        # Whoever has no rights at all reads what he can; he gets the patterns as an open file.
        lab.run(host, "echo planted > /var/tmp/planted; head -1 /root/p >> /var/tmp/planted")
        found = lab.run(
            host,
            "exec 3< /root/p; setpriv --reuid=65534 --regid=65534 --clear-groups"
            " sh -c 'cat <&3 > /dev/shm/p.$$; find / -xdev -type f -size -4M -readable"
            ' -not -path "/proc/*" -not -path "/sys/*" -not -path "*/archives/*" -print0'
            " 2>/dev/null | xargs -0 grep -lsF -f /dev/shm/p.$$; rm /dev/shm/p.$$' || true",
        ).split()
        assert found == ["/var/tmp/planted"], f"{host}: anybody can read a secret in {found}"
        journal = lab.run(host, "journalctl --no-pager -o cat | grep -cF -f /root/p || true")
        assert int(journal) == 0, f"{host}: the journal has secrets"
        shown = lab.run(host, "systemctl show '*' --no-pager | grep -cF -f /root/p || true")
        assert int(shown) == 0, f"{host}: systemctl show has secrets"
    finally:
        lab.run(host, "rm -f /root/p /var/tmp/planted")


def test_killed_units_come_back(lab: Lab) -> None:
    began = time.time()
    units = {
        "pi": ["soclab-uploader", *(f"soclab-collector@{name}" for name in lab.instruments())],
        "server": ["influxdb", "caddy", "mosquitto"],
    }
    pids = {}
    for host, names in units.items():
        for name in names:
            pids[host, name] = lab.run(host, f"systemctl show -P MainPID {name}").strip()
            assert pids[host, name] != "0", f"{name} does not run"
            lab.run(host, f"kill -9 {pids[host, name]}")
    for (host, name), pid in pids.items():
        wait(
            lambda host=host, name=name, pid=pid: (
                lab.run(host, f"systemctl is-active {name}").strip() == "active"
                and lab.run(host, f"systemctl show -P MainPID {name}").strip() not in {"0", pid}
            ),
            60,
            f"{name} on {host}",
        )
    fresh = lab.await_fresh(time.time())
    note("all units killed to a new reading of each instrument", fresh - began)


def test_a_cut_network_loses_nothing(lab: Lab) -> None:
    instruments = lab.instruments()
    lab.hosts("link", "pi", "down")
    began = time.time()
    time.sleep(CUT_S)
    behind = {name: began - stamp for name, stamp in lab.newest().items()}
    lab.hosts("link", "pi", "up")
    back = time.time()
    assert all(late > -CUT_S / 2 for late in behind.values()), "the network was not cut"
    lab.await_fresh(back, 90)
    wait(
        lambda: max(one["age_s"] for one in lab.backlog()["instruments"].values()) < 10,
        90,
        "the backlog to go",
    )
    note(f"network back after {CUT_S} s to an empty backlog", time.time() - back)
    rows = lab.query(
        f'from(bucket: "raw") |> range(start: {int(began)}, stop: {int(began) + CUT_S})'
        ' |> filter(fn: (r) => r._measurement != "collector" and exists r.instrument)'
        ' |> keep(columns: ["_time", "instrument"]) |> group(columns: ["instrument"])'
        ' |> unique(column: "_time") |> map(fn: (r) => ({r with n: 1})) |> sum(column: "n")'
    )
    heard = {row["instrument"]: int(row["n"]) for row in rows}
    assert set(heard) >= set(instruments)
    assert all(count > CUT_S / 4 for count in heard.values()), heard


def test_the_pi_reboots(lab: Lab) -> None:
    up = lab.reboot("pi")
    fresh = lab.await_fresh(up, 90)
    note("Pi rebooted: systemd up to the first new reading of each stored", fresh - up, goal=30)


def test_the_server_reboots(lab: Lab) -> None:
    up = lab.reboot("server")
    fresh = lab.await_fresh(up, 120)
    note("server rebooted: systemd up to new readings stored", fresh - up)


def test_tokens_are_rotated_without_a_gap(lab: Lab) -> None:
    old = lab.run("pi", "cat /etc/soclab/credentials/influxdb_token").strip()
    subprocess.run([ROOT / "scripts/renew-passwords", lab.vault], check=True)
    lab.play("ansible/ops/rotate_secrets.yml")
    new = lab.run("pi", "cat /etc/soclab/credentials/influxdb_token").strip()
    assert old != new
    assert lab.write_status(new) == 204
    assert lab.write_status(old) == 401, "the old token still works"
    lab.await_fresh(time.time())


def _version(lab: Lab) -> str:
    return lab.run(
        "pi",
        f"{VENV}/bin/python -c 'import importlib.metadata as m;"
        ' print(m.version("soclab-collectors"))\'',
    ).strip()


def _next_release(folder: Path, version: str) -> Path:
    """Return a checkout in which the collectors have another version."""
    for name in ("collectors", "services", "simulators", "flux"):
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
    for name in ("pyproject.toml", "uv.lock", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    project = folder / "collectors/pyproject.toml"
    project.write_text(
        re.sub(r'(?m)^version = ".*"$', f'version = "{version}"', project.read_text())
    )
    lock = folder / "uv.lock"
    lock.write_text(
        re.sub(
            r'(name = "soclab-collectors"\nversion = )".*"', rf'\g<1>"{version}"', lock.read_text()
        )
    )
    return folder


def test_an_upgrade(lab: Lab, tmp_path: Path) -> None:
    release = _next_release(tmp_path, "0.99.1")
    lab.play("ansible/ops/upgrade.yml", "-e", f"venv_repository={release}")
    assert _version(lab) == "0.99.1"
    lab.await_fresh(time.time())


def test_an_upgrade_that_fails_is_taken_back(lab: Lab, tmp_path: Path) -> None:
    release = _next_release(tmp_path, "0.99.2")
    program = release / "collectors/soclab_collectors/uploader/run.py"
    program.write_text(
        program.read_text() + "\n\nraise SystemExit('a release that does not run')\n"
    )
    played = lab.play("ansible/ops/upgrade.yml", "-e", f"venv_repository={release}", check=False)
    assert played.code != 0
    assert "runs as before" in " ".join(played.output.split()), played.tail()
    assert _version(lab) == "0.99.1"
    lab.await_fresh(time.time())


def test_a_backup_brings_a_fresh_server_back(lab: Lab) -> None:
    backups = lab.folder / "backups"
    lab.play("ansible/ops/backup.yml", "-e", f"backup_fetch_to={backups}")
    (fetched,) = backups.glob("*.tar")
    time.sleep(20)  # readings that only the Pi's archive will have
    lost = time.time()
    lab.hosts("down", "server")
    lab.hosts("up", "server", lab.address("server"))
    wait(lambda: lab.run("server", "true") == "", 60, "the fresh server")
    assert lab.run("server", "ls /etc/soclab 2>/dev/null | wc -l").strip() == "0", "it is not fresh"
    grafana_double.install(lab.login("server"))
    began = time.time()
    lab.play(
        "ansible/ops/restore.yml", "-e", "restore_confirm=yes", "-e", f"restore_backup={fetched}"
    )
    fresh = lab.await_fresh(time.time(), 120)
    note("server lost to readings stored by a fresh one", fresh - lost)
    note("of which restore.yml and the wait for readings", fresh - began)


def test_nothing_was_lost(lab: Lab) -> None:
    lab.run("pi", "systemctl stop 'soclab-collector@*'")
    wait(
        lambda: all(
            one["bytes"] == 0
            for name, one in lab.backlog()["instruments"].items()
            if name != "uploader"
        ),
        120,
        "the spool to be empty",
    )
    lab.run("pi", "systemctl stop soclab-uploader")
    on_pi, in_database = measured(lab), stored(lab)
    on_pi = {
        point: value for point, value in on_pi.items() if "instrument=uploader-" not in point[0]
    }
    lost = [point for point in on_pi if point not in in_database]
    wrong = [
        p for p, value in on_pi.items() if p in in_database and not same(value, in_database[p])
    ]
    note("readings compared one by one", len(on_pi), "")
    assert len(on_pi) > 1000
    assert not lost, f"{len(lost)} of {len(on_pi)} points are lost, such as {lost[:5]}"
    assert not wrong, f"{len(wrong)} values differ, such as {wrong[:5]}"
    quarantined = lab.backlog()["quarantine"]
    assert not any(quarantined.values()), quarantined
    lab.run("pi", "systemctl start soclab-uploader 'soclab-collector@*' --all")


def test_a_pi_leaves_the_lab(lab: Lab) -> None:
    token = lab.run("pi", "cat /etc/soclab/credentials/influxdb_token").strip()
    played = lab.play("ansible/ops/decommission.yml", "--limit", "pi", check=False)
    assert played.code != 0
    assert "-e decommission_confirm=pi" in " ".join(played.output.split())
    lab.play("ansible/ops/decommission.yml", "--limit", "pi", "-e", "decommission_confirm=pi")
    assert lab.run("pi", "ls -d /etc/soclab /opt/soclab 2>/dev/null | wc -l").strip() == "0"
    assert lab.run("pi", "systemctl list-units --no-legend 'soclab-*' | wc -l").strip() == "0"
    found = lab.query('from(bucket: "raw") |> range(start: -1d) |> count() |> group() |> sum()')
    assert int(found[0]["_value"]) > 1000, "its data is gone"
    rows = lab.authorizations()
    assert token not in {row["token"] for row in rows}
    assert not any(row["description"].startswith("pi-pi") for row in rows)
