"""The command ``soclab``: a table of contents.

Every part imports what it needs when it runs, so that ``soclab --help`` and completion are quick.
"""

from __future__ import annotations

import sys
from importlib import metadata
from typing import Annotated

import typer

from soclab_services.cli import estimator, flux, forecast, influxdb, inventory, model, soc

app = typer.Typer(
    name="soclab",
    help="An open-source lab for batteries that deploys itself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a traceback should be one, also in a log file
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"soclab {metadata.version('soclab-services')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    pass


app.add_typer(influxdb.app, name="influxdb")
app.add_typer(flux.app, name="flux")
app.add_typer(soc.app, name="soc")
app.add_typer(estimator.app, name="estimator")
app.add_typer(model.app, name="model")
app.add_typer(forecast.app, name="forecast")
app.add_typer(inventory.app, name="inventory")
for _command in metadata.entry_points(group="soclab.commands"):
    app.add_typer(_command.load())  # without a name: its commands become commands of soclab


# What a package installed without an extra lacks.
_ESTIMATION = {"matplotlib", "numba", "pyarrow", "scipy"}


def main() -> None:
    """Run the command; exit codes are those of sysexits.h where one fits."""
    try:
        sys.exit(app())
    except ModuleNotFoundError as error:
        if error.name not in _ESTIMATION:
            raise
        typer.echo(
            f"soclab: this command needs {error.name}, which is not installed. With pip:"
            " pip install 'soclab-services[estimation]'; on the lab's server:"
            " services_extras: [estimation] in its inventory, and ansible/site.yml again",
            err=True,
        )
        sys.exit(69)  # EX_UNAVAILABLE


if __name__ == "__main__":
    main()
