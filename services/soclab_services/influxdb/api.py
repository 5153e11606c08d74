"""InfluxDB's HTTP API as far as backups need it; every failure says what to do next."""

from __future__ import annotations

import contextlib
import csv
import json
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, Final

import urllib3

from soclab_services.influxdb.errors import InfluxdbError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_CONNECT_S: Final = 10.0
_SILENCE_S: Final = 600.0  # counting a large bucket says nothing for minutes


class NotFoundError(InfluxdbError):
    """The server knows no such thing (any more)."""


class Api:
    """A server, reached with one token.

    Parameters
    ----------
    url, token
        The server, and who asks; an empty token asks as nobody.
    ca_file
        The authority that vouches for a server which no public one knows.
    """

    def __init__(self, url: str, token: str, ca_file: Path | None = None) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self._pool = urllib3.PoolManager(
            retries=False,
            timeout=urllib3.Timeout(connect=_CONNECT_S, read=_SILENCE_S),
            ca_certs=str(ca_file) if ca_file else None,
        )

    @contextlib.contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        body: bytes | IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Give the answer while it arrives.

        Raises
        ------
        NotFoundError
            If the server answers 404.
        InfluxdbError
            If it does not answer, breaks off, or refuses.
        """
        known = {"Authorization": f"Token {self.token}"} if self.token else {}
        answer = None
        try:
            answer = self._pool.request(
                method,
                f"{self.url}{path}",
                body=body,
                headers=known | dict(headers or {}),
                preload_content=False,
            )
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise self._refused(method, path, answer.status, answer.data)
            yield answer
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise InfluxdbError(
                f"{self.url} does not answer {method} {path}: {error}",
                "Start InfluxDB, or mend the address or the file of its authority.",
            ) from error
        finally:
            if answer is not None:
                answer.close()

    def call(self, method: str, path: str, content: object = None) -> Any:
        """Send and receive JSON."""
        body = None if content is None else json.dumps(content).encode()
        with self.stream(
            method, path, body=body, headers={"Content-Type": "application/json"}
        ) as answer:
            data = answer.read()
        return json.loads(data) if data else None

    def query(self, org_id: str, flux: str) -> list[dict[str, str]]:
        """Return the rows of a Flux query, every value as text."""
        question = {"query": flux, "dialect": {"annotations": []}}
        with self.stream(
            "POST",
            f"/api/v2/query?orgID={org_id}",
            body=json.dumps(question).encode(),
            headers={"Content-Type": "application/json"},
        ) as answer:
            lines = answer.read().decode().splitlines()
        rows = list(csv.DictReader(line for line in lines if line))
        if rows and "error" in rows[0]:  # after the first row an error comes with status 200
            raise InfluxdbError(f"a query failed: {rows[0]['error']}", "Its log says more.")
        return rows

    def _refused(self, method: str, path: str, status: int, data: bytes) -> InfluxdbError:
        try:
            said = json.loads(data)["message"]
        except (ValueError, KeyError, TypeError):
            said = data[:200].decode(errors="replace")
        reason = f"{self.url} answers {status} to {method} {path}: {said}"
        if status == HTTPStatus.NOT_FOUND:
            return NotFoundError(reason, "Its log says more.")
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return InfluxdbError(reason, "This needs the operator token of the server.")
        return InfluxdbError(reason, "Its log says more.")
