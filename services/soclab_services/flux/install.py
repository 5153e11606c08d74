"""Brings the tasks and buckets of an InfluxDB server to what the configuration says."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from influxdb_client import BucketRetentionRules, TaskCreateRequest, TaskUpdateRequest
from influxdb_client.service.tasks_service import TasksService
from soclab_collectors.measurements import BUCKET_DERIVED, BUCKET_RAW, BUCKET_ROLLUP

from soclab_services.flux.render import render
from soclab_services.flux.server import FluxError

if TYPE_CHECKING:
    from influxdb_client import InfluxDBClient

    from soclab_services.config.model import Config
    from soclab_services.flux.render import RenderedTask

_SECONDS_PER_DAY: Final = 86_400


class Change(NamedTuple):
    """What was or would be done, and to what."""

    what: str
    name: str
    diff: str = ""


def install(client: InfluxDBClient, config: Config, *, dry_run: bool = False) -> list[Change]:
    """Make buckets and tasks as configured; return what was changed, nothing if nothing was.

    Tasks are known by name: InfluxDB accepts two of one name, so they are listed first, and what
    there is twice is removed. An existing bucket keeps its retention: shortening it deletes data.

    Raises
    ------
    FluxError
        If the organisation cannot be seen with this token.
    """
    found = client.organizations_api().find_organizations(org=config.influxdb.org)
    if not found:
        raise FluxError(
            f"no organisation {config.influxdb.org}", "Mend influxdb.org or use another token."
        )
    changes = _buckets(client, config, dry_run=dry_run)
    for task in render(config):
        changes += _install_task(client, found[0].id, task, dry_run=dry_run)
    return changes


def _buckets(client: InfluxDBClient, config: Config, *, dry_run: bool) -> list[Change]:
    api = client.buckets_api()
    retention_s = {BUCKET_RAW: config.influxdb.raw_retention_d * _SECONDS_PER_DAY}
    changes = []
    for name in (BUCKET_RAW, BUCKET_ROLLUP, BUCKET_DERIVED):
        if api.find_bucket_by_name(name) is not None:
            continue
        changes.append(Change("create bucket", name))
        if not dry_run:
            rule = BucketRetentionRules(type="expire", every_seconds=retention_s.get(name, 0))
            api.create_bucket(bucket_name=name, org=config.influxdb.org, retention_rules=rule)
    return changes


def _install_task(
    client: InfluxDBClient, org_id: str, task: RenderedTask, *, dry_run: bool
) -> list[Change]:
    service = TasksService(client.api_client)
    status = "active" if task.active else "inactive"
    there: list[Any] = service.get_tasks(name=task.name, org_id=org_id).tasks or []
    if not there:
        if not task.active:
            return []
        if not dry_run:
            request = TaskCreateRequest(org_id=org_id, flux=task.flux, status=status)
            service.post_tasks(task_create_request=request)
        return [Change("create task", task.name)]
    kept, *copies = sorted(there, key=lambda t: str(t.id))  # the oldest keeps its history of runs
    for copy in copies:
        if not dry_run:
            service.delete_tasks_id(task_id=copy.id)
    changes = [Change("remove second task", task.name) for _ in copies]
    if (kept.flux, kept.status) != (task.flux, status):
        changes.append(Change("update task", task.name, _diff(kept, task.flux, status)))
        if not dry_run:
            update = TaskUpdateRequest(flux=task.flux, status=status)
            service.patch_tasks_id(task_id=kept.id, task_update_request=update)
    return changes


def _diff(there: Any, flux: str, status: str) -> str:
    """Return the change as diff(1) does, without the lines that stay."""
    before = [f"status: {there.status}", *there.flux.splitlines()]
    after = [f"status: {status}", *flux.splitlines()]
    lines = difflib.unified_diff(before, after, "installed", "configured", n=0, lineterm="")
    return "\n".join(lines)
