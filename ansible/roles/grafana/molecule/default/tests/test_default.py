"""What the role makes of Grafana. The program behind it is a stand-in (../../double/grafana)."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

FIRST_PASSWORD = "admin-secret-%H4tq9${x}"
CHANGED_PASSWORD = "changed-secret-Lq8v2N"  # by side_effect.yml, on graf13
TOKEN = "read-token-Zk3vN8pQw5=="
OWN = Path(__file__).parents[6] / "grafana" / "alerting"
WEBHOOK = "https://discord.test/api/webhooks/1/webhook-secret-Jf7"


def name(host: Host) -> str:
    return host.check_output("hostname")


def password(host: Host) -> str:
    return CHANGED_PASSWORD if name(host) == "graf13" else FIRST_PASSWORD


def status(host: Host, path: str, login: str = "") -> int:
    user = f"-u {shlex.quote(login)}" if login else ""
    return int(
        host.check_output(f"curl -s -o /dev/null -w '%{{http_code}}' {user} 127.0.0.1:3000{path}")
    )


def ask(host: Host, path: str) -> Any:
    login = shlex.quote(f"admin:{password(host)}")
    return json.loads(host.check_output(f"curl -sf -u {login} 127.0.0.1:3000{path}"))


def wait_for(host: Host, command: str, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while host.run(command).rc:
        if time.monotonic() > deadline:
            pytest.fail(f"{command}\n{host.run('journalctl -n 40 -u grafana-server').stdout}")
        time.sleep(0.3)


def test_it_answers_on_loopback_only(host: Host) -> None:
    assert status(host, "/api/health") == 200
    listening = host.check_output("ss -Hltn '( sport = :3000 )' | awk '{print $4}'").split()
    assert listening == ["127.0.0.1:3000"]


def test_only_who_has_the_password_gets_in(host: Host) -> None:
    assert status(host, "/api/org") == 401  # anonymous, which the vendor's ini here allows
    assert status(host, "/api/org", "admin:admin") == 401
    assert status(host, "/api/org", f"admin:{password(host)}") == 200


def test_a_changed_password_replaces_the_old_one(host: Host) -> None:
    expected = 401 if name(host) == "graf13" else 200
    assert status(host, "/api/org", f"admin:{FIRST_PASSWORD}") == expected


def test_the_data_source_reaches_influxdb_with_token_and_authority(host: Host) -> None:
    (source,) = ask(host, "/api/datasources")
    assert (source["uid"], source["jsonData"]["version"]) == ("influxdb", "Flux")
    assert not source["jsonData"].get("tlsSkipVerify")
    answer = ask(host, "/api/datasources/uid/influxdb/health")
    assert answer == {"status": "OK", "message": "2 buckets"}


def test_dashboards_are_those_of_the_folder(host: Host) -> None:
    found = {entry["uid"]: entry["title"] for entry in ask(host, "/api/search")}
    if name(host) == "graf13":  # load and solar/mppt are gone, battery changed
        assert found == {"battery": "The battery, later"}


def test_rules_and_contact_points_that_are_gone_are_deleted(host: Host) -> None:
    rules = {rule["uid"] for rule in ask(host, "/api/v1/provisioning/alert-rules")}
    points = {point["uid"] for point in ask(host, "/api/v1/provisioning/contact-points")}
    assert ask(host, "/api/v1/provisioning/policies")["receiver"] == "discord"
    assert "discord" in points
    if name(host) == "graf13":  # hot left its group, dark and second left with their files
        assert rules == {"empty"}
        assert points == {"discord"}


def test_limits_of_the_inventory_are_in_the_files_and_all_else_is_as_committed(host: Host) -> None:
    if name(host) != "graf12":
        return
    there = {}
    for file in OWN.glob("*.yml"):
        deployed = host.file(f"/etc/soclab/grafana/provisioning/alerting/{file.name}")
        there[file.name] = deployed.content_string == file.read_text(encoding="utf-8")
    assert {file for file, same in there.items() if not same} == {"battery.yml"}
    wall = host.file("/etc/soclab/grafana/dashboards/soclab/overview.json").content_string
    assert wall == (OWN.parent / "dashboards/soclab/overview.json").read_text(encoding="utf-8")
    battery = host.file("/etc/soclab/grafana/provisioning/alerting/battery.yml").content_string
    assert battery.count('fire = (name) => if name == "lfp48" then 46.0 else 11.0') == 2
    uids = {rule["uid"] for rule in ask(host, "/api/v1/provisioning/alert-rules")}
    assert {"soclab-voltage-low", "soclab-watchdog"} <= uids


def test_alerts_go_to_the_vault_s_webhook_or_nowhere(host: Host) -> None:
    points = ask(host, "/api/v1/provisioning/contact-points")
    (discord,) = [point for point in points if point["uid"] == "discord"]
    without = "http://127.0.0.1:9/no-discord-webhook-is-set"
    assert discord["settings"]["url"] == (without if name(host) == "graf12" else WEBHOOK)


def test_the_pinned_series_is_installed_and_not_the_newest(host: Host) -> None:
    assert json.loads(host.check_output("curl -s 127.0.0.1:3000/api/health"))["version"] == "12.4.1"
    if name(host) != "graf13":
        return
    policy = host.check_output("apt-cache policy grafana")
    assert "Candidate: 12.4.1" in policy
    assert "13.0.0 -1" in policy
    assert "grafana" not in host.check_output("apt-get -s dist-upgrade")


def test_apt_trusts_one_key_and_only_for_that_repository(host: Host) -> None:
    if name(host) != "graf13":
        return
    keys = host.check_output("gpg --show-keys --with-colons /etc/apt/keyrings/grafana.gpg")
    fingerprint = host.check_output("cat /srv/packages/fingerprint")
    trusted = [line.split(":")[9] for line in keys.splitlines() if line.startswith("fpr:")]
    assert trusted == [fingerprint]
    offered = host.check_output("gpg --show-keys --with-colons /srv/packages/gpg.key")
    assert offered.count("\npub:") + offered.startswith("pub:") == 2


def test_the_archive_is_unpacked_once_and_root_s(host: Host) -> None:
    if name(host) != "graf12":
        return
    assert host.file("/opt/grafana/current/bin/grafana").user == "root"
    assert host.check_output("ls /opt/grafana").split()[-1] == "current"
    assert not host.file("/opt/grafana/download.tar.gz").exists


def test_another_key_or_a_missing_variable_left_nothing_behind(host: Host) -> None:
    if name(host) == "graf12":  # side_effect.yml tried there
        assert not host.file("/etc/apt/keyrings/grafana.gpg").exists
        assert not host.file("/etc/apt/sources.list.d/grafana.sources").exists


def test_it_comes_back_after_a_crash(host: Host) -> None:
    pid = host.check_output("systemctl show -p MainPID --value grafana-server")
    host.check_output(f"kill -9 {pid}")
    wait_for(host, f"test $(systemctl show -p MainPID --value grafana-server) -gt {pid}")
    wait_for(host, "curl -sf 127.0.0.1:3000/api/health")


def test_the_unit_is_hardened(host: Host) -> None:
    answer = host.run("systemd-analyze security --no-pager --threshold=20 grafana-server")
    assert answer.rc == 0, answer.stdout


def test_no_secret_is_where_others_can_read_it(host: Host) -> None:
    secrets = [FIRST_PASSWORD, CHANGED_PASSWORD, TOKEN, WEBHOOK]
    secrets.append(host.check_output("cat /etc/soclab/credentials/grafana_secret_key"))
    shown = host.check_output("systemctl show grafana-server; journalctl --no-pager; ps axww")
    as_nobody = "setpriv --reuid=nobody --regid=nogroup --clear-groups"
    for secret in secrets:
        assert secret not in shown
        found = host.run(
            f"{as_nobody} grep -rlF -D skip -e {shlex.quote(secret)} /etc /opt /var /run"
        )
        assert found.stdout == ""
    assert host.check_output("stat -c '%a %U' /etc/soclab/credentials") == "700 root"
    assert (
        host.check_output("find /etc/soclab/credentials -type f ! -perm 600 -o ! -user root") == ""
    )
