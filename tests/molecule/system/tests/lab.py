"""The two hosts of the scenario: how a person would drive them, and what can befall them."""

from __future__ import annotations

import csv
import json
import os
import re
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[4]
HOSTS = Path(os.environ.get("NSPAWN_HOSTS_DIR", "/var/tmp/soclab-molecule"))
NET = os.environ.get("NSPAWN_NET", "10.203.78")
SITE = "ansible/site.yml"
SPOOL = "/var/lib/soclab/spool"
ARCHIVE = f"{SPOOL}/_archive"


class Played(NamedTuple):
    """What a playbook did."""

    code: int
    output: str
    duration_s: float

    @property
    def changed(self) -> dict[str, int]:
        """How many tasks changed something, by host."""
        recap = self.output[self.output.rfind("PLAY RECAP") :]
        return {
            host: int(n) for host, n in re.findall(r"^(\S+) .*?changed=(\d+)", recap, re.MULTILINE)
        }

    def tail(self, lines: int = 60) -> str:
        """Return the end of what it printed."""
        return "\n".join(self.output.splitlines()[-lines:])


class Lab:
    """Pi and server.

    Parameters
    ----------
    folder
        For secrets and whatever else is made on the way.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.vault = folder / "vault.yml"
        self.settings = folder / "settings.json"
        self.env = os.environ | {
            "NSPAWN_HOSTS_DIR": str(HOSTS),
            "NSPAWN_NET": NET,
            "NSPAWN_PREFIX": os.environ.get("NSPAWN_PREFIX", "mol"),
            # What this machine can reach, rather than the vendors' repositories.
            "LAB_INFLUXDB": "source",
            "LAB_GRAFANA": "preinstalled",
        }
        # The user's ansible.cfg, not Molecule's.
        for name in [n for n in self.env if n.startswith("ANSIBLE_")]:
            del self.env[name]

    def make_secrets(self) -> None:
        """Generate the secrets that `make lab` would generate."""
        from soclab_services.inventory.vault import plain_vault  # noqa: PLC0415  it loads Ansible

        # What was uploaded is kept, to compare it with what InfluxDB has.
        self.settings.write_text(json.dumps({"collectors_spool": {"archive_directory": ARCHIVE}}))
        self.vault.touch(mode=0o600)
        self.vault.write_text(plain_vault("demo", webhook=""), encoding="utf-8")

    def secrets(self) -> dict[str, str]:
        """Return every secret by its variable's name."""
        found = re.findall(
            r'^(vault_\w+): "(.+)"$', self.vault.read_text(encoding="utf-8"), re.MULTILINE
        )
        return dict(found)

    def play(self, playbook: str, *arguments: str, check: bool = True) -> Played:
        """Run a playbook on the demo inventory, as the documentation says."""
        command = [str(ROOT / ".venv/bin/ansible-playbook"), "-i", "inventories/demo"]
        command += ["-e", f"@{self.vault}", "-e", f"@{self.settings}", playbook, *arguments]
        log = self.folder / "ansible.log"  # to look at meanwhile
        began = time.monotonic()
        with log.open("ab") as file:
            start = file.tell()
            done = subprocess.run(
                command, cwd=ROOT, env=self.env, stdout=file, stderr=subprocess.STDOUT, check=False
            )
        output = log.read_bytes()[start:].decode()
        played = Played(done.returncode, output, time.monotonic() - began)
        assert not check or played.code == 0, played.tail()
        return played

    def run(self, host: str, command: str, *, check: bool = True, timeout_s: float = 120) -> str:
        """Return what a shell command prints on a host."""
        done = subprocess.run(
            [*self.login(host), command],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        assert not check or done.returncode == 0, f"{host}: {command}: {done.stdout}{done.stderr}"
        return done.stdout

    def login(self, host: str) -> list[str]:
        """Return the ssh command of a host."""
        options = {
            "UserKnownHostsFile": HOSTS / "known_hosts",
            "StrictHostKeyChecking": "yes",
            "ConnectTimeout": 5,
            "ServerAliveInterval": 5,
        }
        known = [f"-o{name}={value}" for name, value in options.items()]
        key = str(HOSTS / "id_ed25519")
        return ["ssh", "-q", "-i", key, *known, f"root@{self.address(host)}"]

    def address(self, host: str) -> str:
        """Return a host's address."""
        return f"{NET}.{10 if host == 'pi' else 20}"

    def hosts(self, *arguments: str) -> str:
        """Run scripts/nspawn-hosts."""
        command = [str(ROOT / "scripts/nspawn-hosts"), *arguments]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def reboot(self, host: str) -> float:
        """Reboot a host; return when systemd had started everything (time.time())."""
        leader = self.hosts("leader", host)
        self.run(host, "systemctl reboot", check=False)
        wait(lambda: self.hosts("leader", host) != leader, 60, f"{host} to go down")
        wait(
            lambda: (
                self.run(host, "systemctl is-system-running --wait", check=False).strip()
                in {"running", "degraded"}
            ),
            60,
            f"{host} to come up",
        )
        return time.time()

    def query(self, flux: str) -> list[dict[str, str]]:
        """Ask InfluxDB over TLS, from outside, with the lab's authority and the operator token."""
        question = {"query": flux, "dialect": {"annotations": []}}
        try:
            text = self._ask("/api/v2/query?org=soclab", json.dumps(question).encode())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{flux}: {error.read().decode()}") from error
        return list(csv.DictReader(line for line in text.splitlines() if line))

    def authorizations(self) -> list[dict[str, Any]]:
        """Return every token that InfluxDB knows."""
        return list(json.loads(self._ask("/api/v2/authorizations", None))["authorizations"])

    def write_status(self, token: str) -> int:
        """Return what InfluxDB answers to a write of nothing with a token."""
        try:
            self._ask("/api/v2/write?org=soclab&bucket=raw", b"", token)
        except urllib.error.HTTPError as error:
            return error.code
        return 204

    def _ask(self, path: str, body: bytes | None, token: str = "") -> str:
        token = token or self.secrets()["vault_influxdb_operator_token"]
        request = urllib.request.Request(
            f"https://{self.address('server')}:8086{path}",
            data=body,
            headers={"Authorization": f"Token {token}", "Content-Type": "application/json"},
        )
        tls = ssl.create_default_context(
            cadata=self.run("server", "cat /etc/soclab/tls/authority.crt")
        )
        with urllib.request.urlopen(request, timeout=60, context=tls) as answer:  # noqa: S310
            return str(answer.read().decode())

    def newest(self) -> dict[str, float]:
        """Return when each instrument was last heard, as InfluxDB knows it (time.time())."""
        rows = self.query(
            'from(bucket: "raw") |> range(start: -1h)'
            ' |> filter(fn: (r) => r._measurement != "collector" and exists r.instrument)'
            ' |> keep(columns: ["_time", "instrument"]) |> group(columns: ["instrument"])'
            ' |> max(column: "_time") |> map(fn: (r) => ({r with t: int(v: r._time)}))'
        )
        return {row["instrument"]: int(row["t"]) / 1e9 for row in rows}

    def instruments(self) -> list[str]:
        """Return the instruments whose collectors are enabled on the Pi."""
        text = self.run(
            "pi", "systemctl list-units --plain --no-legend --all 'soclab-collector@*.service'"
        )
        return sorted(re.findall(r"soclab-collector@(\S+)\.service", text))

    def await_fresh(self, since: float, timeout_s: float = 60) -> float:
        """Wait until every instrument has a reading newer than ``since`` stored; return when."""

        def fresh() -> bool:
            newest = self.newest()
            return all(newest.get(name, 0) > since for name in self.instruments())

        wait(fresh, timeout_s, "a new reading of every instrument")
        return time.time()

    def backlog(self) -> dict[str, Any]:
        """Return what waits on the Pi."""
        text = self.run("pi", "/opt/soclab/collectors/bin/soclab-uploader status --json")
        return dict(json.loads(text))


def wait(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Wait for a condition; a host that does not answer yet is no reason to give up."""
    deadline = time.monotonic() + timeout_s
    last: object = None
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (OSError, AssertionError, subprocess.TimeoutExpired, urllib.error.URLError) as error:
            last = error
        time.sleep(0.5)
    raise AssertionError(f"waited {timeout_s} s for {what}; {last or 'it did not come'}")
