"""``soclab influxdb backup``, ``verify``, ``restore`` and ``rehearse``."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

app = typer.Typer()

DEFAULT_DIRECTORY = Path("/var/lib/soclab/backups")
CREDENTIAL = "influxdb_operator_token"

Directory = Annotated[Path, typer.Option("--directory", help="Where the backups are.")]
Backup = Annotated[Path | None, typer.Argument(help="A backup; the newest if none is named.")]
Url = Annotated[str, typer.Option("--url", help="Address of InfluxDB.")]
CaFile = Annotated[
    Path | None, typer.Option("--ca-file", help="Authority of a server that no public one knows.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]


@app.command("backup")
def backup_command(
    directory: Directory = DEFAULT_DIRECTORY,
    url: Url = "http://127.0.0.1:8086",
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file", help=f"File with the operator token; systemd's {CREDENTIAL} goes first."
        ),
    ] = None,
    ca_file: CaFile = None,
    keep: Annotated[int, typer.Option(min=1, help="How many backups to keep.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Back up everything the server has; verify it; remove the oldest backups."""
    from soclab_services.influxdb.api import Api  # noqa: PLC0415  quick --help
    from soclab_services.influxdb.backup.make import make  # noqa: PLC0415  quick --help

    with _explained("backup"):
        made = make(Api(url, _token(token_file), ca_file), directory, keep)
    if as_json:
        _print_json(made._asdict())
        return
    typer.echo(
        f"{made.path}: {made.points} points in {made.shards} shards, {made.bytes} bytes, verified"
    )
    for name in made.removed:
        typer.echo(f"{directory / name}: removed, {keep} are kept")


@app.command("verify")
def verify_command(
    backup: Backup = None, directory: Directory = DEFAULT_DIRECTORY, as_json: AsJson = False
) -> None:
    """Read a backup again: sizes, checksums, and whether each file can be opened."""
    from soclab_services.influxdb.backup.files import newest, verify  # noqa: PLC0415

    with _explained("verify"):
        folder = backup or newest(directory)
        size = verify(folder)
    if as_json:
        _print_json({"path": folder, "bytes": size})
    else:
        typer.echo(f"{folder}: {size} bytes, whole")


@app.command("restore")
def restore_command(
    backup: Annotated[Path, typer.Argument(help="The backup.")],
    url: Url = "http://127.0.0.1:8086",
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into a server that was never set up; its tokens are those of the backup."""
    from soclab_services.influxdb.backup.restore import compare, restore  # noqa: PLC0415

    with _explained("restore"):
        counts = compare(restore(url, backup, ca_file), backup)
    if as_json:
        _print_json({"path": backup, "buckets": [count._asdict() for count in counts]})
        return
    for count in counts:
        typer.echo(f"{count.bucket}: {count.restored} points, {count.recorded} expected")


@app.command("rehearse")
def rehearse_command(
    backup: Backup = None,
    directory: Directory = DEFAULT_DIRECTORY,
    influxd: Annotated[
        Path | None, typer.Option(help="The server program; the one of this machine if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into a throw-away server on loopback and count what came back."""
    from soclab_services.influxdb.backup.files import newest  # noqa: PLC0415  quick --help
    from soclab_services.influxdb.backup.rehearse import rehearse  # noqa: PLC0415
    from soclab_services.influxdb.errors import InfluxdbError  # noqa: PLC0415  quick --help
    from soclab_services.influxdb.install import find  # noqa: PLC0415  quick --help

    with _explained("rehearse"):
        found = find() if influxd is None else None
        binary = influxd or (found.path if found else None)
        if binary is None:
            raise InfluxdbError("there is no influxd here", "Name one with --influxd.")
        folder = backup or newest(directory)
        done = rehearse(binary, folder, folder.parent)
    if as_json:
        _print_json(done._asdict() | {"buckets": [count._asdict() for count in done.buckets]})
        return
    for count in done.buckets:
        typer.echo(f"{count.bucket}: {count.restored} points, {count.recorded} expected")
    typer.echo(f"{done.backup}: {done.tasks} tasks, {done.tokens} tokens, {done.duration_s:.1f} s")


def _token(token_file: Path | None) -> str:
    """Return the token from systemd or from the file: never from the command line."""
    from soclab_services.influxdb.errors import InfluxdbError  # noqa: PLC0415  quick --help

    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    given = Path(credentials) / CREDENTIAL if credentials else None
    path = given if given and given.exists() else token_file
    if path is None:
        raise InfluxdbError("no token is given", "Name a file with --token-file.")
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InfluxdbError(
            f"the token cannot be read: {error}", "Name a file with --token-file."
        ) from error


def _print_json(content: dict[str, Any]) -> None:
    typer.echo(json.dumps(content, default=str))


@contextlib.contextmanager
def _explained(command: str) -> Iterator[None]:
    from soclab_services.influxdb.errors import InfluxdbError  # noqa: PLC0415  quick --help

    try:
        yield
    except InfluxdbError as error:
        typer.echo(f"soclab influxdb {command}: {error}", err=True)
        raise typer.Exit(os.EX_UNAVAILABLE) from error
