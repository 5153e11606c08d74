"""Bad input: every file in bad_input/ is a host that the preflight must refuse, and what it says.

All of them are checked by one run of Ansible, on this machine instead of on hosts: nothing is
changed, so none is needed. Two good hosts must pass in the same run.

A file has ``host`` (of the demo inventory, whose variables it starts from), ``variables`` to set,
``remove`` (variables), ``facts`` that the host seems to have (null: none were gathered), ``says``
(parts of the message) and ``hides`` (what may appear nowhere).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

# One run for all; it takes minutes where others want the processors, too.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
CASES = {file.stem: file for file in sorted((Path(__file__).parent / "bad_input").glob("*.yml"))}
GOOD = {"pi": "pi", "server": "server"}
# What a Debian host on this very machine would look like.
FACTS = {
    "architecture": os.uname().machine,
    "distribution": "Debian",
    "distribution_major_version": "12",
    "distribution_release": "bookworm",
    "distribution_version": "12",
    "fqdn": "host.lab.example",
    "interfaces": ["lo", "eth0"],
    "memtotal_mb": 4096,
    "os_family": "Debian",
    "pkg_mgr": "apt",
    "python": {"version": {"major": 3, "minor": 11}},
    "python_version": "3.11.2",
    "service_mgr": "systemd",
    "system": "Linux",
    "userspace_bits": "64",
}


class Said(NamedTuple):
    """What Ansible said about a host."""

    message: str
    failed: bool
    changed: bool


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Said], str]:
    """Check every host in one run; return what was said about each, and everything."""
    if not (BIN / "ansible-playbook").exists():
        pytest.skip("reason: Ansible is not installed, remedy: make lint, which installs it")
    folder = tmp_path_factory.mktemp("bad-input")
    (folder / "hosts.json").write_text(json.dumps(_inventory()), encoding="utf-8")
    playbook = folder / "preflight.yml"
    playbook.write_text(yaml.safe_dump(_plays(), sort_keys=False), encoding="utf-8")
    done = subprocess.run(
        [BIN / "ansible-playbook", "-i", folder / "hosts.json", playbook],
        cwd=ROOT,  # its ansible.cfg says where roles and plugins are
        env=os.environ | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"},
        capture_output=True,
        text=True,
        check=False,
    )
    start = done.stdout.find("\n{") + 1  # after and before the times of profile_tasks
    report, _ = json.JSONDecoder().raw_decode(done.stdout[start:])
    return _said(report), done.stdout + done.stderr


def _inventory() -> dict[str, Any]:
    """Return an inventory with a host for each case."""
    listed = subprocess.run(
        [BIN / "ansible-inventory", "-i", "inventories/demo", "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    demo = json.loads(listed.stdout)["_meta"]["hostvars"]
    secrets = yaml.safe_load(_secrets())
    groups: dict[str, Any] = {"servers": {"hosts": {}}, "pis": {"hosts": {}}}
    for name, case in [(n, {"host": h}) for n, h in GOOD.items()] + _cases():
        # Each a site of its own, so that no two Raspberry Pis share instruments.
        lab = demo[case["host"]] | secrets | LOCAL | {"lab_site": name}
        variables = lab | (case.get("variables") or {})
        for removed in case.get("remove", ()):
            del variables[removed]
        facts = case.get("facts", {})
        variables["seen_facts"] = None if facts is None else FACTS | facts
        groups["servers" if case["host"] == "server" else "pis"]["hosts"][name] = variables
    return {"all": {"children": groups}}


LOCAL = {
    "ansible_connection": "local",
    "ansible_host": "127.0.0.1",
    "ansible_python_interpreter": sys.executable,
    "preflight_connect": [],
    "preflight_free_space": [],
    # The clock is this machine's.
    "preflight_clock_tolerance_s": 60,
}


def _secrets() -> str:
    from soclab_services.inventory.vault import plain_vault  # noqa: PLC0415  like other tools

    return plain_vault("demo", webhook="")


def _cases() -> list[tuple[str, dict[str, Any]]]:
    return [(name, yaml.safe_load(file.read_text("utf-8"))) for name, file in CASES.items()]


def _plays() -> list[dict[str, Any]]:
    """Return the plays of preflight.yml, each of whose hosts is told everything about itself."""
    plays = yaml.safe_load((ROOT / "ansible" / "preflight.yml").read_text(encoding="utf-8"))
    for play in plays:
        assert play["any_errors_fatal"]
        play |= {"any_errors_fatal": False, "become": False}
        # As if they had been gathered.
        facts = {name: f"{{{{ seen_facts.{name} }}}}" for name in FACTS} | {"cacheable": True}
        play["pre_tasks"] = [{"ansible.builtin.set_fact": facts, "when": "seen_facts is truthy"}]
    return list(plays)


def _said(report: dict[str, Any]) -> dict[str, Said]:
    said = {}
    for play in report["plays"]:
        for task in play["tasks"]:
            for host, result in task["hosts"].items():
                before = said.get(host, Said("", failed=False, changed=False))
                parts = [result, *result.get("results", [])]
                failed = [part for part in parts if part.get("failed")]
                messages = [str(part.get("msg", part)) for part in failed]
                said[host] = Said(
                    "\n".join([before.message, *messages]),
                    failed=before.failed or bool(failed),
                    changed=before.changed or any(part.get("changed") for part in parts),
                )
    return said


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_with_name_and_remedy(run: tuple[dict[str, Said], str], name: str) -> None:
    said, everything = run
    case = yaml.safe_load(CASES[name].read_text(encoding="utf-8"))
    assert name in said, "never checked, see test_the_demo_passes"
    message = " ".join(said[name].message.split())
    assert said[name].failed, everything
    assert [part for part in case["says"] if part not in message] == [], message
    assert [part for part in case.get("hides", ()) if part in everything] == []


@pytest.mark.parametrize("name", GOOD)
def test_the_demo_passes(run: tuple[dict[str, Said], str], name: str) -> None:
    said, everything = run
    assert name in said, everything
    assert not said[name].failed, said[name].message


def test_nothing_is_changed(run: tuple[dict[str, Said], str]) -> None:
    said, _ = run
    assert {host for host, one in said.items() if one.changed} == set()
