"""The Flux tasks of a demo: installed as on a server, run by InfluxDB or on a recording's clock."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Final

from influxdb_client import InfluxDBClient
from influxdb_client.client.flux_csv_parser import FluxQueryException
from influxdb_client.rest import ApiException
from soclab_services.influxdb.onboarding import ORG, TASK_TOKEN

from soclab_simulators.demo.programs import program
from soclab_simulators.demo.state import DemoError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from soclab_services.influxdb.server import Server

_POLL_S: Final = 0.1
_TIMEOUT_S: Final = 120.0


class Tasks:
    """Installs the tasks with the command that an administrator uses, and runs them on demand."""

    def __init__(self, server: Server, config: Path) -> None:
        done = subprocess.run(
            [program("soclab"), "flux", "install", "--config", str(config)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = " / ".join(done.stderr.strip().splitlines()[-3:])
            raise DemoError(f"the Flux tasks could not be installed: {said}")
        self._url = server.url
        self._token = (server.secrets / TASK_TOKEN).read_text()
        self._sources: list[str] = []

    def run(self) -> None:
        """Let InfluxDB run every task now and wait until all have succeeded."""
        with self._client() as client:
            api = client.tasks_api()
            for task in api.find_tasks():
                run = api.run_manually(task.id)
                deadline = time.monotonic() + _TIMEOUT_S
                while (status := api.get_run(task.id, run.id).status) != "success":
                    if status in {"failed", "canceled"} or time.monotonic() > deadline:
                        logs = api.get_run_logs(task.id, run.id)
                        said = logs[-1].message if logs else "nothing"
                        raise DemoError(f"Flux task {task.name} is {status}; it said: {said}")
                    time.sleep(_POLL_S)

    def take_over(self) -> None:
        """Keep InfluxDB from running them: its clock is not that of a recording."""
        with self._client() as client:
            api = client.tasks_api()
            for task in api.find_tasks():
                self._sources.append(task.flux)
                task.status = "inactive"
                api.update_task(task)

    def run_at(self, now: datetime) -> None:
        """Run every task as InfluxDB would have done at that moment."""
        pinned = f"option now = () => {now.isoformat()}\noption task"
        with self._client() as client:
            for source in self._sources:
                try:
                    client.query_api().query(source.replace("option task", pinned, 1))
                except (ApiException, FluxQueryException) as error:
                    raise DemoError(f"a Flux task failed: {error}") from error

    def _client(self) -> InfluxDBClient:
        return InfluxDBClient(self._url, token=self._token, org=ORG, timeout=60_000)
