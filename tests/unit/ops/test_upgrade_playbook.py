"""upgrade.yml repeats the roles of site.yml: only a block can be taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ANSIBLE = Path(__file__).parents[3] / "ansible"


def plays(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load((ANSIBLE / name).read_text(encoding="utf-8")))


def roles_of(name: str, hosts: str) -> list[tuple[str, dict[str, Any]]]:
    (play,) = (play for play in plays(name) if play.get("hosts") == hosts)
    return [(role["role"], role.get("vars", {})) for role in play["roles"]]


def upgraded(hosts: str) -> list[tuple[str, dict[str, Any]]]:
    (play,) = (play for play in plays("ops/upgrade.yml") if play.get("hosts") == hosts)
    (block,) = (task["block"] for task in play["tasks"] if "block" in task)
    imports = [task for task in block if "ansible.builtin.import_role" in task]
    return [(t["ansible.builtin.import_role"]["name"], t.get("vars", {})) for t in imports]


@pytest.mark.parametrize(("playbook", "hosts"), [("server.yml", "servers"), ("pi.yml", "pis")])
def test_same_roles_in_the_same_order_with_the_same_variables(playbook: str, hosts: str) -> None:
    common = roles_of("hosts.yml", "servers:pis")
    assert upgraded(hosts) == common + roles_of(playbook, hosts)
