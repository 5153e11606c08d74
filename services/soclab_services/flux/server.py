"""The InfluxDB server that tasks are installed on, and what may keep it from answering."""

from __future__ import annotations

import contextlib
import os
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from soclab_collectors.errors import ConfigError
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soclab_services.config.model import InfluxdbConfig

_TIMEOUT_MS: Final = 60_000


class FluxError(Exception):
    """The server cannot be used as configured; says why and what to do next."""

    def __init__(self, reason: str, remedy: str, exit_code: int = os.EX_UNAVAILABLE) -> None:
        super().__init__(f"{reason}. {remedy}")
        self.exit_code = exit_code


@contextlib.contextmanager
def connect(config: InfluxdbConfig) -> Iterator[InfluxDBClient]:
    """Give a client for the server; turns what it refuses into a FluxError.

    Raises
    ------
    ConfigError
        If the token cannot be read.
    FluxError
        If the server does not answer or refuses something.
    """
    try:
        token = Path(config.token_file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(
            "influxdb.token_file",
            f"cannot be read: {error}",
            "Name a file with a token that may read and write tasks and buckets.",
        ) from error
    if config.ca_file and not Path(config.ca_file).is_file():
        raise ConfigError(
            "influxdb.ca_file", f"{config.ca_file} is no file", "Name the authority's certificate."
        )
    try:
        with InfluxDBClient(
            config.url,
            token=token,
            org=config.org,
            timeout=_TIMEOUT_MS,
            retries=False,
            ssl_ca_cert=config.ca_file or None,
        ) as client:
            yield client
    except HTTPError as error:
        raise FluxError(
            f"{config.url} does not answer: {error}", "Start InfluxDB or mend influxdb.url."
        ) from error
    except ApiException as error:
        said = error.message or error.body or error.reason
        if error.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise FluxError(
                f"{config.url} refuses the token in {config.token_file}: {said}",
                "It must be allowed to read and write tasks and buckets.",
                os.EX_NOPERM,
            ) from error
        raise FluxError(
            f"{config.url} answers {error.status}: {said}", "Its log says more."
        ) from error
