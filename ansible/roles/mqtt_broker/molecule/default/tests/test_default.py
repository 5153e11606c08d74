"""The broker as its clients and an intruder see it."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.backend.base import CommandResult
    from testinfra.host import Host

AUTHORITY = "/etc/soclab/tls/authority.crt"
PASSWORDS = {
    "node1": "node1-secret-K9f2mQx7",
    "node2": "node2-secret-T4w8zLp3",
    "collector": 'collector-secret "ü:$7$ Y6r1',
    "leaver": "leaver-secret-B5n3vCd8",
}
CHANGED = "node2-changed-R7d2kWq9"  # by side_effect.yml, on mqtt13


def tls(user: str, password: str | None = None, authority: str = AUTHORITY) -> str:
    """Return the arguments of a client that connects as ``user``."""
    login = shlex.join(["-u", user, "-P", password or PASSWORDS[user]]) if user else ""
    return f"-h localhost -p 8883 --cafile {authority} {login}"


def publish(host: Host, login: str, topic: str, text: str, more: str = "-r") -> CommandResult:
    return host.run(f"mosquitto_pub {login} -q 1 -t {topic} -m {shlex.quote(text)} {more}")


def retained(host: Host, login: str, topic: str, count: int = 1, wait_s: int = 20) -> list[str]:
    """Return what a new subscriber gets at once, as lines of topic and text."""
    answer = host.run(f"mosquitto_sub {login} -t {shlex.quote(topic)} -C {count} -W {wait_s} -v")
    return answer.stdout.splitlines()


def wait_for(host: Host, command: str, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while host.run(command).rc:
        if time.monotonic() > deadline:
            pytest.fail(f"{command}\n{host.run('journalctl -n 40 -u mosquitto').stdout}")
        time.sleep(0.3)


def is_mqtt13(host: Host) -> bool:
    return host.check_output("hostname") == "mqtt13"


def test_a_message_goes_from_a_node_to_the_collector_over_tls(host: Host) -> None:
    sent = f"3.31 {time.time()}"
    assert publish(host, tls("node1"), "nodes/node1/voltage", sent).rc == 0
    assert retained(host, tls("collector"), "nodes/node1/#") == [f"nodes/node1/voltage {sent}"]


@pytest.mark.parametrize(
    "login",
    [tls("node1", "node1-secret-K9f2mQx8"), tls("nobody", "nobody-secret-1234"), tls("")],
    ids=["wrong password", "unknown user", "anonymous"],
)
def test_who_is_not_known_is_refused(host: Host, login: str) -> None:
    answer = publish(host, login, "nodes/node1/voltage", "intruder")
    assert answer.rc != 0
    assert "not authori" in (answer.stdout + answer.stderr).lower()


def test_only_the_lab_s_authority_vouches_for_the_server(host: Host) -> None:
    connect = "openssl s_client -connect localhost:8883 -verify_return_error </dev/null -CAfile "
    assert host.run(f"{connect} {AUTHORITY} -verify_hostname localhost").rc == 0
    assert host.run(f"{connect} {AUTHORITY} -verify_hostname example.org").rc != 0
    public = "/etc/ssl/certs/ca-certificates.crt"
    assert host.run(f"{connect} {public}").rc != 0
    assert publish(host, tls("node1", authority=public), "nodes/node1/x", "y").rc != 0


def test_old_tls_is_refused(host: Host) -> None:
    answer = host.run(
        "openssl s_client -connect localhost:8883 -tls1_1 -cipher ALL:@SECLEVEL=0 </dev/null"
    )
    assert answer.rc != 0
    assert "alert protocol version" in answer.stderr


def test_a_topic_of_another_user_is_neither_read_nor_written(host: Host) -> None:
    publish(host, tls("node1"), "nodes/node1/private", "of node1")
    publish(host, tls("collector"), "shared/notes", "for all")
    password = CHANGED if is_mqtt13(host) else None
    everything = retained(host, tls("node2", password), "#", count=2, wait_s=6)
    assert everything == ["shared/notes for all"]
    # A broker answers a forbidden message as a permitted one: what counts is what is stored.
    publish(host, tls("node2", password), "nodes/node1/private", "of node2")
    publish(host, tls("node2", password), "shared/notes", "of node2")
    assert retained(host, tls("node1"), "nodes/node1/private") == ["nodes/node1/private of node1"]
    assert retained(host, tls("node2", password), "shared/notes") == ["shared/notes for all"]


def test_a_pattern_gives_each_user_a_topic_of_its_own(host: Host) -> None:
    publish(host, tls("node1"), "own/node1/x", "mine")
    publish(host, tls("node1"), "own/collector/x", "not mine")
    assert retained(host, tls("node1"), "own/node1/#") == ["own/node1/x mine"]
    assert retained(host, tls("collector"), "own/collector/#", wait_s=2) == []


def test_users_changed_without_a_restart(host: Host) -> None:
    if not is_mqtt13(host):  # side_effect.yml changed users only there
        assert publish(host, tls("leaver"), "nodes/x", "", "-r").rc == 0
        return
    assert publish(host, tls("leaver"), "nodes/x", "").rc != 0
    assert publish(host, tls("node2"), "nodes/node2/x", "").rc != 0
    assert publish(host, tls("node2", CHANGED), "nodes/node2/x", "").rc == 0


def test_plain_mqtt_only_on_loopback_and_only_if_asked(host: Host) -> None:
    listening = host.check_output("ss -Hltn '( sport = :1883 )' | awk '{print $4}'").split()
    assert listening == (["127.0.0.1:1883"] if is_mqtt13(host) else [])
    if is_mqtt13(host):
        assert host.run("mosquitto_pub -h 127.0.0.1 -t nodes/node1/x -m anonymous").rc != 0


@pytest.mark.parametrize(("size", "arrives"), [(250_000, True), (270_000, False)])
def test_packets_up_to_the_limit_arrive(host: Host, size: int, arrives: bool) -> None:
    host.run(f"head -c {size} /dev/zero | tr '\\0' x > /tmp/large")
    publish(host, tls("node1"), "nodes/node1/large", "")
    send = f"mosquitto_pub {tls('node1')} -q 1 -t nodes/node1/large -r -f /tmp/large"
    host.run(f"{send} || true")  # it exits with 255, which testinfra takes for ssh's
    wait_s = 20 if arrives else 3
    assert bool(retained(host, tls("collector"), "nodes/node1/large", wait_s=wait_s)) is arrives


@pytest.mark.parametrize("how", ["systemctl restart mosquitto", "pkill -9 -x mosquitto"])
def test_a_retained_message_survives(host: Host, how: str) -> None:
    sent = f"{how} {time.time()}"
    assert publish(host, tls("node1"), "nodes/node1/kept", sent).rc == 0
    if "-9" in how:
        host.check_output("touch /tmp/published")  # mqtt_broker_autosave_s is 2 here
        wait_for(host, "find /var/lib/mosquitto/*.db -newer /tmp/published | grep -q .")
    before = host.check_output("systemctl show -p MainPID --value mosquitto")
    assert host.run(how).rc == 0
    wait_for(host, f"test $(systemctl show -p MainPID --value mosquitto) -gt {before}")
    wait_for(host, "ss -Hltn '( sport = :8883 )' | grep -q .")
    assert retained(host, tls("collector"), "nodes/node1/kept") == [f"nodes/node1/kept {sent}"]


def test_a_renewed_certificate_is_loaded_and_nobody_disconnected(host: Host) -> None:
    pid = host.check_output("systemctl show -p MainPID --value mosquitto")
    served = (
        "openssl s_client -connect localhost:8883 </dev/null 2>/dev/null"
        " | openssl x509 -noout -serial"
    )
    before = host.check_output(served)
    assert (
        host.run(
            "cd /etc/soclab/tls && openssl x509 -req -in server.csr -CA authority.crt"
            " -CAkey authority.key -CAcreateserial -days 30 -extfile server.ext -out new.crt"
            " && chmod 644 new.crt && mv new.crt server.crt"
        ).rc
        == 0
    )
    wait_for(host, f"test \"$({served})\" != '{before}'")
    assert host.check_output("systemctl show -p MainPID --value mosquitto") == pid
    assert publish(host, tls("node1"), "nodes/node1/voltage", "after").rc == 0


@pytest.mark.parametrize("unit", ["mosquitto.service", "soclab-mosquitto-certificate.service"])
def test_units_are_hardened(host: Host, unit: str) -> None:
    answer = host.run(f"systemd-analyze security --no-pager --threshold=20 {unit}")
    assert answer.rc == 0, answer.stdout


def test_the_broker_never_is_root_and_has_no_capability(host: Host) -> None:
    pid = host.check_output("systemctl show -p MainPID --value mosquitto")
    status = host.check_output(f"cat /proc/{pid}/status")
    user = host.check_output("id -u mosquitto")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert set(fields["Uid"].split()) == {user}
    assert int(fields["CapPrm"], 16) == int(fields["CapBnd"], 16) == 0


def test_no_password_is_anywhere(host: Host) -> None:
    for password in [*PASSWORDS.values(), CHANGED]:
        quoted = shlex.quote(password)
        # -e: grep itself has the password on its command line, in its own process only.
        assert host.run(f"grep -rlF -D skip -e {quoted} /etc /var/lib /var/log /run").stdout == ""
        for command in ("journalctl --no-pager", "systemctl show mosquitto"):
            assert password not in host.check_output(command)
    # the hashes are for the broker alone
    assert host.run("setpriv --reuid=nobody cat /etc/mosquitto/soclab.passwords").rc != 0
