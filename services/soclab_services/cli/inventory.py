"""``soclab inventory``: describe a lab for Ansible."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from soclab_services.inventory.answers import Answers
    from soclab_services.inventory.create import Created

app = typer.Typer(help="Describe a lab for Ansible.", no_args_is_help=True)

EXAMPLE_PI = "pi1=192.168.1.30"


@app.callback()
def _group() -> None:
    """Keep ``create`` a command of its own; Typer would merge a single one into its parent."""


@app.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="Name of the lab.")] = "",
    server: Annotated[
        str, typer.Option(help="The server: ADDRESS, or NAME=ADDRESS.", metavar="HOST")
    ] = "",
    pi: Annotated[
        list[str] | None,
        typer.Option(help=f"A Raspberry Pi, such as {EXAMPLE_PI}; repeat it.", metavar="HOST"),
    ] = None,
    user: Annotated[str, typer.Option(help="Whom you log in as with SSH.")] = "",
    webhook_file: Annotated[
        Path | None,
        typer.Option("--discord-webhook-file", help="File with the Discord webhook for alerts."),
    ] = None,
    collectors: Annotated[
        Path | None,
        typer.Option(help="A collectors.toml; its instruments become those of the first Pi."),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option("--vault-password-file", help="Use this password instead of a new one."),
    ] = None,
    inventories: Annotated[
        Path, typer.Option(help="Folder in which the inventory is made.")
    ] = Path("inventories"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Write a new inventory with generated secrets; asks for what no option says."""
    from soclab_services.inventory.answers import Answers, host  # noqa: PLC0415  quick --help
    from soclab_services.inventory.create import create  # noqa: PLC0415  quick --help
    from soclab_services.inventory.errors import InventoryError  # noqa: PLC0415  quick --help

    try:
        if not inventories.is_dir():
            raise InventoryError(
                f"there is no folder {inventories}",
                "Run this in the clone of soclab, or give --inventories.",
            )
        name = name or _ask("Name of the lab", "NAME", default="mylab")
        server = server or _ask("Address of the server", "--server")
        pis = pi or _ask("Raspberry Pis, NAME=ADDRESS each", "--pi").replace(",", " ").split()
        answers = Answers(
            lab=name,
            server=host(server, default_name="server"),
            pis=tuple(host(one) for one in pis),
            user=user or _ask("User that you log in as with SSH", "--user"),
            webhook=_webhook(webhook_file),
            instruments=_instruments(collectors),
            password_file=password_file,
        )
        created = create(answers, inventories)
    except InventoryError as error:
        typer.echo(f"soclab inventory create: {error}", err=True)
        raise typer.Exit(os.EX_USAGE) from error
    if as_json:
        paths = {"inventory": str(created.inventory), "password_file": str(created.password_file)}
        typer.echo(json.dumps(paths | {"files": created.files}))
    else:
        _explain(created, answers)


def _ask(question: str, option: str, default: str | None = None) -> str:
    from soclab_services.inventory.errors import InventoryError  # noqa: PLC0415  quick --help

    if not sys.stdin.isatty():
        raise InventoryError(f"{option} is missing", f"Give it ({question.lower()}).")
    return str(typer.prompt(question, default=default)).strip()


def _webhook(file: Path | None) -> str:
    """Return the webhook from its file or, hidden, from the terminal: it is a secret."""
    from soclab_services.inventory.errors import InventoryError  # noqa: PLC0415  quick --help

    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise InventoryError(f"{file}: {error.strerror}", "Name another file.") from error
    if not sys.stdin.isatty():
        return ""
    question = "Discord webhook for alerts (not shown; Enter for none)"
    return str(typer.prompt(question, default="", hide_input=True, show_default=False)).strip()


def _instruments(file: Path | None) -> tuple[dict[str, Any], ...]:
    from soclab_services.inventory.errors import InventoryError  # noqa: PLC0415  quick --help

    if file is None:
        return ()
    try:
        return tuple(tomllib.loads(file.read_text(encoding="utf-8"))["instruments"])
    except (OSError, ValueError, KeyError) as error:
        raise InventoryError(
            f"{file} has no instruments: {error}", "Check it: soclab-collector check --config FILE"
        ) from error


def _explain(created: Created, answers: Answers) -> None:
    where, playbook = created.inventory, f".venv/bin/ansible-playbook -i {created.inventory}"
    first = answers.pis[0].name
    kept = "new, for you alone" if created.new_password else "was there already"
    typer.echo(f"""\
Made {where}: {len(created.files)} files without a readable secret: put them under version control.

  hosts.yml                      the machines and how to reach them
  group_vars/, host_vars/        one file per role; inventories/example shows every variable
  group_vars/all/vault.yml       generated passwords and tokens, encrypted
  {created.password_file}
                                 opens the vault ({kept}): keep a copy elsewhere

Next:
  1. describe your instruments in {where}/host_vars/{first}/collectors.yml
     and your batteries in {where}/group_vars/servers/flux_tasks.yml
  2. {playbook} ansible/preflight.yml   changes nothing
  3. {playbook} ansible/site.yml

Look at a password: .venv/bin/ansible-vault view {where}/group_vars/all/vault.yml
Everything about it: docs/deploy/README.md""")
