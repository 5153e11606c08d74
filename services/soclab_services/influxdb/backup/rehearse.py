"""Restores a backup into an influxd that exists for this only: a backup is what was restored."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

from soclab_services.influxdb.backup.restore import BucketCount, compare, restore
from soclab_services.influxdb.errors import InfluxdbError
from soclab_services.influxdb.onboarding import is_ready
from soclab_services.influxdb.server import Server

_START_S: Final = 60.0
_STOP_S: Final = 60.0
_OPTIONS: Final = (
    "--no-tasks",  # they would compute on
    "--storage-retention-check-interval=87600h",  # an old backup must not fade while it is counted
)


class Rehearsal(NamedTuple):
    """What a restore brought back, and how long it took."""

    backup: str
    buckets: list[BucketCount]
    tasks: int
    tokens: int
    duration_s: float


def rehearse(binary: Path, folder: Path, scratch: Path) -> Rehearsal:
    """Restore ``folder`` into a throw-away server in ``scratch``, on loopback, and count.

    Raises
    ------
    InfluxdbError
        If the server does not start, or not everything came back.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=scratch, prefix=".rehearsal-") as name:
        server, log = Server(Path(name)), Path(name) / "log"
        with (
            log.open("wb") as output,
            subprocess.Popen(
                [*server.command(binary), *_OPTIONS], stdout=output, stderr=output
            ) as process,
        ):
            try:
                _await(server, process, log)
                api = restore(server.url, folder)
                counts = compare(api, folder)
                tasks = api.call("GET", "/api/v2/tasks?limit=500")["tasks"]
                tokens = api.call("GET", "/api/v2/authorizations")["authorizations"]
            finally:
                process.terminate()
                try:
                    process.wait(_STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
    return Rehearsal(folder.name, counts, len(tasks), len(tokens), time.monotonic() - started)


def _await(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not is_ready(server.url):
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace").strip().splitlines()[-3:]
            raise InfluxdbError(
                f"the throw-away server does not start: {' / '.join(said)}",
                "Check the disk space and the memory that it may use.",
            )
        time.sleep(0.1)
