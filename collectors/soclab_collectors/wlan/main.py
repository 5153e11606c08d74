"""The program ``soclab-wlan-reconnect``: brings the network of this machine back."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soclab_collectors import systemd
from soclab_collectors.collector.stop import Stopper, StopUnit
from soclab_collectors.errors import ConfigError
from soclab_collectors.logs import configure_logging
from soclab_collectors.spool import SpoolWriter
from soclab_collectors.wlan import observe
from soclab_collectors.wlan.backends import detect
from soclab_collectors.wlan.commands import run
from soclab_collectors.wlan.config import WlanConfig, load_wlan_config
from soclab_collectors.wlan.memory import Memory, since_boot_s
from soclab_collectors.wlan.report import NAME, Reporter
from soclab_collectors.wlan.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_CONFIG: Final = Path("/etc/soclab/wlan.toml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code (sysexits.h)."""
    options = _parser().parse_args(arguments)
    configure_logging(verbose=options.verbose)
    try:
        return int(options.command(load_wlan_config(options.config), options))
    except ConfigError as error:
        print(f"soclab-wlan-reconnect: {error}", file=sys.stderr)  # noqa: T201
        return ConfigError.EXIT_CODE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="soclab-wlan-reconnect", description=__doc__)
    parser.add_argument("--verbose", "-v", action="store_true", help="log every detail")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config", type=Path, default=DEFAULT_CONFIG, help="default: %(default)s", metavar="FILE"
    )
    watch = commands.add_parser("run", parents=[common], help="watch and repair until stopped")
    watch.set_defaults(command=_run)
    check = commands.add_parser("check", parents=[common], help="validate the configuration only")
    check.set_defaults(command=_check)
    probe = commands.add_parser(
        "probe", parents=[common], help="look once and change nothing; exits 0, or 69 in trouble"
    )
    probe.add_argument("--json", action="store_true", help="print JSON")
    probe.set_defaults(command=_probe)
    return parser


def _run(config: WlanConfig, _options: argparse.Namespace) -> int:
    stopper = Stopper()
    spool = SpoolWriter(Path(config.spool.directory) / NAME, config.spool)
    watch = Watch(
        config,
        observe.Observer(config, run),
        run,
        Memory(Path(config.state_directory)),
        Reporter(config.site, spool),
        since_boot_s,
    )
    gc.freeze()  # what start-up allocated stays: the collector need not look at it again
    systemd.notify("READY=1")
    try:
        while True:
            watch.check()
            systemd.notify("WATCHDOG=1")
            with stopper.waiting():
                time.sleep(config.check_s)
    except StopUnit:
        systemd.notify("STOPPING=1")
    finally:
        spool.close()
    return os.EX_OK


def _check(config: WlanConfig, options: argparse.Namespace) -> int:
    print(f"{options.config}: good; {config.interface} to {config.server()}")  # noqa: T201
    return os.EX_OK


def _probe(config: WlanConfig, options: argparse.Namespace) -> int:
    seen = observe.Observer(config, run).look()
    backend = detect(config.interface, run) if config.backend == "auto" else config.backend
    found = {
        "interface": config.interface,
        "server": str(config.server()),
        "path": seen.path.value,
        "reason": seen.reason,
        "duration_s": round(seen.connect_s, 3),
        "backend": backend,
    }
    if options.json:
        print(json.dumps(found))  # noqa: T201
    else:
        for key, value in found.items():
            print(f"{key:<11} {value}")  # noqa: T201
    return os.EX_OK if seen.path is observe.Path.SERVER else os.EX_UNAVAILABLE


if __name__ == "__main__":
    sys.exit(main())
