"""The program ``soclab-uploader``: takes readings from the spool to InfluxDB."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soclab_collectors.config import Config, load_config
from soclab_collectors.errors import ConfigError
from soclab_collectors.logs import configure_logging
from soclab_collectors.spool.boots import BootDates
from soclab_collectors.uploader.quarantine import Quarantine
from soclab_collectors.uploader.resend import resend
from soclab_collectors.uploader.status import describe, status

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_CONFIG: Final = Path("/etc/soclab/collectors.toml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code (sysexits.h)."""
    options = _parser().parse_args(arguments)
    configure_logging(verbose=options.verbose)
    try:
        return int(options.command(load_config(options.config), options))
    except ConfigError as error:
        return _complain(str(error), ConfigError.EXIT_CODE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="soclab-uploader", description="Take readings from the spool to InfluxDB."
    )
    parser.add_argument("--verbose", "-v", action="store_true", help="log every detail")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config", type=Path, default=DEFAULT_CONFIG, help="default: %(default)s", metavar="FILE"
    )
    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--json", action="store_true", help="print JSON")

    run = commands.add_parser("run", parents=[common], help="upload until stopped")
    run.set_defaults(command=_run)
    check = commands.add_parser(
        "check",
        parents=[common],
        help="check configuration, token and server without storing anything;"
        " exits 0, 78 if a person must change something, 69 if the server is away",
    )
    check.set_defaults(command=_check)
    show = commands.add_parser(
        "status", parents=[common, machine], help="show what waits, is refused or has no date"
    )
    show.set_defaults(command=_status)
    quarantine = commands.add_parser("quarantine", help="see to lines that the server refused")
    actions = quarantine.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", parents=[common, machine], help="show lines and reasons")
    listing.set_defaults(command=_quarantine_list)
    retry = actions.add_parser("retry", parents=[common, machine], help="send all of them again")
    retry.set_defaults(command=_quarantine_retry)
    again = commands.add_parser(
        "resend",
        parents=[common, machine],
        help="send archived readings again, to a server that was restored from an older backup",
    )
    again.set_defaults(command=_resend)
    date = commands.add_parser(
        "date",
        parents=[common],
        help="date the readings of a boot whose clock was never right; this cannot be undone",
    )
    date.add_argument("boot_id", metavar="BOOT_ID", help="as soclab-uploader status shows it")
    date.add_argument(
        "--started",
        required=True,
        type=_moment,
        metavar="TIME",
        help="when that boot began, such as 2026-11-21T12:00:00Z",
    )
    date.set_defaults(command=_date)
    return parser


def _run(config: Config, _options: argparse.Namespace) -> int:
    from soclab_collectors.uploader.run import run_uploader  # noqa: PLC0415  only run needs it

    run_uploader(config)
    return os.EX_OK


def _check(config: Config, options: argparse.Namespace) -> int:
    from soclab_collectors.uploader.client import WriteClient  # noqa: PLC0415  it loads urllib3
    from soclab_collectors.uploader.verdict import Verdict  # noqa: PLC0415

    answer = WriteClient(config.uploader).write(b"")
    if answer.verdict is Verdict.STORED:
        print(f"{options.config}: good; {config.uploader.url} takes data")  # noqa: T201
        return os.EX_OK
    what = f"{config.uploader.url}: {answer.status or 'no answer'}: {answer.message[:300]}"
    if answer.verdict in {Verdict.FAILED, Verdict.BUSY}:
        return _complain(what, os.EX_UNAVAILABLE)
    return _complain(f"{what}. {answer.remedy}", ConfigError.EXIT_CODE)


def _status(config: Config, options: argparse.Namespace) -> int:
    found = status(Path(config.spool.directory))
    print(json.dumps(found) if options.json else describe(found))  # noqa: T201
    return os.EX_OK


def _resend(config: Config, options: argparse.Namespace) -> int:
    archive = config.spool.archive_directory
    done = resend(Path(config.spool.directory), Path(archive) if archive else None)
    print(json.dumps(done) if options.json else f"{done['segments']} segments go again")  # noqa: T201
    return os.EX_OK


def _quarantine_list(config: Config, options: argparse.Namespace) -> int:
    quarantine = Quarantine(Path(config.spool.directory), 0)
    found = {name: quarantine.entries(name) for name in quarantine.names()}
    if options.json:
        rows = [
            {"instrument": name, "reason": entry.reason, "line": entry.line.decode()}
            for name, entries in found.items()
            for entry in entries
        ]
        print(json.dumps(rows))  # noqa: T201
        return os.EX_OK
    for name, entries in found.items():
        reasons = Counter(entry.reason.partition(" ")[2] for entry in entries)
        for reason, count in reasons.most_common():
            example = next(e.line.decode() for e in entries if e.reason.endswith(reason))
            print(f"{name}: {count} lines: {reason}\n  such as {example[:120]}")  # noqa: T201
    if not any(found.values()):
        print("nothing in quarantine")  # noqa: T201
    return os.EX_OK


def _quarantine_retry(config: Config, options: argparse.Namespace) -> int:
    quarantine = Quarantine(Path(config.spool.directory), 0)
    returned = {}
    for name in quarantine.names():
        try:
            returned[name] = quarantine.retry(name)
        except FileExistsError as error:
            return _complain(f"an earlier retry still waits in {error}", os.EX_TEMPFAIL)
    if options.json:
        print(json.dumps(returned))  # noqa: T201
    else:
        total = sum(returned.values())
        print(f"{total} lines are in the spool again")  # noqa: T201
    return os.EX_OK


def _date(config: Config, options: argparse.Namespace) -> int:
    directory = Path(config.spool.directory)
    boots = BootDates(directory)
    undated = status(directory)["undated_boots"]
    if options.boot_id not in undated:
        known = ", ".join(undated) or "none"
        return _complain(
            f"no reading of boot {options.boot_id} waits for a date; boots that do: {known}",
            os.EX_DATAERR,
        )
    boots.fix(options.boot_id, round(options.started.timestamp() * 1e9), "by hand")
    print(f"boot {options.boot_id} began {options.started.isoformat()}")  # noqa: T201
    return os.EX_OK


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no time zone: add Z for UTC")
    return moment.astimezone(UTC)


def _complain(message: str, code: int) -> int:
    print(f"soclab-uploader: {message}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main())
