"""``soclab-wlan-reconnect`` in network namespaces, with the link really cut.

The Pi's namespace has ``wlan0``, one end of a cable; at the other end are the gateway and, behind
it, the server. ``nmcli`` and ``systemctl`` are scripts on PATH that write down what they are asked
and do as much of it as a namespace can.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pipeline.bench_lab import wait_until

PI_ADDRESS, GATEWAY, SERVER, PORT = "10.213.7.40", "10.213.7.1", "198.18.7.7", 8086
LISTEN = f"""
import socket
listener = socket.create_server(("{SERVER}", {PORT}))
while True:
    listener.accept()[0].close()
"""
# The kernel's usual times are for people: it doubts a silent neighbour only after half a minute.
NEIGHBOUR_TIMES = {
    "base_reachable_time_ms": 1000,
    "delay_first_probe_time": 1,
    "retrans_time_ms": 200,
    "gc_stale_time": 1,
}
# Whether connecting helps is up to the test: it leaves the command that does in a file.
NMCLI = """#!/bin/sh
case "$*" in
  *GENERAL.STATE*) echo "100 (connected)"; exit 0 ;;
esac
echo "nmcli $*" >> {log}
case "$*" in
  *connect\\ wlan0) [ ! -e {cure} ] || sh {cure} ;;
esac
"""
SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >> {log}
"""


def sh(*command):
    subprocess.run(command, check=True, capture_output=True)


class Net:
    """A Pi, a cable, a gateway and a server."""

    def __init__(self, folder: Path):
        tag = f"slw{os.getpid()}"
        self.pi, self.lab, self.folder = f"{tag}p", f"{tag}l", folder
        self._server = None
        for namespace in (self.pi, self.lab):
            sh("ip", "netns", "add", namespace)
            sh("ip", "-n", namespace, "link", "set", "lo", "up")
        sh("ip", "-n", self.pi, "link", "add", "wlan0", "type", "veth",
           "peer", "name", "ap0", "netns", self.lab)  # fmt: skip
        sh("ip", "-n", self.lab, "address", "add", f"{GATEWAY}/24", "dev", "ap0")
        sh("ip", "-n", self.lab, "address", "add", f"{SERVER}/32", "dev", "lo")
        sh("ip", "-n", self.lab, "link", "set", "ap0", "up")
        for key, value in NEIGHBOUR_TIMES.items():
            self.in_pi("sysctl", "--quiet", "--write", f"net.ipv4.neigh.wlan0.{key}={value}")
        sh("sh", "-c", self.lease())
        self.start_server()

    def lease(self) -> str:
        """Return what a network service does to the interface once it has a lease."""
        on = f"ip -n {self.pi}"
        return (
            f"{on} link set wlan0 up; {on} address replace {PI_ADDRESS}/24 dev wlan0;"
            f"{on} route replace default via {GATEWAY} dev wlan0"
        )

    def in_pi(self, *command):
        sh("ip", "netns", "exec", self.pi, *command)

    def cable(self, way: str):
        sh("ip", "-n", self.lab, "link", "set", "ap0", way)

    def start_server(self):
        self._server = subprocess.Popen(
            ["ip", "netns", "exec", self.lab, sys.executable, "-c", LISTEN]
        )
        probe = ["ip", "netns", "exec", self.lab, "ss", "-Hltn", "sport", "=", f":{PORT}"]
        wait_until(lambda: subprocess.check_output(probe))

    def stop_server(self):
        self._server.kill()
        self._server.wait()

    def close(self):
        self.stop_server()
        for namespace in (self.pi, self.lab):
            subprocess.run(["ip", "netns", "delete", namespace], check=False)


@pytest.fixture
def net(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("reason: network namespaces need root, remedy: run the tests as root")
    made = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(
            f"reason: no network namespaces here ({made.stderr.decode().strip()}),"
            " remedy: run the tests on a machine or in a container with CAP_SYS_ADMIN"
        )
    net = Net(tmp_path)
    yield net
    net.close()


class Program:
    """The program in the Pi's namespace; a second is its half minute."""

    def __init__(self, net: Net, **settings):
        folder = net.folder
        self.asked, self.cure, self._log = folder / "asked", folder / "cure", folder / "log"
        self._spool = folder / "spool" / "wlan"
        bin_ = folder / "bin"
        bin_.mkdir()
        for name, text in (("nmcli", NMCLI), ("systemctl", SYSTEMCTL)):
            (bin_ / name).write_text(text.format(log=self.asked, cure=self.cure))
            (bin_ / name).chmod(0o755)
        self.asked.touch()
        given = {
            "check_s": 1, "connect_timeout_s": 0.5, "neighbour_timeout_s": 4,
            "reconnect_after_s": 2, "restart_interface_after_s": 5,
            "restart_service_after_s": 9, "reboot_after_s": 12, **settings,
        }  # fmt: skip
        self._config = folder / "wlan.toml"
        self._config.write_text(
            f'site = "lab"\nserver_url = "https://{SERVER}:{PORT}"\nreboot = false\n'
            + "".join(f"{k} = {json.dumps(v)}\n" for k, v in given.items())
            + f'state_directory = "{folder / "state"}"\n'
            + f'[spool]\ndirectory = "{folder / "spool"}"\n'
            + "fsync_s = 0.1\n"
        )
        self._command = [
            *("ip", "netns", "exec", net.pi, "env", f"PATH={bin_}:{os.environ['PATH']}"),
            *(sys.executable, "-m", "soclab_collectors.wlan.main"),
        ]

    def __enter__(self):
        with self._log.open("wb") as log:
            self._process = subprocess.Popen([*self._command, *self._arguments("run")], stderr=log)
        wait_until(lambda: self.rows("up=1.0"))
        return self

    def __exit__(self, *_):
        self._process.terminate()
        assert self._process.wait(timeout=15) == 0

    def _arguments(self, command):
        return [command, "--config", str(self._config)]

    def probe(self):
        done = subprocess.run(
            [*self._command, *self._arguments("probe"), "--json"], capture_output=True, check=False
        )
        return done.returncode, json.loads(done.stdout)

    def lines(self):
        while True:
            files = sorted(self._spool.glob("*.boot*")) if self._spool.exists() else []
            try:
                return [line for f in files for line in f.read_text().splitlines()]
            except FileNotFoundError:  # the program gave a file its final name meanwhile
                continue

    def rows(self, part):
        return [line for line in self.lines() if line.startswith("collector,") and part in line]

    def events(self):
        found = (re.fullmatch(r'event,\S+ text="(.*)" \d+', line) for line in self.lines())
        return [match[1] for match in found if match]

    def logged(self):
        return self._log.read_text().splitlines()

    def done(self):
        return self.asked.read_text().splitlines()


@pytest.mark.slow
def test_a_pulled_cable_is_noticed_and_worked_on_until_it_is_back(net):
    with Program(net) as program:
        net.cable("down")
        wait_until(lambda: "systemctl restart NetworkManager.service" in program.done(), 30)
        assert "the link of wlan0 is down" in program.events()[0]
        assert program.probe()[1]["path"] == "the network does not work"
        net.cable("up")
        sh("sh", "-c", net.lease())  # the service that was restarted asks for one
        wait_until(lambda: any("works again" in e for e in program.events()), 20)
        wait_until(lambda: "up=1.0" in program.rows("")[-1])
        code, found = program.probe()
        assert code == 0
        assert found["backend"] == "networkmanager"
    assert [line.split(" ", 1)[0] for line in program.done()].count("systemctl") == 2
    steps = [e.rpartition(": ")[2] for e in program.events() if " in trouble for " in e]
    assert steps[:3] == ["reconnect", "restart the interface", "restart the service"]
    assert len(program.rows("up=0.0")) >= 5
    for event in program.events():
        assert any(event in line for line in program.logged())


@pytest.mark.slow
def test_an_access_point_that_fell_silent_is_left_and_joined_again(net):
    """The link stays up: only the neighbour's silence tells. Restarting the interface helps."""
    with Program(net) as program:
        program.cure.write_text(
            f"grep -q disconnect {program.asked} || exit 4\n"
            f"ip -n {net.lab} link set ap0 arp on\n{net.lease()}\n"
        )
        sh("ip", "-n", net.lab, "link", "set", "ap0", "arp", "off")
        sh("ip", "-n", net.lab, "neighbour", "flush", "dev", "ap0")
        net.stop_server()
        wait_until(lambda: any("works again" in e for e in program.events()), 40)
        assert f"{GATEWAY} not there on wlan0" in program.events()[0]
        assert program.probe()[1]["path"] == "the network works, the server does not answer"
        net.start_server()
        wait_until(lambda: "up=1.0" in program.rows("")[-1])
    assert "nmcli --wait 15 device disconnect wlan0" in program.done()
    assert not any(line.startswith("systemctl") for line in program.done())
    assert any("connect wlan0: exit 4" in line for line in program.logged())


@pytest.mark.slow
def test_a_server_that_is_away_touches_nothing(net):
    with Program(net) as program:
        net.stop_server()
        wait_until(program.events)
        time.sleep(14)  # longer than the whole ladder
        assert program.done() == []
        assert len(program.events()) == 1
        assert program.events()[0].endswith("wlan0 works, so there is nothing to repair here")
        code, found = program.probe()
        assert (code, found["reason"]) == (69, f"{SERVER}:{PORT}: Connection refused")
        net.start_server()
        wait_until(lambda: len(program.events()) == 2)
    assert program.events()[1] == f"{SERVER}:{PORT} answers again"
