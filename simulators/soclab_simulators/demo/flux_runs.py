"""Runs the Flux tasks once more, after the last reading, instead of waiting for their schedule."""

from __future__ import annotations

import time
from typing import Final

from influxdb_client import InfluxDBClient
from soclab_services.influxdb.onboarding import ORG

from soclab_simulators.demo.state import DemoError

_POLL_S: Final = 0.1
_TIMEOUT_S: Final = 120.0


def run_tasks_now(url: str, token: str) -> None:
    """Run every active task once, one after the other, and wait for each."""
    with InfluxDBClient(url, token=token, org=ORG, timeout=60_000) as client:
        api = client.tasks_api()
        for task in api.find_tasks():
            if task.status != "active":
                continue
            run = api.run_manually(task.id)
            deadline = time.monotonic() + _TIMEOUT_S
            while True:
                status = api.get_run(task.id, run.id).status
                if status == "success":
                    break
                if status in {"failed", "canceled"} or time.monotonic() > deadline:
                    logs = api.get_run_logs(task.id, run.id)
                    said = logs[-1].message if logs else "nothing"
                    raise DemoError(f"Flux task {task.name} is {status}; it said: {said}")
                time.sleep(_POLL_S)
