"""What a look at the network leads to: commands, events, rows; no command is really run."""

import logging
import os
import re
import time
from collections import deque

import pytest
from soclab_collectors.wlan import commands as commands_module
from soclab_collectors.wlan import memory
from soclab_collectors.wlan.backends import commands, detect
from soclab_collectors.wlan.commands import NOT_RUN, TIMED_OUT, Result, run
from soclab_collectors.wlan.config import WlanConfig
from soclab_collectors.wlan.ladder import Step
from soclab_collectors.wlan.memory import Memory
from soclab_collectors.wlan.observe import Path, Seen
from soclab_collectors.wlan.report import Reporter
from soclab_collectors.wlan.watch import Watch

from tests.unit.wlan.fakes import Machine, Spool

NOTHING = Seen(Path.NOTHING, "the link of wlan0 is down")
NETWORK = Seen(Path.NETWORK, "server.lab:8086: Connection refused")
SERVER = Seen(Path.SERVER, connect_s=0.01)


class Lab:
    """A watch with everything around it replaced, and a boot of which we say how old it is."""

    def __init__(self, tmp_path, **settings):
        self.machine, self.spool, self.age_s = Machine(), Spool(), 7200.0
        self.seen = deque([SERVER])
        self._settings = {"site": "lab", "server_url": "https://server.lab:8086", **settings}
        self._memory = tmp_path / "wlan"
        self.start()

    def start(self):
        self.watch = Watch(
            WlanConfig(**self._settings),
            self,
            self.machine.run,
            Memory(self._memory),
            Reporter("lab", self.spool),
            lambda: self.age_s,
        )

    def look(self):
        return self.seen[0]

    def for_(self, seen, seconds, every_s=30):
        self.seen[0] = seen
        for _ in range(int(seconds / every_s)):
            self.watch.check()
            self.age_s += every_s


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


def test_the_ladder_is_climbed_with_networkmanager(lab):
    lab.for_(NOTHING, 1200 + 30)
    assert lab.machine.done == [
        "nmcli radio wifi on",
        "nmcli --wait 45 device connect wlan0",
        "nmcli --wait 15 device disconnect wlan0",
        "ip link set wlan0 down",
        "ip link set wlan0 up",
        "nmcli --wait 45 device connect wlan0",
        "systemctl try-restart wpa_supplicant.service",
        "systemctl restart NetworkManager.service",
        "systemctl reboot",
    ]


def test_every_step_is_an_event_in_the_journal_and_in_the_data(lab, caplog):
    caplog.set_level(logging.INFO)
    lab.for_(NOTHING, 210)
    lab.for_(SERVER, 30)
    texts = [
        "wlan0 is in trouble: the link of wlan0 is down",
        "wlan0 in trouble for 60 s (the link of wlan0 is down): reconnect",
        "wlan0 in trouble for 180 s (the link of wlan0 is down): restart the interface",
        "wlan0 works again after 210 s",
    ]
    assert lab.spool.events() == texts
    assert [r.message for r in caplog.records if r.levelno >= logging.INFO] == texts
    assert [r.levelname for r in caplog.records] == ["WARNING"] * 3 + ["INFO"]
    first, *_, last = lab.spool.rows()
    assert re.search(r"up=0\.0,.*errors_total=1\.0,repairs_total=0\.0", first)
    assert re.search(r"up=1\.0,.*errors_total=7\.0,repairs_total=2\.0", last)


def test_a_dead_server_is_nobodys_fault_here(lab):
    lab.for_(NETWORK, 100 * 3600)
    lab.for_(SERVER, 60)
    assert lab.machine.done == []
    assert lab.spool.events() == [
        "server.lab:8086: Connection refused; wlan0 works, so there is nothing to repair here",
        "server.lab:8086 answers again",
    ]


def test_a_dead_server_behind_a_repaired_network_ends_the_repair(lab):
    lab.for_(NOTHING, 100)
    lab.for_(NETWORK, 3600)
    assert len(lab.machine.done) == 2


def test_a_reboot_is_remembered_and_reported(lab, caplog, monkeypatch):
    lab.for_(NOTHING, 1230)
    assert lab.machine.done[-1] == "systemctl reboot"
    assert any(r.levelname == "ERROR" and r.message.endswith(": reboot") for r in caplog.records)
    monkeypatch.setattr(memory, "boot_id", lambda: "the next boot")
    lab.age_s = 40.0
    lab.start()
    lab.for_(NOTHING, 2 * 3600 - 60)
    assert lab.machine.done.count("systemctl reboot") == 1, "the second must wait for two hours"
    assert any(
        e.endswith("this boot must be 7200 s old; beginning anew") for e in lab.spool.events()
    )
    lab.for_(NOTHING, 1300)
    assert lab.machine.done.count("systemctl reboot") == 2
    lab.age_s = 40.0
    lab.start()
    lab.for_(SERVER, 60)
    assert lab.spool.events()[-1] == "wlan0 works after 2 reboot(s)"
    lab.start()
    lab.for_(SERVER, 60)
    assert lab.spool.events()[-1] == "wlan0 works after 2 reboot(s)", "said once"


def test_a_reboot_that_fails_is_tried_again_an_hour_later_at_the_earliest(lab):
    lab.for_(NOTHING, 1230)
    lab.start()  # the program is restarted within the same boot
    lab.for_(NOTHING, 3500)
    assert lab.machine.done.count("systemctl reboot") == 1


def test_reboots_can_be_forbidden(tmp_path):
    lab = Lab(tmp_path, reboot=False)
    lab.for_(NOTHING, 5 * 3600)
    assert "systemctl reboot" not in lab.machine.done
    assert any("reboot = false" in event for event in lab.spool.events())


def test_a_failing_command_does_not_end_the_step(lab, caplog):
    lab.machine.codes["nmcli"] = 10
    lab.machine.codes["systemctl is-enabled --quiet NetworkManager.service"] = 0
    lab.machine.codes["systemctl is-active"] = 3
    lab.for_(NOTHING, 90)
    assert lab.machine.done == ["nmcli radio wifi on", "nmcli --wait 45 device connect wlan0"]
    assert "nmcli --wait 45 device connect wlan0: exit 10: it said so" in caplog.text


def test_an_interface_that_nobody_manages_is_reported(lab):
    lab.machine.codes |= {"nmcli": NOT_RUN, "systemctl is-": 3}
    lab.for_(NOTHING, 90)
    assert lab.machine.done == []
    assert lab.spool.events()[-1] == (
        "cannot reconnect: neither NetworkManager nor dhcpcd manages wlan0"
    )


@pytest.mark.parametrize(
    ("codes", "nmcli_says", "expected"),
    [
        ({}, "100 (connected)", "networkmanager"),
        ({}, "30 (disconnected)", "networkmanager"),
        ({}, "10 (unmanaged)", "dhcpcd"),
        ({"nmcli": NOT_RUN}, "", "dhcpcd"),
        ({"nmcli": 8, "systemctl is-active": 3}, "", "networkmanager"),  # it has crashed
        ({"nmcli": NOT_RUN, "systemctl is-active": 3,
          "systemctl is-enabled --quiet NetworkManager": 4}, "", "dhcpcd"),
        ({"nmcli": NOT_RUN, "systemctl is-": 3}, "", None),
    ],
)  # fmt: skip
def test_who_manages_the_interface(codes, nmcli_says, expected):
    machine = Machine(codes, nmcli_says)
    assert detect("wlan0", machine.run) == expected


def test_the_steps_with_dhcpcd():
    def of(step):
        return [" ".join(command) for command in commands("dhcpcd", step, "wlan1")]

    assert of(Step.RECONNECT) == [
        "wpa_cli -s /run/soclab-wlan -i wlan1 reassociate",
        "dhcpcd --rebind wlan1",
    ]
    assert of(Step.RESTART_INTERFACE)[:2] == ["ip link set wlan1 down", "ip link set wlan1 up"]
    assert of(Step.RESTART_SERVICE)[-1] == "systemctl restart dhcpcd.service"
    assert of(Step.REBOOT) == ["systemctl reboot"]


def test_programs_are_taken_from_the_path_and_speak_english(tmp_path, monkeypatch):
    fake = tmp_path / "nmcli"
    fake.write_text('#!/bin/sh\necho "$LC_ALL $*"; echo wrong >&2; exit 3\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert run(["nmcli", "device", "show"]) == Result(3, "C device show\n", "wrong\n")


def test_a_missing_program_is_a_result():
    assert run(["no-such-program"]).code == NOT_RUN


def test_a_hanging_program_is_ended(monkeypatch):
    monkeypatch.setattr(commands_module, "TIMEOUT_S", 0.2)
    started = time.monotonic()
    assert run(["sleep", "60"]).code == TIMED_OUT
    assert time.monotonic() - started < 10
