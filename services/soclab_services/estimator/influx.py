"""The InfluxDB that is read and written: InfluxQL in, rows by series out; line protocol in.

InfluxQL, because it answers with a row per point where Flux has one per value.
"""

from __future__ import annotations

import json
import logging
import os
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec
import urllib3

from soclab_services.config.load import ConfigError

if TYPE_CHECKING:
    from soclab_services.estimator.config import ServerConfig

_LOG = logging.getLogger(__name__)

CREDENTIAL: Final = "influxdb_token"  # LoadCredential=influxdb_token:… of the systemd unit
_WHERE: Final = "influxdb.token_file"
_SAID: Final = 300  # characters of an answer that are worth a log line


class Series(msgspec.Struct):
    """One series of an answer; times are in ns."""

    values: list[list[Any]]
    columns: list[str]
    tags: dict[str, str] = {}


class _Result(msgspec.Struct):
    series: list[Series] = []
    error: str = ""


class _Answer(msgspec.Struct):
    results: list[_Result] = []
    error: str = ""


class ServerError(Exception):
    """The server does not do what it is asked.

    Attributes
    ----------
    away
        Whether it will by itself: it is being restarted, is overloaded, or the network is gone.
    """

    def __init__(self, reason: str, *, away: bool) -> None:
        super().__init__(reason)
        self.away = away


class Influx:
    """Reads and writes with one token.

    Raises
    ------
    ConfigError
        If the token or the authority's certificate cannot be read.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._url = config.url.rstrip("/")
        if not self._url.startswith(("http://", "https://")):
            raise ConfigError("influxdb.url", f"no URL: {config.url}", "Write https://HOST:8086.")
        if config.ca_file and not Path(config.ca_file).is_file():
            raise ConfigError(
                "influxdb.ca_file",
                f"{config.ca_file} is no file",
                "Name the authority's certificate.",
            )
        self._pool = urllib3.PoolManager(
            retries=False,
            timeout=urllib3.Timeout(connect=10.0, read=config.timeout_s),
            ca_certs=config.ca_file or None,
        )
        self._token = ""
        self.reload_token()

    def reload_token(self) -> None:
        """Read the token again: it may have been replaced."""
        handed = os.environ.get("CREDENTIALS_DIRECTORY")
        path = Path(handed) / CREDENTIAL if handed else Path(self._config.token_file)
        if not handed and not self._config.token_file:
            raise ConfigError(
                _WHERE,
                "no token: neither token_file is set nor does systemd hand one over",
                f"Set token_file, or LoadCredential={CREDENTIAL}:FILE in the unit.",
            )
        try:
            token = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "no text"
            raise ConfigError(
                f"{_WHERE}: {path}", reason, "Put a token there, readable by the estimator alone."
            ) from error
        if not token or not token.isprintable() or " " in token:
            raise ConfigError(f"{_WHERE}: {path}", "holds no token", "Put one there, on one line.")
        self._token = token

    def ask(self, bucket: str, statements: list[str]) -> list[list[Series]]:
        """Return the series that each InfluxQL statement answers with.

        Raises
        ------
        ServerError
            If there is no answer, or none to all of them.
        """
        data = self._request(
            "/query",
            {"org": self._config.org, "db": bucket, "epoch": "ns"},
            {"Content-Type": "application/x-www-form-urlencoded"},
            urlencode({"q": ";".join(statements)}).encode(),
        )
        try:
            answer = msgspec.json.decode(data, type=_Answer)
        except msgspec.DecodeError as error:
            raise ServerError(f"{self._url} answers no JSON: {error}", away=True) from error
        for said in (answer.error, *(result.error for result in answer.results)):
            if said:
                raise ServerError(f"a query failed: {said[:_SAID]}", away=True)
        return [result.series for result in answer.results]

    def write(self, bucket: str, lines: list[str]) -> None:
        """Store lines with times in ns.

        Raises
        ------
        ServerError
            If they are not stored; those that are older than the bucket keeps are given up.
        """
        if lines:
            self._request(
                "/api/v2/write",
                {"org": self._config.org, "bucket": bucket, "precision": "ns"},
                {"Content-Type": "text/plain; charset=utf-8"},
                "\n".join(lines).encode(),
            )

    def _request(
        self, path: str, fields: dict[str, str], headers: dict[str, str], body: bytes
    ) -> bytes:
        try:
            answer = self._pool.request(
                "POST",
                f"{self._url}{path}?{urlencode(fields)}",
                body=body,
                headers={"Authorization": f"Token {self._token}", **headers},
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ServerError(f"{self._url} does not answer: {error}", away=True) from error
        if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:  # the good lines are stored
            _LOG.warning("%s refuses some lines: %s", self._url, answer.data[:_SAID].decode())
        elif answer.status >= HTTPStatus.BAD_REQUEST:
            raise self._refused(path, answer.status, answer.data)
        return answer.data

    def _refused(self, path: str, status: int, data: bytes) -> ServerError:
        try:
            said = str(json.loads(data)["message"])
        except (ValueError, KeyError, TypeError):
            said = data.decode(errors="replace").strip()
        reason = f"{self._url} answers {status} to {path}: {said[:_SAID]}"
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            what = f"read {self._config.raw_bucket}, read and write {self._config.derived_bucket}"
            return ServerError(f"{reason}. The token must be allowed to {what}", away=False)
        if status == HTTPStatus.NOT_FOUND:
            return ServerError(f"{reason}. Mend influxdb.org or the buckets' names", away=False)
        return ServerError(reason, away=status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == 429)
