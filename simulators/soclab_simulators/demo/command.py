"""``soclab demo``: the subcommand; everything heavy is imported when it runs."""

from __future__ import annotations

import time
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import Annotated

import typer

app = typer.Typer()


@app.command("demo")
def demo(
    duration: Annotated[
        str, typer.Option("--for", help="Stop by itself after this time, such as 90s or 5m.")
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="No live view; end with one line of JSON.")
    ] = False,
    recording: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Play this recording instead of the virtual plant."
        ),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.1, help="Recorded seconds per second, for a recording.")
    ] = 60.0,
    state: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder to keep everything in.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget what earlier demos have stored there.")
    ] = False,
    export: Annotated[
        Path | None, typer.Option("--export", hidden=True, help="Write the last view as SVG.")
    ] = None,
) -> None:
    """Show the whole pipeline on this machine, around simulated instruments."""
    started_s = time.time()
    from soclab_simulators.demo.entry import Options, parse_duration, run_demo  # noqa: PLC0415

    try:
        limit_s = parse_duration(duration) if duration else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from error
    options = Options(
        limit_s=limit_s,
        as_json=as_json,
        recording=recording,
        speed=speed,
        root=state,
        fresh=fresh,
        export=export,
        started_s=started_s,
    )
    raise typer.Exit(run_demo(options))
