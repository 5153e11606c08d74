"""``soclab forecast``: state of charge over the next 24 hours, from a battery's own history."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from soclab_services.cli.flux import DEFAULT_CONFIG, AsJson, ConfigFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soclab_services.forecast.history import History
    from soclab_services.forecast.score import Comparison

app = typer.Typer(help="Forecast state of charge for 24 hours.", no_args_is_help=True)

HistoryFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE",
        help="Recording with soc_ppm, or estimates with soc_pct (Parquet).",
    ),
]
Column = Annotated[
    str | None, typer.Option(help="Another column of FILE, with _pct or _ppm at its end.")
]
Battery = Annotated[
    str | None, typer.Option(help="Instead of FILE: a battery whose `soc` the lab's InfluxDB has.")
]
SocMethod = Annotated[str, typer.Option("--method", help="Whose `soc`: coulomb, ekf, ...")]
TrainDays = Annotated[int, typer.Option(min=1, help="So many last days of the battery.")]
ModelFile = Annotated[Path, typer.Option("--model", help="What `soclab forecast train` wrote.")]


@app.command("train")
def train_command(
    out: Annotated[Path, typer.Option("--out", "-o", help="The winner (JSON).")],
    file: HistoryFile = None,
    column: Column = None,
    battery: Battery = None,
    method: SocMethod = "coulomb",
    days: TrainDays = 120,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Learn from a history; keep what it learned only if it beats simple rules on days held back.

    Otherwise the best simple rule is written, so that `soclab forecast run` always has the winner.
    """
    source = _Source(file, column, battery, method, days, config)
    with _explained("train"):
        import msgspec  # noqa: PLC0415  quick --help

        from soclab_services.forecast import forecaster, training  # noqa: PLC0415  quick --help

        history = source.history()
        comparison = training.compare(history)
        winner = training.fit_winner(history, comparison)
        forecaster.save_forecaster(forecaster.forecaster(history, winner, comparison), out)
    if as_json:
        about = {"source": history.source, "known_days": history.known_days}
        result = {"winner": winner.method, "out": str(out)}
        typer.echo(json.dumps({**about, **msgspec.to_builtins(comparison), **result}))
        return
    typer.echo(f"{history.source}: {history.known_days:.1f} days")
    _print_comparison(comparison)
    typer.echo(f"{out}: {winner.method}")


@app.command("run")
def run_command(
    model: ModelFile,
    file: HistoryFile = None,
    column: Column = None,
    battery: Battery = None,
    method: SocMethod = "coulomb",
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Forecast the 24 hours after the last one of a history, with a 90 % band."""
    with _explained("run"):
        from soclab_services.forecast import forecaster, situations  # noqa: PLC0415  quick --help

        used = forecaster.load_forecaster(model)
        # A day more than is averaged: changes begin the day before.
        source = _Source(file, column, battery, method, situations.WINDOW_DAYS + 1, config)
        hours = forecaster.forecast(used, source.history())
    if as_json:
        begin, *rest = [hour._asdict() for hour in hours]
        typer.echo(
            json.dumps(
                {
                    "method": used.method,
                    "clock": used.clock,
                    "band_level": used.band_level,
                    "from": {"time": begin["time"], "soc_pct": begin["soc_pct"]},
                    "hours": rest,
                }
            )
        )
        return
    typer.echo(f"{used.method}, from {hours[0].time} at {hours[0].soc_pct:.1f} %")
    typer.echo(f"{'time':<18} {'soc':>6}   {used.band_level:.0%} band")
    for hour in hours[1:]:
        typer.echo(
            f"{hour.time!s:<18} {hour.soc_pct:5.1f} %  {hour.low_pct:5.1f} to {hour.high_pct:.1f} %"
        )


@dataclasses.dataclass(frozen=True)
class _Source:
    """Where a history comes from: a file, or the lab's InfluxDB."""

    file: Path | None
    column: str | None
    battery: str | None
    method: str
    days: int
    config: Path

    def __post_init__(self) -> None:
        from soclab_collectors.measurements import NAME_PATTERN  # noqa: PLC0415  quick --help

        if (self.file is None) == (self.battery is None):
            raise typer.BadParameter("give either FILE or --battery")
        if self.battery is not None and self.column is not None:
            raise typer.BadParameter("goes with FILE", param_hint="--column")
        for name, hint in ((self.battery, "--battery"), (self.method, "--method")):
            if name is not None and not re.match(NAME_PATTERN, name):
                raise typer.BadParameter(f"{name!r} is no name", param_hint=hint)

    def history(self) -> History:
        if self.file is not None:
            from soclab_services.forecast.history_file import load_history  # noqa: PLC0415

            return load_history(self.file, self.column)
        from soclab_services.config import load_config  # noqa: PLC0415  quick --help
        from soclab_services.flux.server import connect  # noqa: PLC0415  quick --help
        from soclab_services.forecast.history_influxdb import fetch_history  # noqa: PLC0415

        with connect(load_config(self.config).influxdb) as client:
            return fetch_history(client, str(self.battery), self.method, self.days)


def _print_comparison(comparison: Comparison) -> None:
    typer.echo(f"errors on the last {comparison.held_back_days} days, which were held back:")
    typer.echo(
        f"  {'forecaster':<18} {'mean':>7} {'rms':>7} {'at 24 h':>8} {'in band':>8} {'width':>9}"
    )
    for name, one in sorted(comparison.scores.items(), key=lambda item: item[1].mae_pct):
        typer.echo(
            f"  {name:<18} {one.mae_pct:5.2f} % {one.rmse_pct:5.2f} % {one.mae_at_24h_pct:6.2f} %"
            f" {one.within_band:8.0%} {one.band_width_pct:7.1f} %"
        )
    gain = f"{abs(comparison.gain_pct):.2f} ± {comparison.gain_sigma_pct:.2f} %"
    best = comparison.best_baseline
    if comparison.learned_wins:
        typer.echo(f"The learned model beats {best} by {gain}: it is saved.")
    elif comparison.gain_pct > 0.0:
        typer.echo(f"The learned model is ahead of {best} by {gain}, which may be luck: not saved.")
    else:
        typer.echo(f"The learned model does not beat {best} ({gain} worse): not saved.")


@contextlib.contextmanager
def _explained(command: str) -> Iterator[None]:
    """Turn an error that a person can act on into a message and an exit code."""
    from soclab_collectors.errors import ConfigError  # noqa: PLC0415  quick --help

    from soclab_services.flux.server import FluxError  # noqa: PLC0415  quick --help

    try:
        yield
    except (OSError, ValueError, ConfigError, FluxError) as error:
        typer.echo(f"soclab forecast {command}: {error}", err=True)
        code = 65  # EX_DATAERR
        if isinstance(error, ConfigError):
            code = error.EXIT_CODE
        elif isinstance(error, FluxError):
            code = error.exit_code
        raise typer.Exit(code) from error
