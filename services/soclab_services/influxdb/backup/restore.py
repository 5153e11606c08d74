"""Puts a backup into a server that nobody has set up yet."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from soclab_services.influxdb.api import Api
from soclab_services.influxdb.backup.files import COUNTS, manifest_of, shards_of, verify
from soclab_services.influxdb.backup.make import count
from soclab_services.influxdb.errors import InfluxdbError

if TYPE_CHECKING:
    from pathlib import Path


class BucketCount(NamedTuple):
    """Points of a bucket at the time of the backup, and after the restore."""

    bucket: str
    recorded: int
    restored: int


def restore(url: str, folder: Path, ca_file: Path | None = None) -> Api:
    """Restore everything, tokens and passwords included; return the server with its new token.

    Raises
    ------
    InfluxdbError
        If the backup is not whole, or the server was set up before: a restore removes all it has.
    """
    verify(folder)
    manifest = manifest_of(folder)
    api = Api(url, "", ca_file)
    if not api.call("GET", "/api/v2/setup")["allowed"]:
        raise InfluxdbError(
            f"{url} has been set up already",
            "Restore into a server with an empty data folder; what it holds would be lost.",
        )
    throw_away = secrets.token_urlsafe(32)
    request = {
        "username": "restore",
        "password": secrets.token_urlsafe(32) + "-Aa1",  # what --strong-passwords asks for
        "org": "restore",
        "bucket": "restore",
        "token": throw_away,
    }
    api.call("POST", "/api/v2/setup", request)
    api.token = throw_away
    # From here on the server has the tokens of the backup; it names its operator's.
    api.token = _send(api, "/api/v2/restore/kv", folder / manifest["kv"]["fileName"])["token"]
    _send(api, "/api/v2/restore/sql", folder / manifest["sql"]["fileName"])
    for shard in shards_of(manifest):
        _send(api, f"/api/v2/restore/shards/{shard['id']}", folder / shard["fileName"])
    return api


def _send(api: Api, path: str, file: Path) -> Any:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/octet-stream"}
    with file.open("rb") as body, api.stream("POST", path, body=body, headers=headers) as answer:
        data = answer.read()
    return json.loads(data) if data else None


def compare(api: Api, folder: Path) -> list[BucketCount]:
    """Count every bucket of a restored server.

    Raises
    ------
    InfluxdbError
        If one has fewer points than when the backup was made.
    """
    recorded = json.loads((folder / COUNTS).read_text(encoding="utf-8"))
    counts = [BucketCount(one["bucket"], one["points"], count(api, one)) for one in recorded]
    short = [
        f"{one.bucket} has {one.restored} of {one.recorded} points"
        for one in counts
        if one.restored < one.recorded
    ]
    if short:
        raise InfluxdbError(
            f"{folder} does not bring everything back: {', '.join(short)}",
            "Make a new backup; if data was deleted while this one was made, that is why.",
        )
    return counts
