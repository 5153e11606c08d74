"""Makes a backup over the API while the server goes on working."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from soclab_services.influxdb.api import NotFoundError
from soclab_services.influxdb.backup import NAME_FORMAT
from soclab_services.influxdb.backup.files import (
    COUNTS,
    backups,
    manifest_of,
    prune,
    shards_of,
    verify,
    write_sums,
)
from soclab_services.influxdb.backup.multipart import parts
from soclab_services.influxdb.errors import InfluxdbError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from soclab_services.influxdb.api import Api

_MANIFEST_VERSION: Final = 2
_GZIP: Final = 1  # of the manifest's compression
_NS_PER_S: Final = 1_000_000_000
_CHUNK: Final = 1 << 20
# Retention may remove a shard while the backup runs: what is so near its end is not counted.
_EXPIRES_SOON: Final = timedelta(hours=2)


class Made(NamedTuple):
    """A finished and verified backup."""

    path: Path
    bytes: int
    shards: int
    points: int
    removed: list[str]


def make(api: Api, directory: Path, keep: int) -> Made:
    """Make and verify a backup, then remove the oldest beyond ``keep``.

    Raises
    ------
    InfluxdbError
        If the server refuses, the disk is full, or what was written is not what was sent. There is
        no new backup then, and none was removed.
    """
    with _alone(directory) as scratch:
        name = _free_name(directory)
        folder = scratch / name
        folder.mkdir(mode=0o700)
        try:
            manifest = _download(api, folder)
            write_sums(folder)
            size = verify(folder)
        except OSError as error:
            raise InfluxdbError(
                f"{directory} cannot take the backup: {error}", "Make room or keep fewer."
            ) from error
        target = directory / name
        folder.rename(target)
    counts = json.loads((target / COUNTS).read_text(encoding="utf-8"))
    return Made(
        path=target,
        bytes=size,
        shards=len(shards_of(manifest)),
        points=sum(count["points"] for count in counts),
        removed=prune(directory, keep),
    )


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[Path]:
    """Give a folder for a backup that is not finished; what an aborted one left there goes."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (directory / ".lock").open("w")
    except OSError as error:
        raise InfluxdbError(f"no backup can be written: {error}", "Name another folder.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InfluxdbError("another backup is under way", "Wait for it.") from error
        scratch = directory / ".unfinished"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _free_name(directory: Path) -> str:
    """Return the present second, or the next that no backup has: names sort by age."""
    moment = datetime.now(UTC)
    taken = {path.name for path in backups(directory)}
    while (name := moment.strftime(NAME_FORMAT)) in taken:
        moment += timedelta(seconds=1)
    return name


def _download(api: Api, folder: Path) -> dict[str, Any]:
    name, moment = folder.name, datetime.now(UTC)
    raw = folder / "metadata"
    with api.stream("GET", "/api/v2/backup/metadata") as answer:
        with raw.open("wb") as file:
            for chunk in answer.stream(_CHUNK):
                file.write(chunk)
        content_type = answer.headers.get("Content-Type", "")
    with parts(raw, content_type) as found:
        missing = {"kv", "sql", "buckets"} - found.keys()
        if missing:
            raise InfluxdbError(f"the metadata has no {missing}", "Report this: the API changed.")
        manifest: dict[str, Any] = {
            "manifestVersion": _MANIFEST_VERSION,
            "kv": _compress(found["kv"], folder / f"{name}.bolt.gz"),
            "sql": _compress(found["sql"], folder / f"{name}.sqlite.gz"),
            "buckets": json.loads(bytes(found["buckets"])),
        }
    raw.unlink()
    counts = [_count(api, bucket, moment) for bucket in manifest["buckets"]]
    for bucket in manifest["buckets"]:
        for policy in bucket["retentionPolicies"]:
            for group in policy["shardGroups"]:
                group["shards"] = [
                    shard | entry
                    for shard in group["shards"]
                    if (entry := _shard(api, shard["id"], folder))
                ]
    (folder / COUNTS).write_text(json.dumps(counts, indent=2), encoding="utf-8")
    (folder / f"{name}.manifest").write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    return manifest_of(folder)


def _compress(part: memoryview, target: Path) -> dict[str, Any]:
    with gzip.open(target, "wb") as file:
        file.write(part)
    return _entry(target)


def _shard(api: Api, shard_id: int, folder: Path) -> dict[str, Any] | None:
    """Store a shard; nothing if retention removed it meanwhile."""
    target = folder / f"{folder.name}.{shard_id}.tar.gz"
    try:
        with (
            api.stream("GET", f"/api/v2/backup/shards/{shard_id}") as answer,
            gzip.open(target, "wb", compresslevel=1) as file,  # TSM files are compressed already
        ):
            for chunk in answer.stream(_CHUNK):
                file.write(chunk)
    except NotFoundError:
        return None
    return _entry(target)


def _entry(path: Path) -> dict[str, Any]:
    return {"fileName": path.name, "size": path.stat().st_size, "compression": _GZIP}


def _count(api: Api, bucket: dict[str, Any], moment: datetime) -> dict[str, Any]:
    """Return how many points a restore has to bring back, and from which time.

    Later points, and late ones that arrive while the backup runs, may be in it as well.
    """
    retention_s = max(policy["duration"] for policy in bucket["retentionPolicies"]) // _NS_PER_S
    start = datetime.fromtimestamp(0, UTC)
    if retention_s:
        start = min(moment, moment - timedelta(seconds=retention_s) + _EXPIRES_SOON)
    counted = {
        "bucket": bucket["bucketName"],
        "organizationID": bucket["organizationID"],
        "start": start.isoformat(),
        "stop": moment.isoformat(),
    }
    return counted | {"points": count(api, counted)}


def count(api: Api, counted: dict[str, Any]) -> int:
    """Return how many points there are where ``counted`` says."""
    if counted["start"] == counted["stop"]:
        return 0
    rows = api.query(
        counted["organizationID"],
        f"from(bucket: {json.dumps(counted['bucket'])})"
        f" |> range(start: {counted['start']}, stop: {counted['stop']})"
        # grouping mixes types unless only the count of each series is left
        " |> count() |> group() |> sum()",
    )
    return int(rows[0]["_value"]) if rows else 0
