"""Whether a server would run the tasks: it does, at a moment before all data."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from influxdb_client.rest import ApiException

from soclab_services.flux.render import render
from soclab_services.flux.server import FluxError

if TYPE_CHECKING:
    from influxdb_client import InfluxDBClient

    from soclab_services.config.model import Config

# A month after the beginning of time as InfluxDB knows it: nothing is found, nothing written.
_BEFORE_ALL_DATA: Final = "1970-02-01T00:00:00Z"


def check(client: InfluxDBClient, config: Config) -> list[str]:
    """Run every task where there is no data; return their names.

    Analysing the source alone would miss wrong types, absent buckets and missing permissions.

    Raises
    ------
    FluxError
        If one does not run.
    """
    tasks = render(config)
    for task in tasks:
        pinned = f"option now = () => {_BEFORE_ALL_DATA}\noption task"
        try:
            client.query_api().query(task.flux.replace("option task", pinned, 1))
        except ApiException as error:
            if error.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                raise  # about the token, not about the task
            said = error.message or error.body
            raise FluxError(
                f"task {task.name} does not run: {said}",
                "Run soclab flux install if a bucket is missing.",
            ) from error
    return [task.name for task in tasks]
