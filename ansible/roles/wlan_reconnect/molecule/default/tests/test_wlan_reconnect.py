"""What the Pi did while it was cut off, and what it does about a server that is away."""

import json
import os
import re
import time

import pytest
from testinfra.utils.ansible_runner import AnsibleRunner

RUNNER = AnsibleRunner(os.environ["MOLECULE_INVENTORY_FILE"])
UNIT = "soclab-wlan-reconnect.service"
PROGRAM = "/opt/soclab/collectors/bin/soclab-wlan-reconnect"
WHOLE_LADDER_S = 20  # wlan_reconnect_reboot_after_s in molecule.yml


@pytest.fixture
def pi():
    return RUNNER.get_host("pi")


@pytest.fixture
def server():
    return RUNNER.get_host("server")


def journal(pi):
    """Return (priority, message) of all that the program said."""
    said = "--identifier soclab-wlan-reconnect --output json"
    entries = pi.check_output(f"journalctl --unit {UNIT} {said}")
    found = [json.loads(line) for line in entries.splitlines()]
    return [(int(e["PRIORITY"]), e["MESSAGE"]) for e in found]


def asked(pi):
    """Return what nmcli was asked to do."""
    return pi.check_output("journalctl --identifier nmcli --output cat").splitlines()


def found_nothing_to_repair(pi):
    """Return how often it said so."""
    return sum("nothing to repair here" in text for _, text in journal(pi))


def spooled(pi, measurement):
    lines = pi.check_output("cat /var/lib/soclab/spool/wlan/*").splitlines()
    return [line for line in lines if line.startswith(f"{measurement},instrument=wlan-")]


def show(pi, name):
    return pi.check_output(f"systemctl show --property {name} --value {UNIT}")


def test_it_went_up_the_ladder_while_the_cable_was_out(pi):
    assert asked(pi)[:4] == [
        "radio wifi on",
        "--wait 45 device connect eth0",
        "--wait 15 device disconnect eth0",
        "--wait 45 device connect eth0",
    ]
    restarts = pi.check_output(
        "journalctl --unit NetworkManager.service --output cat --grep ^Started"
    )
    assert len(restarts.splitlines()) >= 2
    assert pi.run("ip route show default").stdout, "the interface was restarted, its route is gone"


def test_every_step_is_an_event_with_its_level(pi):
    events = [(level, text) for level, text in journal(pi) if text.startswith("eth0")]
    steps = [re.sub(r" for \d+ s", "", text).rpartition(": ")[2] for _, text in events]
    assert steps[:4] == [
        "the link of eth0 is down",
        "reconnect",
        "restart the interface",
        "restart the service",
    ]
    assert {level for level, _ in events[:4]} == {4}
    assert any("works again" in text and level == 6 for level, text in events)


def test_it_did_not_reboot_a_young_boot(pi):
    withheld = [text for _, text in journal(pi) if "no reboot yet" in text]
    assert withheld
    assert withheld[0].endswith("this boot must be 3600 s old; beginning anew")


def test_events_and_rows_wait_for_the_uploader(pi):
    events = spooled(pi, "event")
    assert re.fullmatch(
        r'event,instrument=wlan-[^,]+,kind=wlan,site=lab text="eth0 is in trouble: .*" \d+',
        events[0],
    )
    rows = spooled(pi, "collector")
    assert {re.search(r"\bup=([01])\.0", row)[1] for row in rows} == {"0", "1"}


def test_the_uploader_may_take_what_is_in_the_spool(pi):
    folder = pi.file("/var/lib/soclab/spool/wlan")
    assert (folder.group, oct(folder.mode)) == ("soclab", "0o2770")
    modes = set(pi.check_output("stat --format '%G %A' /var/lib/soclab/spool/wlan/*").split("\n"))
    assert modes == {"soclab -rw-rw----"}


def test_a_server_that_is_away_touches_nothing(pi, server):
    before, said = asked(pi), found_nothing_to_repair(pi)
    server.run_expect([0], "systemctl stop listener")
    deadline = time.monotonic() + 60
    while found_nothing_to_repair(pi) == said:
        assert time.monotonic() < deadline, journal(pi)
        time.sleep(0.5)
    time.sleep(WHOLE_LADDER_S + 2)
    seen = json.loads(pi.run(f"{PROGRAM} probe --json").stdout)
    server.run_expect([0], "systemctl start listener")
    assert asked(pi) == before
    assert seen["path"] == "the network works, the server does not answer"


def test_a_killed_program_is_back_soon(pi):
    killed = show(pi, "MainPID")
    pi.run_expect([0], f"kill -KILL {killed}")
    pi.run_expect([0], f"timeout 20 sh -c 'until systemctl is-active {UNIT}; do sleep 0.2; done'")
    assert show(pi, "MainPID") not in (killed, "0")


def test_the_unit_may_do_little_else(pi):
    scored = json.loads(pi.check_output(f"systemd-analyze security --json=short {UNIT}"))
    assert scored, "no assessment"
    overall = pi.check_output(f"systemd-analyze security --no-pager {UNIT} | tail -n 1")
    assert float(re.search(r"([0-9.]+) \w+", overall.partition(":")[2])[1]) <= 2.0, overall


def test_it_keeps_within_its_memory(pi):
    assert int(show(pi, "MemoryMax")) == 64 << 20
    used = pi.check_output(f"ps -o rss= -p {show(pi, 'MainPID')}")
    assert int(used) < 48 << 10


def test_a_host_without_the_interface_has_no_unit(server):
    assert server.check_output(f"systemctl show --property LoadState --value {UNIT}") == "not-found"
    assert not server.file("/etc/soclab/wlan.toml").exists
    server.run_expect([0], "! pgrep -x sleep")
