"""The program ``soclab-collector``: run, check or probe the instruments of this machine."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soclab_collectors.clock.create import create_clock
from soclab_collectors.config import Config, load_config
from soclab_collectors.errors import BadReplyError, ConfigError, UnavailableError
from soclab_collectors.logs import configure_logging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soclab_collectors.instruments.base import InstrumentConfig

DEFAULT_CONFIG: Final = Path("/etc/soclab/collectors.toml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code (sysexits.h)."""
    options = _parser().parse_args(arguments)
    configure_logging(verbose=options.verbose)
    try:
        config = load_config(options.config)
        return int(options.command(config, options))
    except ConfigError as error:
        print(f"soclab-collector: {error}", file=sys.stderr)  # noqa: T201
        return ConfigError.EXIT_CODE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="soclab-collector", description=__doc__)
    parser.add_argument("--verbose", "-v", action="store_true", help="log every detail")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config", type=Path, default=DEFAULT_CONFIG, help="default: %(default)s", metavar="FILE"
    )
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("name", metavar="NAME", help="name of the instrument in the configuration")
    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--json", action="store_true", help="print JSON")
    run = commands.add_parser(
        "run", parents=[common, named], help="read one instrument into the spool until stopped"
    )
    run.set_defaults(command=_run)
    check = commands.add_parser(
        "check", parents=[common, machine], help="validate the configuration without hardware"
    )
    check.set_defaults(command=_check)
    probe = commands.add_parser(
        "probe", parents=[common, named, machine], help="talk to one device once and print it"
    )
    probe.set_defaults(command=_probe)
    return parser


def _find(config: Config, options: argparse.Namespace) -> InstrumentConfig:
    for instrument in config.instruments:
        if instrument.name == options.name:
            return instrument
    known = ", ".join(i.name for i in config.instruments) or "none"
    raise ConfigError(
        f"{options.config}: instruments",
        f"there is no instrument named {options.name}",
        f"Configured are: {known}.",
    )


def _run(config: Config, options: argparse.Namespace) -> int:
    from soclab_collectors.collector.run import run_instrument  # noqa: PLC0415  check needs none

    run_instrument(config, _find(config, options))
    return os.EX_OK


def _check(config: Config, options: argparse.Namespace) -> int:
    ports = {i.name: i.port() for i in config.instruments}
    if options.json:
        print(json.dumps({"site": config.site, "instruments": ports}))  # noqa: T201
    else:
        print(f"{options.config}: good; site {config.site}")  # noqa: T201
        for name, port in ports.items():
            print(f"  {name}: {port}")  # noqa: T201
    return os.EX_OK


def _probe(config: Config, options: argparse.Namespace) -> int:
    instrument_config = _find(config, options)
    instrument = instrument_config.create(create_clock(config.clock, instrument_config.name))
    try:
        instrument.open()
        found = instrument.probe()
    except UnavailableError as error:
        hint = f"If soclab-collector@{options.name} is running, stop it first."
        print(f"soclab-collector: {options.name}: {error}. {hint}", file=sys.stderr)  # noqa: T201
        return os.EX_UNAVAILABLE
    except BadReplyError as error:
        print(f"soclab-collector: {options.name}: {error}", file=sys.stderr)  # noqa: T201
        return os.EX_PROTOCOL
    finally:
        instrument.close()
    if options.json:
        print(json.dumps(found))  # noqa: T201
    else:
        width = max(map(len, found), default=0)
        for key, value in found.items():
            print(f"{key:<{width}}  {value}")  # noqa: T201
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
