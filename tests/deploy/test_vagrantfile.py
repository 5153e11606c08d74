"""The Vagrantfile: valid for both providers, of one mind with the demo inventory, secrets private.

No machine boots here, which takes libvirtd or VirtualBox; what comes before is Vagrant's own doing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
ANSIBLE = Path(sys.executable).with_name("ansible")

pytestmark = pytest.mark.skipif(
    not shutil.which("vagrant"),
    reason="reason: Vagrant is missing, remedy: apt install vagrant-libvirt",
)


class Project:
    """A copy of what Vagrant reads, so that its state does not get into the repository."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home
        self.vagrantfile = folder / "Vagrantfile"
        shutil.copy(REPOSITORY / "Vagrantfile", self.vagrantfile)
        for name in ("ansible", "inventories"):
            (folder / name).symlink_to(REPOSITORY / name)

    def vagrant(self, *arguments: str, provider: str = "libvirt") -> tuple[int, str]:
        result = subprocess.run(
            ["vagrant", *arguments],
            cwd=self.folder,
            env=os.environ
            | {
                "VAGRANT_HOME": str(self.home),
                "VAGRANT_DEFAULT_PROVIDER": provider,
                "VAGRANT_CHECKPOINT_DISABLE": "1",
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                # No libvirtd, whatever this machine has: nothing may boot.
                "LIBVIRT_DEFAULT_URI": "test+unix:///nowhere",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return result.returncode, result.stdout + result.stderr


@pytest.fixture
def project(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    home = tmp_path_factory.getbasetemp() / "vagrant-home"
    return Project(tmp_path, home)


@pytest.fixture
def virtualbox(project: Project) -> None:
    """Stand in for VirtualBox as far as Vagrant asks it before it validates: its version."""
    program = project.folder / "bin/VBoxManage"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 7.0.20r163906\n")
    program.chmod(0o755)


def test_valid_for_libvirt(project: Project) -> None:
    code, said = project.vagrant("validate")
    assert code == 0, f"{said}\n(apt install vagrant-libvirt, if the provider is missing)"


@pytest.mark.usefixtures("virtualbox")
def test_valid_for_virtualbox(project: Project) -> None:
    code, said = project.vagrant("validate", provider="virtualbox")
    assert code == 0, said


def test_validation_would_notice_a_misspelt_setting(project: Project) -> None:
    text = project.vagrantfile.read_text()
    project.vagrantfile.write_text(text.replace("provider.memory", "provider.memmory"))
    code, said = project.vagrant("validate")
    assert code != 0
    assert "memmory" in said


def test_what_ansible_is_given_exists() -> None:
    text = (REPOSITORY / "Vagrantfile").read_text()
    for setting in ("playbook", "inventory_path"):
        (path,) = re.findall(rf'ansible\.{setting} = "(.*)"', text)
        assert (REPOSITORY / path).exists(), path


def test_without_ansible_the_next_step_is_named(project: Project) -> None:
    code, said = project.vagrant("up", "server")
    assert code != 0
    assert "scripts/setup --deploy" in said
    assert not (project.folder / ".vagrant/soclab-secrets.yml").exists()


def test_passwords_are_made_once_and_only_for_their_owner(project: Project) -> None:
    (project.folder / ".venv").symlink_to(sys.prefix)
    secrets = project.folder / ".vagrant/soclab-secrets.yml"
    made = []
    for _ in range(2):
        project.vagrant("up", "server")  # ends at the missing libvirtd
        assert secrets.stat().st_mode & 0o777 == 0o600
        made.append(secrets.read_text())
    assert made[0] == made[1]
    values = [value for value in yaml.safe_load(made[0]).values() if value]
    assert len(values) >= 3
    assert all(len(value) >= 16 for value in values)


def test_addresses_are_those_the_inventory_asks_for(project: Project) -> None:
    text = project.vagrantfile.read_text()
    network = re.search(r'NETWORK = "([\d.]+)"', text)
    assert network
    addresses = {
        name: f"{network[1]}.{last}" for name, last in re.findall(r'"(\w+)" => \[(\d+),', text)
    }
    assert set(addresses) == {"pi", "server"}
    said = subprocess.check_output(
        [
            *(ANSIBLE, "-i", "inventories/demo", "all", "-e", f"lab_network={network[1]}"),
            *("-m", "ansible.builtin.debug", "-a"),
            "msg='{{ ansible_host }} {{ group_names | join(\",\") }}'",
        ],
        cwd=REPOSITORY,
        text=True,
    )
    found = re.findall(r"msg: ([\d.]+) (\S+)", said)
    assert {address: "servers" in groups for address, groups in found} == {
        addresses["server"]: True,
        addresses["pi"]: False,
    }
