"""The Flux tasks of a demo: installed as on a server, run by InfluxDB or on a recording's clock."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from influxdb_client import InfluxDBClient
from influxdb_client.client.flux_csv_parser import FluxQueryException
from influxdb_client.rest import ApiException
from soclab_services.influxdb.access import ORG, TASK_TOKEN
from urllib3.exceptions import HTTPError

from soclab_simulators.demo.picture import UnitLine
from soclab_simulators.demo.programs import program
from soclab_simulators.demo.state import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from influxdb_client import TasksApi
    from soclab_services.influxdb.server import Server

_POLL_S: Final = 0.1
_TIMEOUT_S: Final = 120.0
_MOST_ATTEMPTS: Final = 5
_LOOK_EVERY_S: Final = 5.0


class Tasks:
    """Installs the tasks with the command that an administrator uses, and runs them on demand.

    Installing goes on in the background and is tried again while InfluxDB is away.

    Parameters
    ----------
    server, config
        Where to install them, and the server's configuration.
    take_over
        Keep InfluxDB from running them: its clock is not that of a recording.
    """

    def __init__(self, server: Server, config: Path, *, take_over: bool) -> None:
        self._take_over = take_over
        self._command = [program("soclab"), "flux", "install", "--config", str(config)]
        self._url = server.url
        self._token = (server.secrets / TASK_TOKEN).read_text()
        self._sources: list[str] = []
        self._failed: list[str] = []
        self._next_look = 0.0
        self._attempts = 0
        self._installing: subprocess.Popen[str] | None = self._install()

    def installed(self) -> bool:
        """Tell whether they are installed.

        Raises
        ------
        DemoError
            If they cannot be.
        """
        if self._installing is None:
            return True
        if self._installing.poll() is None:
            return False
        _, said = self._installing.communicate()
        if self._installing.returncode == 0:
            self._installing = None
            if self._take_over:
                self._deactivate()
            return True
        if self._installing.returncode != os.EX_UNAVAILABLE or self._attempts >= _MOST_ATTEMPTS:
            raise DemoError(f"the Flux tasks could not be installed: {said.strip()}")
        self._installing = self._install()
        return False

    def describe(self) -> UnitLine:
        """Return how they are doing, as a line among the programs."""
        if self._installing is not None:
            return UnitLine("tasks", "being installed", fine=True)
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + _LOOK_EVERY_S
            with contextlib.suppress(DemoError), self._client() as client:  # away: known is kept
                found = client.tasks_api().find_tasks()
                self._failed = [t.name for t in found if t.last_run_status == "failed"]
        if self._failed:
            return UnitLine("tasks", f"failed: {', '.join(self._failed)}", fine=False)
        return UnitLine("tasks", "running", fine=True)

    def close(self) -> None:
        """End an installation that is still going on."""
        if self._installing is not None:
            self._installing.kill()
            self._installing.communicate()

    def run(self) -> None:
        """Let InfluxDB run every task now and wait until all have succeeded."""
        with self._client() as client:
            api = client.tasks_api()
            for task in api.find_tasks():
                run = api.run_manually(task.id)
                deadline = time.monotonic() + _TIMEOUT_S
                while (status := _status(api, task.id, run.id)) != "success":
                    if status in {"failed", "canceled"} or time.monotonic() > deadline:
                        logs = api.get_run_logs(task.id, run.id)
                        said = logs[-1].message if logs else "nothing"
                        raise DemoError(f"Flux task {task.name} is {status}; it said: {said}")
                    time.sleep(_POLL_S)

    def run_at(self, now: datetime) -> None:
        """Run every task as InfluxDB would have done at that moment."""
        pinned = f"option now = () => {now.isoformat()}\noption task"
        with self._client() as client:
            for source in self._sources:
                client.query_api().query(source.replace("option task", pinned, 1))

    def _deactivate(self) -> None:
        with self._client() as client:
            api = client.tasks_api()
            for task in api.find_tasks():
                self._sources.append(task.flux)
                task.status = "inactive"
                api.update_task(task)

    @contextlib.contextmanager
    def _client(self) -> Iterator[InfluxDBClient]:
        try:
            with InfluxDBClient(self._url, token=self._token, org=ORG, timeout=60_000) as client:
                yield client
        except (ApiException, FluxQueryException, HTTPError) as error:
            said = getattr(error, "message", None) or error  # an ApiException shows every header
            raise DemoError(f"the Flux tasks could not be run: {said}") from error

    def _install(self) -> subprocess.Popen[str]:
        self._attempts += 1
        return subprocess.Popen(
            self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,  # Ctrl-C is for the demo to handle
        )


def _status(api: TasksApi, task_id: str, run_id: str) -> str:
    """Return how a run is going; for a moment after it is asked for, InfluxDB does not know it."""
    try:
        return str(api.get_run(task_id, run_id).status)
    except ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return "unknown"
