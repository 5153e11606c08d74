"""The proxy as a browser in the lab sees it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

AUTHORITIES = {
    "proxy12": "/etc/soclab/tls/authority.crt",
    "proxy13": "/etc/acme-double/root.crt",
}


def name(host: Host) -> str:
    return host.check_output("hostname")


def site(host: Host) -> str:
    return "lab.test" if name(host) == "proxy13" else name(host)


def curl(host: Host, path: str = "/", more: str = "") -> tuple[int, str]:
    """Ask over TLS, verified; return status and body."""
    where = site(host)
    answer = host.run(
        f"curl -s --cacert {AUTHORITIES[name(host)]} --resolve {where}:443:127.0.0.1"
        f" -w '\\n%{{http_code}}' {more} https://{where}{path}"
    )
    body, _, status = answer.stdout.rpartition("\n")
    return int(status), body


def wait_for(host: Host, command: str, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while host.run(command).rc:
        if time.monotonic() > deadline:
            pytest.fail(f"{command}\n{host.run('journalctl -n 40 -u caddy').stdout}")
        time.sleep(0.3)


def asked(host: Host, path: str) -> dict[str, Any]:
    status, body = curl(host, path)
    assert status == 200, body
    return dict(json.loads(body))


def test_grafana_answers_over_tls_and_learns_who_asked(host: Host) -> None:
    answer = asked(host, "/d/battery?from=now-1h")
    assert (answer["port"], answer["path"]) == (3000, "/d/battery?from=now-1h")
    headers = {key.lower(): value for key, value in answer["headers"].items()}
    assert headers["host"] == site(host)
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-for"] == "127.0.0.1"


def test_nobody_else_vouches_for_it(host: Host) -> None:
    more = "--cacert /etc/ssl/certs/ca-certificates.crt"
    assert curl(host, more=more)[0] == 0
    assert (
        host.run(
            f"curl -sv {more} --resolve {site(host)}:443:127.0.0.1 https://{site(host)}/"
            " 2>&1 | grep -q 'unable to get local issuer'"
        ).rc
        == 0
    )


def test_http_leads_to_https(host: Host) -> None:
    answer = host.check_output(
        f"curl -s -o /dev/null -w '%{{http_code}} %{{redirect_url}}'"
        f" --resolve {site(host)}:80:127.0.0.1 'http://{site(host)}/d/x?y=1'"
    )
    assert answer == f"308 https://{site(host)}/d/x?y=1"


def test_browsers_are_told_to_stay_with_https(host: Host) -> None:
    status, head = curl(host, more="-o /dev/null -D -")
    lines = [line.strip().lower() for line in head.splitlines()]
    assert "strict-transport-security: max-age=31536000" in lines
    assert "x-content-type-options: nosniff" in lines
    assert not [line for line in lines if line.startswith("server:") and "caddy" in line]
    assert status == 200


def test_routes(host: Host) -> None:
    if name(host) == "proxy13":
        assert asked(host, "/api/soclab/v1/soc")["port"] == 8300
        assert asked(host, "/api/soclab/v1/soc")["path"] == "/api/soclab/v1/soc"
    else:  # kept free, so that Grafana does not get what is meant for another program
        assert curl(host, "/api/soclab/v1/soc")[0] == 404
    assert asked(host, "/api/health")["port"] == 3000


def test_websockets_pass(host: Host) -> None:
    answer = host.check_output(f"websocket-probe {AUTHORITIES[name(host)]} {site(host)}")
    assert answer.split() == ["one", "two", "three"]


def test_a_program_that_is_down_is_said_to_be_and_comes_back(host: Host) -> None:
    host.check_output("systemctl stop upstream-double@3000")
    try:
        status, body = curl(host)
        assert status == 502
        assert "does not answer" in body
    finally:
        host.check_output("systemctl start upstream-double@3000")
    wait_for(host, "ss -Hltn 'sport = :3000' | grep -q .")
    assert curl(host)[0] == 200


def test_a_renewed_certificate_is_served_by_the_same_process(host: Host) -> None:
    if name(host) == "proxy13":
        assert host.run("systemctl is-active soclab-caddy-certificate.path").stdout == "inactive\n"
        return
    pid = host.check_output("systemctl show -p MainPID --value caddy")
    served = (
        "openssl s_client -connect localhost:443 </dev/null 2>/dev/null"
        " | openssl x509 -noout -serial"
    )
    before = host.check_output(served)
    assert before == host.check_output("openssl x509 -noout -serial -in /etc/soclab/tls/server.crt")
    host.check_output(
        "cd /etc/soclab/tls && openssl x509 -req -in server.csr -CA authority.crt"
        " -CAkey authority.key -CAcreateserial -days 30 -extfile server.ext -out new.crt"
        " && chmod 644 new.crt && mv new.crt server.crt"
    )
    wait_for(host, f"test \"$({served})\" != '{before}'")
    assert host.check_output("systemctl show -p MainPID --value caddy") == pid
    assert curl(host)[0] == 200


def test_a_certificate_that_does_not_fit_its_key_is_not_taken(host: Host) -> None:
    if name(host) == "proxy13":
        return
    pid = host.check_output("systemctl show -p MainPID --value caddy")
    host.check_output(
        "cd /etc/soclab/tls && cp -p server.crt good.crt && cp authority.crt server.crt"
    )
    try:
        wait_for(host, "systemctl is-failed soclab-caddy-certificate.service")
        assert curl(host)[0] == 200
    finally:
        host.check_output("cd /etc/soclab/tls && mv good.crt server.crt")
    wait_for(host, "! systemctl is-failed soclab-caddy-certificate.service")
    assert curl(host)[0] == 200
    assert host.check_output("systemctl show -p MainPID --value caddy") == pid


def test_it_comes_back_after_a_crash(host: Host) -> None:
    pid = host.check_output("systemctl show -p MainPID --value caddy")
    host.check_output(f"kill -9 {pid}")
    wait_for(host, f"test $(systemctl show -p MainPID --value caddy) -gt {pid}")
    wait_for(host, "ss -Hltn 'sport = :443' | grep -q .")
    assert curl(host)[0] == 200


def test_only_two_ports_and_no_door_for_administrators(host: Host) -> None:
    ports = host.check_output("ss -Hltnp | grep caddy | grep -v 14000 | awk '{print $4}'").split()
    assert {port.rsplit(":", 1)[1] for port in ports} == {"80", "443"}
    assert host.check_output("ss -Hlunp | grep caddy | grep -vc 14000 || true") == "0"
    ask = "curl -s --unix-socket /run/caddy/admin.sock http://localhost/config/"
    assert host.run(f"setpriv --reuid=nobody --clear-groups {ask}").rc != 0
    assert host.run(ask).rc == 0


def test_the_journal_has_who_asked_for_what_and_no_session(host: Host) -> None:
    mark = f"mark{time.time_ns()}"
    curl(host, f"/{mark}", "-H 'Cookie: grafana_session=secret-of-a-session'")
    wait_for(host, f"journalctl -u caddy --no-pager | grep -q {mark}")
    journal = host.check_output("journalctl -u caddy -o cat --no-pager")
    entry = next(json.loads(line) for line in journal.splitlines() if mark in line)
    assert entry["status"] == 200
    assert entry["request"]["remote_ip"] == "127.0.0.1"
    assert "secret-of-a-session" not in journal


@pytest.mark.parametrize("unit", ["caddy.service", "soclab-caddy-certificate.service"])
def test_units_are_hardened(host: Host, unit: str) -> None:
    answer = host.run(f"systemd-analyze security --no-pager --threshold=20 {unit}")
    assert answer.rc == 0, answer.stdout
