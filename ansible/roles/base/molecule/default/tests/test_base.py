"""What the hosts really do: seen from the other one, from the outside, and after a reboot."""

import json
import os
import time

import pytest
from testinfra.utils.ansible_runner import AnsibleRunner

RUNNER = AnsibleRunner(os.environ["MOLECULE_INVENTORY_FILE"])
# One process listens on all of these for the whole run.
LISTEN = """
import selectors, socket
ports = selectors.DefaultSelector()
for port in (8080, 8081, 8082, 8083):
    one = socket.create_server(("", port))
    ports.register(one, selectors.EVENT_READ)
while True:
    for key, _ in ports.select():
        key.fileobj.accept()[0].close()
"""


@pytest.fixture(scope="module")
def pi():
    return RUNNER.get_host("pi")


@pytest.fixture(scope="module")
def server():
    return RUNNER.get_host("server")


@pytest.fixture(scope="module")
def listening(pi):
    """Return the Pi's address, while it listens on some ports."""
    unit = "systemd-run --quiet --collect --unit=listener"
    pi.run_expect([0], f"{unit} python3 -c '{LISTEN}'")
    ready = "ss -Hltn sport = :8083 | grep -q ."
    pi.run_expect([0], f"timeout 20 sh -c 'until {ready}; do sleep 0.1; done'")
    yield RUNNER.get_variables("pi")["ansible_host"]
    pi.run_expect([0], "systemctl stop listener")


def reaches(host, address, port):
    return host.run(f"timeout 2 bash -c '</dev/tcp/{address}/{port}'").rc == 0


@pytest.mark.parametrize(
    ("port", "open_"),
    [(22, True), (8080, True), (8081, True), (8082, False), (8083, False)],
    ids=["ssh", "open to all", "open to the lab", "open to others", "not named"],
)
def test_the_firewall_lets_in_what_it_should(pi, server, listening, port, open_):
    assert reaches(pi, "127.0.0.1", port), "nothing listens, so the firewall is not tested"
    assert reaches(server, listening, port) is open_


def test_pings_are_answered(server, listening):
    server.run_expect([0], f"ping -c1 -W2 {listening}")


def test_the_pi_takes_its_time_from_the_server(pi):
    end = time.monotonic() + 30
    chosen = []
    while time.monotonic() < end and not chosen:
        sources = pi.check_output("chronyc -n -c sources").splitlines()
        chosen = [row.split(",")[2] for row in sources if row.split(",")[1] == "*"]
    assert chosen == [RUNNER.get_variables("server")["ansible_host"]]
    assert [row.split(",")[2] for row in sources] == chosen, "asks others as well"


def test_the_kernel_is_told_that_the_clock_is_right(pi):
    assert "rtcsync" in pi.check_output("chronyd -p").splitlines()


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_sshd_takes_no_password(server, listening, method):
    asked = server.check_output(  # exit code 255 would be taken for testinfra's own ssh
        f"! ssh -v -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes"
        f" -o PreferredAuthentications={method} somebody@{listening} 2>&1"
    )
    assert "Authentications that can continue: publickey\n" in asked.replace("\r", "")


def test_the_journal_stays_within_its_limit(pi):
    """The side effect has written twice as much as it may hold."""
    started = pi.check_output(
        "journalctl --output json --output-fields LIMIT,JOURNAL_PATH"
        " MESSAGE_ID=ec387f577b844b8fa948f33cad9a75e6"
    )
    kept = [json.loads(line) for line in started.splitlines()]
    persistent = [m for m in kept if m["JOURNAL_PATH"].startswith("/var/log/journal")]
    assert int(persistent[-1]["LIMIT"]) == 24 << 20
    used = int(pi.check_output("du --summarize --bytes /var/log/journal").split()[0])
    assert 8 << 20 < used <= 24 << 20


def test_the_journal_outlives_a_reboot(pi):
    assert len(json.loads(pi.check_output("journalctl --list-boots --output json"))) >= 2


def test_only_security_upgrades_come_by_themselves(host):
    said = host.run_expect([0], "unattended-upgrade --dry-run --debug").stdout
    allowed = next(line for line in said.splitlines() if "Allowed origins" in line)
    codename = host.check_output(". /etc/os-release; echo $VERSION_CODENAME")
    assert f"codename={codename}-security,label=Debian-Security" in allowed
    assert f"codename={codename},label=Debian" not in allowed
    assert "label=Debian," not in allowed
    dump = host.check_output("apt-config dump APT::Periodic")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in dump


def test_tmp_is_in_memory(pi):
    """A guest has a /tmp in memory anyway, so that one has to go first."""
    assert pi.check_output("systemctl is-enabled tmp.mount") == "enabled"
    pi.run_expect([0], "umount --lazy /tmp && systemctl start tmp.mount")
    mounted = pi.check_output("findmnt --json --mountpoint /tmp --output FSTYPE,OPTIONS")
    found = json.loads(mounted)["filesystems"][-1]
    assert found["fstype"] == "tmpfs"
    assert "nr_inodes=1048576" in found["options"]


def test_the_root_file_system_keeps_no_access_times(pi):
    options = pi.check_output("findmnt --fstab --noheadings --output OPTIONS /")
    assert options == "defaults,commit=30,noatime"


def test_the_watchdog_is_fed_where_it_should_be(pi, server):
    show = "systemctl show --property RuntimeWatchdogUSec --value"
    assert pi.check_output(show) == "15s"
    assert server.check_output(show) in ("0", "infinity")  # this one has no device


def test_names_and_time_zones(pi, server):
    assert pi.check_output("hostname") == "pi"
    assert server.check_output("hostname") == "bench-server"
    server.run_expect([0], "getent hosts bench-server")
    assert server.check_output("date -d @0 +%z") == "+0100"
    assert pi.check_output("date -d @0 +%z") == "+0000"


def test_nothing_failed(host):
    assert host.check_output("systemctl --failed --no-legend --plain") == ""
