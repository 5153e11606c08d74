"""The files of a backup: checksums, whether they are whole, which backups there are."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from typing import TYPE_CHECKING, Any, Final

from soclab_services.influxdb.backup import NAME_PATTERN
from soclab_services.influxdb.errors import InfluxdbError

if TYPE_CHECKING:
    from pathlib import Path

SUMS: Final = "SHA256SUMS"  # sha256sum --check reads it
COUNTS: Final = "counts.json"
_BOLT_MAGIC: Final = bytes.fromhex("edda0ced")  # 0xED0CDAED, little-endian, behind a page header
_BOLT_MAGIC_AT: Final = 16
_REMEDY: Final = "Do not rely on this backup; make a new one and check the disk."


def backups(directory: Path) -> list[Path]:
    """Return every finished backup, the oldest first."""
    return sorted(path for path in directory.glob(NAME_PATTERN) if path.is_dir())


def newest(directory: Path) -> Path:
    """Return the last finished backup.

    Raises
    ------
    InfluxdbError
        If there is none.
    """
    found = backups(directory)
    if not found:
        raise InfluxdbError(f"there is no backup in {directory}", "Run soclab influxdb backup.")
    return found[-1]


def prune(directory: Path, keep: int) -> list[str]:
    """Remove all but the last ``keep`` backups; return their names."""
    surplus = backups(directory)[:-keep]
    for folder in surplus:
        shutil.rmtree(folder)
    return [folder.name for folder in surplus]


def write_sums(folder: Path) -> None:
    """Write the checksums of all files of a backup, and make everything durable."""
    lines = []
    for path in sorted(folder.iterdir()):
        lines.append(f"{_sha256(path)}  {path.name}\n")
        _sync(path)
    (folder / SUMS).write_text("".join(lines), encoding="ascii")
    _sync(folder / SUMS)
    _sync(folder)


def manifest_of(folder: Path) -> dict[str, Any]:
    """Return what ``influx restore`` would read."""
    try:
        return dict(json.loads((folder / f"{folder.name}.manifest").read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InfluxdbError(f"{folder} has no manifest: {error}", _REMEDY) from error


def verify(folder: Path) -> int:
    """Read every file again; return the size of all in bytes.

    Raises
    ------
    InfluxdbError
        If a file is missing, surplus, changed, shorter, or not what its name says.
    """
    try:
        lines = (folder / SUMS).read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise InfluxdbError(f"{folder} is no finished backup: {error}", _REMEDY) from error
    expected = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    there = {path.name for path in folder.iterdir()} - {SUMS}
    for name in sorted(there ^ expected.keys()):
        fault = "is missing" if name in expected else "does not belong there"
        raise InfluxdbError(f"{folder / name} {fault}", _REMEDY)
    for entry in files_of(manifest_of(folder)):
        name, size = entry["fileName"], entry["size"]
        if name not in expected:
            raise InfluxdbError(f"{folder / name} has no checksum", _REMEDY)
        if (folder / name).stat().st_size != size:
            raise InfluxdbError(f"{folder / name} has not its {size} bytes", _REMEDY)
    for name, digest in expected.items():
        if _sha256(folder / name) != digest:
            raise InfluxdbError(f"{folder / name} was changed: its checksum differs", _REMEDY)
        _check_content(folder / name)
    return sum((folder / name).stat().st_size for name in expected)


def files_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every file that a manifest names."""
    return [manifest["kv"], manifest["sql"], *shards_of(manifest)]


def shards_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every shard that a manifest names."""
    return [
        shard
        for bucket in manifest["buckets"]
        for policy in bucket["retentionPolicies"]
        for group in policy["shardGroups"]
        for shard in group["shards"]
    ]


def _check_content(path: Path) -> None:
    """Open it as what it is: a checksum would also vouch for half a file, had it come so."""
    try:
        if path.name.endswith(".tar.gz"):
            with tarfile.open(path, "r|gz") as tar:
                for _ in tar:
                    pass
        elif path.name.endswith(".bolt.gz"):
            with gzip.open(path) as file:
                head = file.read(_BOLT_MAGIC_AT + len(_BOLT_MAGIC))
                while file.read(1 << 20):  # gzip's own checksum is at the end
                    pass
            if not head.endswith(_BOLT_MAGIC):
                raise ValueError("no bolt database")
        elif path.name.endswith(".sqlite.gz"):
            _check_sqlite(path)
    except (OSError, EOFError, ValueError, zlib.error, tarfile.TarError, sqlite3.Error) as error:
        raise InfluxdbError(f"{path} cannot be read: {error}", _REMEDY) from error


def _check_sqlite(path: Path) -> None:
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as scratch:
        with gzip.open(path) as file:
            shutil.copyfileobj(file, scratch)
        scratch.flush()
        connection = sqlite3.connect(f"file:{scratch.name}?mode=ro&immutable=1", uri=True)
        try:
            said = connection.execute("PRAGMA quick_check").fetchone()[0]
        finally:
            connection.close()
        if said != "ok":
            raise ValueError(said)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
