"""``soclab soc``: state of charge of recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from soclab_services.battery_model.model import BatteryModel
    from soclab_services.recordings.meta import Meta

app = typer.Typer(help="Estimate state of charge from recordings.", no_args_is_help=True)

# A model of so much more or less capacity is another battery's.
CAPACITY_TOLERANCE = 0.25

RecordingFile = Annotated[Path, typer.Argument(metavar="FILE", help="The recording (Parquet).")]
MetaFile = Annotated[Path, typer.Option("--meta", help="META.json of the recording.")]
ModelFile = Annotated[
    Path | None,
    typer.Option("--model", help="Model file; fitted from the META's characterisation if none."),
]


@app.command("estimate")
def estimate_command(
    file: RecordingFile,
    meta: MetaFile,
    out: Annotated[Path, typer.Option("--out", "-o", help="Estimates (Parquet).")],
    model: ModelFile = None,
    method: Annotated[str, typer.Option(help="coulomb, ekf, spkf or smoother")] = "ekf",
    scale_model: Annotated[
        bool, typer.Option("--scale-model", help="Scale a model of another capacity.")
    ] = False,
) -> None:
    """Write state of charge, its uncertainty, sensor bias and capacity for every sample."""
    from soclab_services.estimation.methods import METHODS  # noqa: PLC0415  quick --help
    from soclab_services.recordings.estimates import save_estimates  # noqa: PLC0415  quick --help
    from soclab_services.recordings.load import load_recording  # noqa: PLC0415  quick --help
    from soclab_services.recordings.meta import load_meta  # noqa: PLC0415  quick --help

    if method not in METHODS:
        raise typer.BadParameter(f"there are {', '.join(METHODS)}", param_hint="--method")
    try:
        known = load_meta(meta, file.stem)
        recording = load_recording(file, known.nominal_Ah)
        used = _model(model, known, [meta.parent, file.parent], scale=scale_model)
    except (OSError, ValueError) as error:
        typer.echo(f"soclab soc estimate: {error}", err=True)
        raise typer.Exit(65) from error  # EX_DATAERR
    for reason, count in recording.dropped.items():
        typer.echo(f"{file.name}: {count} rows not used: {reason}", err=True)
    estimated = METHODS[method](recording, used, known)
    save_estimates(
        recording,
        estimated,
        out,
        {"method": method, "recording": file.name, "model": json.dumps(used.provenance.recordings)},
    )


@app.command("score")
def score_command(
    file: RecordingFile,
    estimates: Annotated[Path, typer.Argument(help="What `soclab soc estimate` wrote.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Compare estimates with the true state of charge in a recording (soc_ppm)."""
    from soclab_services.estimation.metrics import score_files  # noqa: PLC0415  quick --help

    try:
        metrics = score_files(file, estimates)
    except (OSError, ValueError) as error:
        typer.echo(f"soclab soc score: {error}", err=True)
        raise typer.Exit(65) from error  # EX_DATAERR
    typer.echo(json.dumps(metrics._asdict()) if as_json else str(metrics))


def _model(path: Path | None, meta: Meta, folders: list[Path], *, scale: bool) -> BatteryModel:
    from soclab_services.battery_model import from_recordings  # noqa: PLC0415  quick --help
    from soclab_services.battery_model.model import load_model  # noqa: PLC0415  quick --help

    if path is not None:
        model = load_model(path)
    elif meta.char is None:
        raise ValueError("META names no characterisation (char); give --model")
    else:
        files = from_recordings.characterisation_files(meta.char, folders)
        model = from_recordings.fit_or_recall(files, meta.chem, meta.nominal_Ah)
    if model.chemistry != meta.chem:
        raise ValueError(f"the model is of {model.chemistry}, the recording of {meta.chem}")
    if scale:
        return model.scaled_to(meta.nominal_Ah)
    if abs(model.capacity_ah / meta.nominal_Ah - 1.0) > CAPACITY_TOLERANCE:
        raise ValueError(
            f"the model is of {model.capacity_ah:g} Ah, the recording of {meta.nominal_Ah:g} Ah;"
            " --scale-model takes it for as many such cells in parallel"
        )
    return model.scaled_to(meta.nominal_Ah) if model.capacity_ah != meta.nominal_Ah else model
