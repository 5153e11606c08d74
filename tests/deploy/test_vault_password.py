"""The vault's password is found by the inventory on the command line, and a wrong one is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Return an inventory whose vault holds ``vault_a: opened``."""
    if not (BIN / "ansible-vault").exists():
        pytest.skip("reason: Ansible is not installed, remedy: make lint, which installs it")
    passwords = tmp_path / "config" / "soclab" / "vault"
    passwords.mkdir(parents=True)
    (passwords / "mylab").write_text("right", encoding="utf-8")
    vault = tmp_path / "mylab" / "group_vars" / "all" / "vault.yml"
    vault.parent.mkdir(parents=True)
    (tmp_path / "mylab" / "hosts.yml").write_text("servers: {hosts: {one: {}}}", encoding="utf-8")
    subprocess.run(
        [BIN / "ansible-vault", "encrypt", "--output", vault, "-"],
        input="vault_a: opened\n",
        env=os.environ | {"ANSIBLE_VAULT_PASSWORD_FILE": str(passwords / "mylab")},
        text=True,
        check=True,
    )
    return tmp_path / "mylab"


def run(lab: Path, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / program), *map(str, arguments)],
        cwd=ROOT,  # for ansible.cfg
        env=os.environ | {"XDG_CONFIG_HOME": str(lab.parent / "config")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_found_by_the_inventory(lab: Path) -> None:
    for words in (("-i", lab), (f"-i{lab}",), (f"--inventory={lab / 'hosts.yml'}",)):
        assert '"vault_a": "opened"' in run(lab, "ansible-inventory", *words, "--list").stdout


def test_it_is_found_by_the_vault_that_is_looked_at(lab: Path) -> None:
    vault = lab / "group_vars" / "all" / "vault.yml"
    assert run(lab, "ansible-vault", "view", vault).stdout == "vault_a: opened\n"


def test_a_wrong_password_ends_before_any_host(lab: Path) -> None:
    (lab.parent / "config" / "soclab" / "vault" / "mylab").write_text("wrong", encoding="utf-8")
    done = run(lab, "ansible-playbook", "-i", lab, "ansible/preflight.yml")
    assert done.returncode != 0
    assert "Decryption failed" in done.stderr
    assert "TASK" not in done.stdout


def test_a_missing_password_is_said_with_its_place(lab: Path) -> None:
    file = lab.parent / "config" / "soclab" / "vault" / "mylab"
    file.unlink()
    done = run(lab, "ansible-inventory", "-i", lab, "--list")
    assert str(file) in done.stderr
    assert "--vault-password-file" in done.stderr


def test_a_password_that_is_given_is_used(lab: Path, tmp_path: Path) -> None:
    (lab.parent / "config" / "soclab" / "vault" / "mylab").unlink()
    given = tmp_path / "elsewhere"
    given.write_text("right", encoding="utf-8")
    done = run(lab, "ansible-inventory", "-i", lab, "--list", "--vault-password-file", given)
    assert '"vault_a": "opened"' in done.stdout
    assert "soclab:" not in done.stderr


def test_commands_without_a_vault_need_no_password(lab: Path) -> None:
    (lab / "group_vars" / "all" / "vault.yml").unlink()
    (lab.parent / "config" / "soclab" / "vault" / "mylab").unlink()
    done = run(lab, "ansible-inventory", "-i", lab, "--list")
    assert done.returncode == 0
    assert "soclab:" not in done.stderr
