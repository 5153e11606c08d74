"""What InfluxDB itself says it has stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import urllib3
from soclab_collectors.line_protocol import series

from soclab_simulators.demo.state import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT_S: Final = 120.0
_CHUNK_ROWS: Final = 20_000


class StoredRow(NamedTuple):
    """One point: its series as line protocol writes it, its time and its fields."""

    series: str
    time_ns: int
    fields: dict[str, float | str]


class _Series(msgspec.Struct):
    name: str
    columns: list[str]
    values: list[list[Any]]
    tags: dict[str, str] = {}


class _Result(msgspec.Struct):
    series: list[_Series] = []
    error: str = ""


class _Chunk(msgspec.Struct):
    results: list[_Result]


def stored_rows(
    url: str, token: str, bucket: str, first_ns: int, last_ns: int
) -> Iterator[StoredRow]:
    """Yield every point of a bucket from ``first_ns`` to ``last_ns``, both included.

    By InfluxQL, because it answers with one row per point where Flux has one per value.
    """
    answer = urllib3.request(
        "GET",
        f"{url}/query",
        fields={
            "db": bucket,
            "q": "SELECT * FROM /.*/ WHERE time >= $first AND time <= $last GROUP BY *",
            "params": json.dumps({"first": first_ns, "last": last_ns}),
            "epoch": "ns",
            "chunked": "true",
            "chunk_size": str(_CHUNK_ROWS),
        },
        headers={"Authorization": f"Token {token}"},
        timeout=_TIMEOUT_S,
        retries=False,
        preload_content=False,
    )
    if answer.status != 200:
        raise DemoError(f"InfluxDB refused to be audited: {answer.status} {answer.data!r}")
    for line in _lines(answer):
        for result in msgspec.json.decode(line, type=_Chunk).results:
            if result.error:
                raise DemoError(f"InfluxDB could not be audited: {result.error}")
            for block in result.series:
                yield from _rows(block)


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    for block in answer.stream(1 << 20):
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
    if rest.strip():
        yield rest


def _rows(block: _Series) -> Iterator[StoredRow]:
    key = series(block.name, block.tags)
    for time_ns, *row in block.values:
        named = zip(block.columns[1:], row, strict=True)
        yield StoredRow(key, time_ns, {n: v for n, v in named if v is not None})
