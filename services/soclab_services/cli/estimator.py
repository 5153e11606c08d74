"""``soclab estimator``: state of charge by filters, live."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

app = typer.Typer(help="Estimate state of charge live.", no_args_is_help=True)

ConfigFile = Annotated[Path, typer.Option("--config", help="The estimator's configuration.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
DEFAULT_CONFIG = Path("/etc/soclab/estimator.toml")


@app.command("run")
def run_command(
    config: ConfigFile = DEFAULT_CONFIG,
    once: Annotated[bool, typer.Option("--once", help="Do what there is to do, and end.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every detail.")] = False,
) -> None:
    """Estimate until stopped."""
    from soclab_collectors.logs import configure_logging  # noqa: PLC0415  quick --help

    from soclab_services.estimator.config import load_estimator_config  # noqa: PLC0415

    configure_logging(verbose=verbose)
    with _explained("run"):
        loaded = load_estimator_config(config)
        from soclab_services.estimator.run import run, run_once  # noqa: PLC0415  it loads numba

        (run_once if once else run)(loaded)


@app.command("check")
def check_command(
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the server.")] = False,
) -> None:
    """Check configuration, models, token and server; say since when there is data."""
    from soclab_services.estimator.config import load_estimator_config  # noqa: PLC0415

    with _explained("check"):
        loaded = load_estimator_config(config)
        from soclab_services.estimator.characteristics import (  # noqa: PLC0415  it loads numba
            characteristics,
        )

        for battery in loaded.batteries:
            characteristics(battery)
        first: dict[str, int] = {}
        if not offline:
            from soclab_services.estimator.influx import Influx  # noqa: PLC0415  quick --help
            from soclab_services.estimator.source import HOUR_NS, Source  # noqa: PLC0415

            source = Source(Influx(loaded.influxdb), loaded.influxdb.raw_bucket)
            now_ns = time.time_ns()
            start_ns = now_ns - loaded.timing.history_h * HOUR_NS
            first = source.first([(one, start_ns) for one in loaded.batteries], now_ns)
            source.newest_counted(loaded.influxdb.derived_bucket, now_ns, HOUR_NS)
    methods = {one.name: list(one.methods) for one in loaded.batteries}
    found = {
        one.name: {
            "methods": methods[one.name],
            "model": one.model_file or f"typical {one.chemistry}",
            "first_s": first[one.name] / 1e9 if one.name in first else None,
        }
        for one in loaded.batteries
    }
    if as_json:
        typer.echo(json.dumps(found))
        return
    for name, about in found.items():
        typer.echo(f"{name}: {', '.join(methods[name])}; model: {about['model']}")
        if not offline and name not in first:
            typer.echo(f"  no current_a of its instrument in {loaded.timing.history_h} h")
    if not found:
        typer.echo("no batteries")


@contextlib.contextmanager
def _explained(command: str) -> Iterator[None]:
    """Turn an error that a person can act on into a message and an exit code."""
    from soclab_collectors.errors import ConfigError  # noqa: PLC0415  quick --help

    from soclab_services.estimator.influx import ServerError  # noqa: PLC0415  quick --help

    try:
        yield
    except ConfigError as error:
        typer.echo(f"soclab estimator {command}: {error}", err=True)
        raise typer.Exit(ConfigError.EXIT_CODE) from error
    except ServerError as error:
        typer.echo(f"soclab estimator {command}: {error}", err=True)
        code = os.EX_UNAVAILABLE if error.away else ConfigError.EXIT_CODE
        raise typer.Exit(code) from error
