"""``soclab flux``: the tasks that run inside InfluxDB."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

app = typer.Typer(help="Install the tasks that run inside InfluxDB.", no_args_is_help=True)

ConfigFile = Annotated[Path, typer.Option("--config", help="The server's configuration.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
DEFAULT_CONFIG = Path("/etc/soclab/soclab.toml")


@app.command("install")
def install_command(
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing.")] = False,
) -> None:
    """Make buckets and tasks as configured; say what was changed."""
    from soclab_services.config import load_config  # noqa: PLC0415  quick --help
    from soclab_services.flux.install import install  # noqa: PLC0415  quick --help
    from soclab_services.flux.server import connect  # noqa: PLC0415  quick --help

    with _explained("install"):
        loaded = load_config(config)
        with connect(loaded.influxdb) as client:
            changes = install(client, loaded, dry_run=dry_run)
    if as_json:
        changed = [change._asdict() for change in changes]
        typer.echo(json.dumps({"url": loaded.influxdb.url, "changes": changed, "dry_run": dry_run}))
        return
    for change in changes:
        typer.echo(f"{change.what}: {change.name}")
        if change.diff:
            typer.echo(change.diff)
    if not changes:
        typer.echo("nothing to change")


@app.command("check")
def check_command(config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Check the configuration and that the server runs the tasks; changes nothing."""
    from soclab_services.config import load_config  # noqa: PLC0415  quick --help
    from soclab_services.flux.check import check  # noqa: PLC0415  quick --help
    from soclab_services.flux.server import connect  # noqa: PLC0415  quick --help

    with _explained("check"):
        loaded = load_config(config)
        with connect(loaded.influxdb) as client:
            names = check(client, loaded)
    batteries = [battery.name for battery in loaded.batteries]
    if as_json:
        typer.echo(json.dumps({"tasks": names, "batteries": batteries}))
    else:
        typer.echo(f"tasks that run: {', '.join(names)}")
        typer.echo(f"batteries: {', '.join(batteries) or 'none'}")


@app.command("show")
def show_command(
    task: Annotated[str, typer.Argument(help="soc_coulomb or rollup_1m")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Print a task as it would be installed."""
    from soclab_services.config import load_config  # noqa: PLC0415  quick --help
    from soclab_services.flux.render import render  # noqa: PLC0415  quick --help

    with _explained("show"):
        rendered = {one.name: one.flux for one in render(load_config(config))}
    if task not in rendered:
        raise typer.BadParameter(f"there are {' and '.join(rendered)}")
    typer.echo(rendered[task], nl=False)


@contextlib.contextmanager
def _explained(command: str) -> Iterator[None]:
    """Turn an error that a person can act on into a message and an exit code."""
    from soclab_collectors.errors import ConfigError  # noqa: PLC0415  quick --help

    from soclab_services.flux.server import FluxError  # noqa: PLC0415  quick --help

    try:
        yield
    except ConfigError as error:
        typer.echo(f"soclab flux {command}: {error}", err=True)
        raise typer.Exit(ConfigError.EXIT_CODE) from error
    except FluxError as error:
        typer.echo(f"soclab flux {command}: {error}", err=True)
        raise typer.Exit(error.exit_code) from error
