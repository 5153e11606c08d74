"""Writes the folder of a new inventory: whole or not at all, and never over another."""

from __future__ import annotations

import json
import shutil
import tempfile
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, NamedTuple

from soclab_services.influxdb.secret_files import read_or_generate
from soclab_services.inventory.answers import Answers, Host, check
from soclab_services.inventory.errors import InventoryError
from soclab_services.inventory.vault import encrypt, password_file_of, plain_vault

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.resources.abc import Traversable


class Created(NamedTuple):
    """What was made."""

    inventory: Path
    password_file: Path
    new_password: bool
    files: list[str]


def create(answers: Answers, inventories: Path) -> Created:
    """Write the inventory of a lab and, unless there is one, its vault password."""
    check(answers)
    target = inventories / answers.lab
    if target.exists():
        raise InventoryError(
            f"{target} exists and is left alone", "Edit it, or choose another name."
        )
    password_file = answers.password_file or password_file_of(answers.lab)
    new_password = not password_file.exists()
    if answers.password_file and new_password:
        raise InventoryError(f"{password_file} does not exist", "Name another file, or none.")
    password = read_or_generate(password_file, suffix="\n")
    if not password.strip():
        raise InventoryError(f"{password_file} is empty", "Put a password into it, or remove it.")
    draft = Path(tempfile.mkdtemp(prefix=f".{answers.lab}.", dir=inventories))
    try:
        for name, text in inventory_files(answers):
            file = draft / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        vault = draft / "group_vars" / "all" / "vault.yml"
        vault.write_text(
            encrypt(plain_vault(answers.lab, answers.webhook), password_file), encoding="utf-8"
        )
        draft.chmod(0o755)  # mkdtemp's 0700 would hide it from colleagues
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft)
        raise
    files = sorted(str(f.relative_to(target)) for f in target.rglob("*") if f.is_file())
    return Created(target, password_file, new_password, files)


def inventory_files(answers: Answers) -> Iterable[tuple[str, str]]:
    """Yield path and text of every file but the vault."""
    values = {
        "lab": answers.lab,
        "user": answers.user,
        "server": answers.server.name,
        "server_address": answers.server.address,
        "pis": "".join(_host_entry(one) for one in answers.pis),
    }
    root = resources.files("soclab_services.inventory") / "templates"
    for name, source in _tree(root):
        if name != "instruments.yml":
            yield name, Template(source.read_text(encoding="utf-8")).substitute(values)
    none = (root / "instruments.yml").read_text(encoding="utf-8")
    for number, pi in enumerate(answers.pis):
        given = answers.instruments if number == 0 else ()
        yield f"host_vars/{pi.name}/collectors.yml", _instruments(given) if given else none


def _host_entry(one: Host) -> str:
    return f"\n        {one.name}:\n          ansible_host: {json.dumps(one.address)}"


def _tree(folder: Traversable, path: str = "") -> Iterable[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        name = f"{path}/{entry.name}".removeprefix("/")
        if entry.is_dir():
            yield from _tree(entry, name)
        else:
            yield name, entry


def _instruments(instruments: tuple[dict[str, Any], ...]) -> str:
    import yaml  # noqa: PLC0415  it comes with Ansible, which a server does not have

    class Indented(yaml.SafeDumper):  # type: ignore[misc]  # it has no types
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
            super().increase_indent(flow, indentless=False)  # lists stand apart from their key

    body = yaml.dump(
        {"collectors_instruments": list(instruments)},
        Dumper=Indented,
        sort_keys=False,
        allow_unicode=True,
    )
    return f"# Every key: docs/configuration.md\n{body}"
