"""``soclab inventory create``, as a person or a program runs it."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from soclab_services.cli.main import app
from typer.testing import CliRunner

if TYPE_CHECKING:
    from click.testing import Result

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
ENOUGH = ("--server", "192.168.1.20", "--pi", "pi1=192.168.1.31", "--user", "lab")


@pytest.fixture
def inventories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if not (BIN / "ansible-vault").exists():
        pytest.skip("reason: Ansible is not installed, remedy: make lint, which installs it")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "inventories"
    folder.mkdir()
    return folder


def create(inventories: Path, *arguments: str) -> Result:
    command = ["inventory", "create", *arguments, "--inventories", str(inventories)]
    return CliRunner().invoke(app, command)


def ansible(program: str, *arguments: str | Path) -> str:
    return subprocess.run(
        [str(BIN / program), *map(str, arguments)],
        cwd=ROOT,  # its ansible.cfg finds the password
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_ansible_reads_it_and_finds_its_password(inventories: Path) -> None:
    done = create(inventories, "mylab", *ENOUGH, "--pi", "pi2=pi2.local", "--json")
    assert done.exit_code == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["inventory"] == str(inventories / "mylab")
    hosts = json.loads(ansible("ansible-inventory", "-i", made["inventory"], "--list"))
    assert hosts["servers"]["hosts"] == ["server"]
    assert hosts["pis"]["hosts"] == ["pi1", "pi2"]
    variables = hosts["_meta"]["hostvars"]["server"]
    assert variables["ansible_host"] == "192.168.1.20"
    assert len(variables["vault_influxdb_operator_token"]) > 40


def test_no_secret_can_be_read_and_each_lab_has_its_own(inventories: Path) -> None:
    vaults = []
    for lab in ("one", "two"):
        made = json.loads(create(inventories, lab, *ENOUGH, "--json").stdout)
        vault = inventories / lab / "group_vars" / "all" / "vault.yml"
        assert vault.read_text(encoding="utf-8").startswith("$ANSIBLE_VAULT;")
        vaults.append(yaml.safe_load(ansible("ansible-vault", "view", vault)))
        assert stat.S_IMODE(Path(made["password_file"]).stat().st_mode) == 0o600
        plain = "".join(
            file.read_text(encoding="utf-8")
            for file in (inventories / lab).rglob("*.yml")
            if file != vault
        )
        assert not [name for name, secret in vaults[-1].items() if secret and secret in plain]
        # Every secret has its use, and every use its secret.
        assert {name for name in vaults[-1] if name in plain} == set(vaults[-1])
    assert [n for n in vaults[0] if vaults[0][n] == vaults[1][n]] == ["vault_discord_webhook_url"]


def test_it_never_overwrites(inventories: Path) -> None:
    assert create(inventories, "mylab", *ENOUGH).exit_code == 0
    hosts = inventories / "mylab" / "hosts.yml"
    hosts.write_text("mine", encoding="utf-8")
    again = create(inventories, "mylab", *ENOUGH)
    assert again.exit_code == os.EX_USAGE
    assert "exists and is left alone" in again.stderr
    assert hosts.read_text(encoding="utf-8") == "mine"


def test_instruments_that_were_tried_are_taken_over(inventories: Path) -> None:
    tried = ROOT / "docs" / "examples" / "collectors.toml"
    assert create(inventories, "mylab", *ENOUGH, "--collectors", str(tried)).exit_code == 0
    file = inventories / "mylab" / "host_vars" / "pi1" / "collectors.yml"
    instruments = yaml.safe_load(file.read_text(encoding="utf-8"))["collectors_instruments"]
    assert [one["kind"] for one in instruments] == ["labjack_t7", "ea_el3000", "thingset"]


def test_what_it_writes_is_good_yaml(inventories: Path) -> None:
    tried = ROOT / "docs" / "examples" / "collectors.toml"
    create(inventories, "mylab", *ENOUGH, "--pi", "pi2=pi2.local", "--collectors", str(tried))
    done = subprocess.run(
        [BIN / "yamllint", "--strict", "-c", ROOT / ".yamllint", inventories],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.timeout(60)
def test_it_asks_on_a_terminal_and_does_not_show_the_webhook(inventories: Path) -> None:
    answers = ["mylab", "192.168.1.20", "pi1=192.168.1.31", "lab", "https://hook.example/s3cret"]
    terminal, program = pty.openpty()
    process = subprocess.Popen(
        [BIN / "soclab", "inventory", "create", "--inventories", str(inventories)],
        stdin=program,
        stdout=program,
        stderr=program,
    )
    os.close(program)
    shown = ""
    for answer in answers:
        question = ""
        while not question.rstrip().endswith(":"):
            question += os.read(terminal, 1024).decode()
        while answer == answers[-1] and termios.tcgetattr(terminal)[3] & termios.ECHO:
            time.sleep(0.01)  # what is typed before it hides would be shown, and thrown away
        os.write(terminal, f"{answer}\n".encode())
        shown += question
    try:
        while chunk := os.read(terminal, 1024):
            shown += chunk.decode()
    except OSError:  # Linux's way to say that the other end is closed
        pass
    finally:
        os.close(terminal)
    assert process.wait() == 0, shown
    assert "s3cret" not in shown
    vault = inventories / "mylab" / "group_vars" / "all" / "vault.yml"
    secrets = yaml.safe_load(ansible("ansible-vault", "view", vault))
    assert secrets["vault_discord_webhook_url"] == answers[-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mylab",), "--server is missing"),
        (("mylab", "--server", "192.168.1.20"), "--pi is missing"),
        (("../up", *ENOUGH), "no name for a lab"),
        (("mylab", *ENOUGH, "--pi", "pi1=192.168.1.40"), "name of two hosts"),
        (("mylab", *ENOUGH, "--pi", "pi2=192.168.1.20"), "address of two hosts"),
        (("mylab", *ENOUGH, "--pi", "192.168.1.40"), "no NAME=ADDRESS"),
        (("mylab", *ENOUGH, "--pi", "Pi_2=192.168.1.40"), "no name for a host"),
        (("mylab", *ENOUGH, "--pi", "pi2=a b"), "no address"),
        (("mylab", *ENOUGH, "--user", "a; b"), "no name of a user"),
        (("mylab", *ENOUGH, "--vault-password-file", "/nowhere"), "does not exist"),
        (("mylab", *ENOUGH, "--vault-password-file", "/dev/null"), "is empty"),
        (("mylab", *ENOUGH, "--collectors", "/dev/null"), "has no instruments"),
        (("mylab", *ENOUGH, "--discord-webhook-file", "/nowhere"), "No such file"),
    ],
)
def test_bad_answers_leave_nothing_behind(
    inventories: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = create(inventories, *arguments)
    assert done.exit_code == os.EX_USAGE
    assert said in done.stderr
    assert list(inventories.iterdir()) == []


def test_a_failing_encryption_leaves_nothing_behind(inventories: Path, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("#!/bin/false\n", encoding="utf-8")
    password.chmod(0o700)  # Ansible runs it, and it fails
    done = create(inventories, "mylab", *ENOUGH, "--vault-password-file", str(password))
    assert done.exit_code == os.EX_USAGE
    assert "ansible-vault failed" in done.stderr
    assert list(inventories.iterdir()) == []
