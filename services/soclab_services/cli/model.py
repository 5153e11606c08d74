"""``soclab model``: models of batteries, from recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from soclab_services.battery_model.model import Chemistry

app = typer.Typer(help="Make models of batteries.", no_args_is_help=True)


Recorded = Annotated[Path, typer.Argument(help="Begins with a full battery (Parquet).")]
OutFile = Annotated[Path, typer.Option("--out", "-o", help="Model file (JSON).")]
PlotFile = Annotated[Path | None, typer.Option(help="Figure of the fit (PNG or SVG).")]


@app.callback()
def _options() -> None:
    pass


@app.command("fit")
def fit_command(
    c20: Recorded,
    hppc: Recorded,
    chemistry: Annotated[str, typer.Option(help="la or lfp")],
    capacity_ah: Annotated[float, typer.Option("--capacity-ah", help="At C/20.")],
    out: OutFile,
    plot: PlotFile = None,
) -> None:
    """Fit a model to a slow cycle (C20) and to pulses with rests (HPPC)."""
    from soclab_services.battery_model import from_recordings  # noqa: PLC0415  quick --help
    from soclab_services.battery_model.model import save_model  # noqa: PLC0415  quick --help

    if chemistry not in {"la", "lfp"}:
        raise typer.BadParameter("la or lfp", param_hint="--chemistry")
    try:
        model = from_recordings.fit_files([c20, hppc], cast("Chemistry", chemistry), capacity_ah)
        save_model(model, out)
        if plot is not None:
            from soclab_services.battery_model.figure import draw_fit  # noqa: PLC0415  quick --help

            recordings = [
                from_recordings.load_characterisation(file, capacity_ah) for file in (c20, hppc)
            ]
            draw_fit(model, recordings, (c20.name, hppc.name), plot)
    except (OSError, ValueError) as error:
        typer.echo(f"soclab model fit: {error}", err=True)
        raise typer.Exit(65) from error  # EX_DATAERR
    typer.echo(f"{out}: {1000.0 * model.fit_rms_v:.1f} mV rms from the recordings")
