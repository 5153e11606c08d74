"""``soclab influxdb``: the InfluxDB server for this machine, and backups of any."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from typing import Annotated

import typer

from soclab_services.cli import influxdb_backup

app = typer.Typer(help="Install the InfluxDB server and back it up.", no_args_is_help=True)
app.add_typer(influxdb_backup.app)  # without a name: its commands are commands of this one


class InstallMethod(StrEnum):
    """How InfluxDB may come to this machine."""

    AUTO = "auto"
    PATH = "path"
    ARCHIVE = "archive"
    SOURCE = "source"


AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]


@app.command("install")
def install_command(
    method: Annotated[
        InstallMethod,
        typer.Option(help="auto: PATH, else the vendor's archive, else build the Go module."),
    ] = InstallMethod.AUTO,
    as_json: AsJson = False,
) -> None:
    """Make sure that there is an influxd; print its path."""
    from soclab_services.influxdb.errors import InfluxdbError  # noqa: PLC0415  quick --help
    from soclab_services.influxdb.install import install  # noqa: PLC0415  quick --help

    try:
        installed = install(method.value, lambda message: typer.echo(message, err=True))
    except InfluxdbError as error:
        typer.echo(f"soclab influxdb install: {error}", err=True)
        raise typer.Exit(os.EX_UNAVAILABLE) from error
    if as_json:
        typer.echo(json.dumps(installed._asdict() | {"path": str(installed.path)}))
    else:
        typer.echo(installed.path)


@app.command("path")
def path_command() -> None:
    """Print the path of the influxd that soclab would run; install nothing."""
    from soclab_services.influxdb.install import find  # noqa: PLC0415  quick --help

    found = find()
    if found is None:
        typer.echo("soclab influxdb path: no influxd here. Run: soclab influxdb install", err=True)
        raise typer.Exit(os.EX_UNAVAILABLE)
    typer.echo(found.path)
