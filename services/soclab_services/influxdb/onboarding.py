"""Makes a running InfluxDB server ready for soclab: owner, buckets, and a token per purpose."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import urllib3
from influxdb_client import (
    Authorization,
    BucketRetentionRules,
    InfluxDBClient,
    OnboardingRequest,
    Permission,
    PermissionResource,
)
from influxdb_client.rest import ApiException
from influxdb_client.service.setup_service import SetupService
from soclab_collectors.measurements import BUCKET_RAW

from soclab_services.influxdb.access import BUCKETS, ORG, OWNER, TASK_TOKEN, TOKENS
from soclab_services.influxdb.errors import InfluxdbError
from soclab_services.influxdb.secret_files import read_or_generate, write_secret

if TYPE_CHECKING:
    from pathlib import Path


def is_ready(url: str) -> bool:
    """Tell whether the server answers that it is healthy."""
    try:
        answer = urllib3.request("GET", f"{url}/health", retries=False, timeout=2.0)
    except urllib3.exceptions.HTTPError:
        return False  # not listening yet
    return answer.status == HTTPStatus.OK


def set_up(url: str, secrets: Path, retention_s: int = 0) -> None:
    """Set the server up as far as it is not; every secret is a file in ``secrets``.

    Parameters
    ----------
    url, secrets
        The server, and the folder for ``admin_token``, ``admin_password`` and ``TOKENS``.
    retention_s
        How long raw readings are kept; 0 keeps them forever.
    """
    admin_token = read_or_generate(secrets / "admin_token")
    with InfluxDBClient(url, token="") as anonymous:
        setup = SetupService(anonymous.api_client)
        if setup.get_setup().allowed:
            request = OnboardingRequest(
                username=OWNER,
                # Letters of each kind, a digit and a sign: what --strong-passwords asks for.
                password=read_or_generate(secrets / "admin_password", suffix="-Aa1"),
                org=ORG,
                bucket=BUCKET_RAW,
                retention_period_seconds=retention_s,
                token=admin_token,
            )
            setup.post_setup(request)
    with InfluxDBClient(url, token=admin_token, org=ORG) as client:
        try:
            _make_buckets(client)
            _make_tokens(client, secrets)
        except ApiException as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise
            raise InfluxdbError(
                f"InfluxDB at {url} does not know the token in {secrets}",
                "It was set up by someone else; start with a fresh state folder.",
            ) from error


def _make_buckets(client: InfluxDBClient) -> None:
    buckets = client.buckets_api()
    for name in BUCKETS:
        if buckets.find_bucket_by_name(name) is None:
            forever = BucketRetentionRules(type="expire", every_seconds=0)
            buckets.create_bucket(bucket_name=name, org=ORG, retention_rules=forever)


def _make_tokens(client: InfluxDBClient, secrets: Path) -> None:
    missing = [name for name in TOKENS if not (secrets / name).exists()]
    if not missing:
        return
    org_id = client.organizations_api().find_organizations(org=ORG)[0].id
    ids = {name: client.buckets_api().find_bucket_by_name(name).id for name in BUCKETS}
    for name in missing:
        permissions = [
            Permission(
                action=action,
                resource=PermissionResource(type="buckets", id=ids[bucket], org_id=org_id),
            )
            for bucket, actions in TOKENS[name].items()
            for action in actions
        ]
        if name == TASK_TOKEN:
            tasks = PermissionResource(type="tasks", org_id=org_id)
            permissions += [Permission(action=a, resource=tasks) for a in ("read", "write")]
            organisation = PermissionResource(type="orgs", id=org_id, org_id=org_id)
            permissions.append(Permission(action="read", resource=organisation))
        authorization = client.authorizations_api().create_authorization(
            authorization=Authorization(
                org_id=org_id, permissions=permissions, description=f"soclab {name}"
            )
        )
        write_secret(secrets / name, authorization.token)
