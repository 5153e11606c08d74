"""What is said about roles, inventories and collections agrees with what they are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SPECS = """\
argument_specs:
  main: &main
    short_description: Holds a door open
    options:
      door_width_m: {type: float, default: 0.9, description: How wide.}
      door_colour: {type: str, required: true, description: Which colour.}
  preflight: *main
"""
DEFAULTS = """\
door_width_m: 0.9
# door_colour: red
"""


def check_roles(repository: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, repository / "scripts" / "check_roles.py"],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def role(tmp_path: Path) -> Callable[[str, str], str]:
    """Return a function that says what is wrong with a role of these two files."""
    (tmp_path / "scripts").mkdir()
    for name in ("check_roles.py", "roles.py"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts")  # they look beside themselves

    def check(specs: str, defaults: str) -> str:
        folder = tmp_path / "ansible" / "roles" / "door"
        files = {"meta/argument_specs.yml": specs, "defaults/main.yml": defaults}
        for name, text in (files | {"tasks/preflight.yml": "[]\n"}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        return check_roles(tmp_path).stdout

    return check


def test_defaults_and_argument_specs_of_every_role_agree() -> None:
    done = check_roles(ROOT)
    assert done.returncode == 0, done.stdout


def test_a_role_that_agrees_is_accepted(role: Callable[[str, str], str]) -> None:
    assert "agree" in role(SPECS, DEFAULTS)


@pytest.mark.parametrize(
    ("specs", "defaults", "said"),
    [
        (SPECS, DEFAULTS + "door_lock: true\n", "door_lock is in defaults/main.yml, but not in"),
        (SPECS, DEFAULTS.replace("0.9", "0.8"), "door_width_m defaults to 0.8"),
        (SPECS, "# door_colour: red\n", "door_width_m has a default in argument_specs.yml, but"),
        (SPECS, "door_width_m: 0.9\n", "door_colour is not in defaults/main.yml, not even"),
        (SPECS, DEFAULTS.replace("# door", "door"), "door_colour is required, but has a default"),
        (SPECS.replace("door_c", "c"), DEFAULTS, "colour does not begin with the role's name"),
        (SPECS.replace("type: float, ", ""), DEFAULTS, "door_width_m has no type"),
        (SPECS.replace("*main", "{options: {}}"), DEFAULTS, "preflight takes other options"),
        ("argument_specs: {}\n", DEFAULTS, "describes no entry point main"),
    ],
)
def test_a_role_that_disagrees_is_named(
    role: Callable[[str, str], str], specs: str, defaults: str, said: str
) -> None:
    assert said in role(specs, defaults)


def test_the_example_shows_every_variable_of_every_role() -> None:
    shown = "".join(
        file.read_text(encoding="utf-8")
        for file in (ROOT / "inventories" / "example").rglob("*.yml")
    )
    # What the playbooks or other roles pass to a role is not the inventory's.
    passed = ("preflight_roles", "venv_name", "venv_package", "venv_extras")
    missing = [
        name
        for file in (ROOT / "ansible" / "roles").glob("*/meta/argument_specs.yml")
        for name in yaml.safe_load(file.read_text("utf-8"))["argument_specs"]["main"]["options"]
        if f"\n{name}:" not in shown and f"\n# {name}:" not in shown and name not in passed
        # Tokens are made by the playbooks, one for each purpose.
        if file.parents[1].name != "influxdb_token"
    ]
    assert missing == []


def test_the_collections_are_those_of_the_locked_ansible() -> None:
    wanted = yaml.safe_load((ROOT / "ansible" / "requirements.yml").read_text("utf-8"))
    ansible = pytest.importorskip(
        "ansible_collections",
        reason="reason: Ansible is not installed, remedy: make lint, which installs it",
    )
    (installed,) = map(Path, ansible.__path__)
    for collection in wanted["collections"]:
        manifest = installed.joinpath(*collection["name"].split("."), "MANIFEST.json")
        version = json.loads(manifest.read_text("utf-8"))["collection_info"]["version"]
        assert collection["version"] == version, collection["name"]


def test_every_collection_in_use_is_pinned() -> None:
    pinned = yaml.safe_load((ROOT / "ansible" / "requirements.yml").read_text("utf-8"))
    names = {collection["name"] for collection in pinned["collections"]}
    files = [ROOT / "ansible.cfg", *(ROOT / "ansible").rglob("*.yml")]
    text = "".join(file.read_text("utf-8") for file in files)
    used = set(re.findall(r"\b((?:ansible|community)\.[a-z]+)\.[a-z_]+\b", text))
    assert used - {"ansible.builtin"} == names


def test_the_inventories_set_only_variables_that_a_role_takes() -> None:
    known = {
        name
        for file in (ROOT / "ansible" / "roles").glob("*/meta/argument_specs.yml")
        for name in yaml.safe_load(file.read_text("utf-8"))["argument_specs"]["main"]["options"]
    }
    files = [
        file
        for inventory in (ROOT / "inventories" / "demo", ROOT / "inventories" / "example")
        for folder in ("group_vars", "host_vars")
        for file in (inventory / folder).rglob("*.yml")
    ]
    names = {name for file in files for name in yaml.safe_load(file.read_text("utf-8")) or {}}
    assert {name for name in names - known if not name.startswith("lab_")} == set()
