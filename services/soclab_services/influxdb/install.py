"""An influxd for this machine by the first method that works, with the reason for each fallback."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

from soclab_services.influxdb import VERSION
from soclab_services.influxdb.archive import install_from_archive
from soclab_services.influxdb.binary import find_cached, install_lock, store, version_of
from soclab_services.influxdb.errors import InfluxdbError
from soclab_services.influxdb.source import install_from_source

if TYPE_CHECKING:
    from collections.abc import Callable

Method = Literal["auto", "path", "archive", "source"]
METHODS: Final[tuple[Method, ...]] = get_args(Method)
_SERIES: Final = VERSION.rpartition(".")[0]


class Installed(NamedTuple):
    """Where influxd is and how it came there: ``path``, ``cache``, ``archive`` or ``source``."""

    path: Path
    method: str
    version: str


def find() -> Installed | None:
    """Return an influxd that is here already, without installing anything."""
    try:
        return _from_path()
    except InfluxdbError:
        cached = find_cached()
        return Installed(cached, "cache", VERSION) if cached else None


def install(method: Method, say: Callable[[str], None]) -> Installed:
    """Return an influxd of the pinned version series, installing it into the cache if need be.

    Parameters
    ----------
    method
        ``auto`` tries PATH, then the cache, the vendor's archive and the source.
    say
        Where progress and reasons for fallbacks go.

    Raises
    ------
    InfluxdbError
        If no method worked; says why each did not and what to do next.
    """
    reasons: list[str] = []
    if method in {"auto", "path"}:
        try:
            return _from_path()
        except InfluxdbError as error:
            if method == "path":
                raise
            reasons.append(f"path: {error}")
    with install_lock(say) as folder:
        cached = find_cached()
        if cached:
            return Installed(cached, "cache", VERSION)
        if reasons:
            say(f"{reasons[0]} Trying the vendor's archive")
        if method in {"auto", "archive"}:
            try:
                return _stored(install_from_archive(folder, say), "archive")
            except InfluxdbError as error:
                if method == "archive":
                    raise
                reasons.append(f"archive: {error}")
                say(f"{reasons[-1]} Building from source")
        try:
            return _stored(install_from_source(folder, say), "source")
        except InfluxdbError as error:
            reasons.append(f"source: {error}")
    raise InfluxdbError(
        "no method could install InfluxDB:\n  " + "\n  ".join(reasons),
        f"Follow one of the remedies above, or put an influxd {_SERIES} on PATH.",
    )


def _stored(fresh: Path, method: str) -> Installed:
    try:
        return Installed(store(fresh), method, VERSION)
    finally:
        fresh.unlink(missing_ok=True)


def _from_path() -> Installed:
    found = shutil.which("influxd")
    if found is None:
        raise InfluxdbError("influxd is not on PATH", "Install it there or choose another method.")
    version = version_of(Path(found))
    if not version.startswith(f"{_SERIES}."):
        raise InfluxdbError(
            f"{found} is InfluxDB {version}, not {_SERIES}", "Choose another method."
        )
    return Installed(Path(found), "path", version)
