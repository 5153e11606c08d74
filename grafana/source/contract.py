"""Holds Flux queries against the data contract, without a server.

A query whose measurement, field or tag is misspelt returns nothing and no error: its panel stays
empty and its alert silent. So every name in a query has to be one of the contract or one that the
query itself brings in.

House rule: the first filter after ``from`` and ``range`` names the measurement and its fields::

    filter(fn: (r) => r._measurement == "battery" and r._field == "voltage_v")
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from soclab_collectors.measurements import (
    BUCKET_DERIVED,
    BUCKET_RAW,
    BUCKET_ROLLUP,
    COMMON_TAGS,
    CONTRACT,
    ROLLUP_STATS,
    ROLLUP_TAG,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

TASKS: Final = "_tasks"
"""InfluxDB's own bucket: what became of each run of a task."""


class _Kind(NamedTuple):
    fields: frozenset[str]
    tags: frozenset[str]
    open_fields: bool = False


_COLUMNS: Final = frozenset({"_measurement", "_field", "_value", "_time", "_start", "_stop"})
_OWN: Final = {
    name: _Kind(frozenset(m.fields), frozenset({*COMMON_TAGS, *m.tags}), m.open_fields)
    for name, m in CONTRACT.items()
}
_BUCKETS: Final[dict[str, dict[str, _Kind]]] = {
    BUCKET_RAW: {n: k for n, k in _OWN.items() if CONTRACT[n].bucket == BUCKET_RAW},
    BUCKET_ROLLUP: {
        n: k._replace(tags=k.tags | {ROLLUP_TAG})
        for n, k in _OWN.items()
        if CONTRACT[n].bucket == BUCKET_RAW
    },
    BUCKET_DERIVED: {n: k for n, k in _OWN.items() if CONTRACT[n].bucket == BUCKET_DERIVED},
    # https://docs.influxdata.com/influxdb/v2/reference/internals/system-buckets/
    TASKS: {
        "runs": _Kind(
            frozenset(
                {
                    "finishedAt",
                    "logs",
                    "flux",
                    "name",
                    "requestedAt",
                    "runID",
                    "scheduledFor",
                    "startedAt",
                }
            ),
            frozenset({"status", "taskID"}),
        )
    },
}

_COMMENT: Final = re.compile(r"^\s*//.*$", re.MULTILINE)
_BUCKET: Final = re.compile(r"\bbucket:\s*([^\s,)]+)")
_EQUALS: Final = re.compile(r'\br\.(_measurement|_field|stat)\s*==\s*"([^"]*)"')
_MATCHES: Final = re.compile(r"\br\.(_measurement|_field)\s*(=~|!~|!=)")
_READ: Final = re.compile(r'\br(?:\.(\w+)|\["(\w+)"\])')
_LISTED: Final = re.compile(r"\b(?:columns|rowKey|columnKey):\s*\[([^\]]*)\]")
_NAMED: Final = re.compile(r'\b(?:column|valueColumn|tag):\s*"(\w+)"')
_KEY: Final = re.compile(r'(?:[{,]|\bwith)\s*"?(\w+)"?:(?!=)')
"""Keys of records; parameters look the same and do no harm."""
_TEXT: Final = re.compile(r'\b(?!bucket|column|valueColumn|tag)\w+:\s*"(\w+)"')
"""Names that functions are given, and values of which a pivot makes columns."""
_BY_FUNCTION: Final = frozenset({"elapsed"})  # functions that add a column of their name


class Read(NamedTuple):
    """What one ``from`` (or a function of package schema) reads."""

    bucket: str
    measurements: tuple[str, ...]
    fields: tuple[str, ...]
    tags: tuple[str, ...]
    stats: tuple[str, ...] = ()


def violations(flux: str) -> list[str]:
    """Return what in a query is not in the contract; nothing if all is."""
    flux = _COMMENT.sub("", flux)
    found = [
        f"{one.group(1)}: name the bucket in quotes"
        for one in _BUCKET.finditer(flux)
        if not one.group(1).startswith('"')
    ]
    found += [
        f"r.{one.group(1)} {one.group(2)}: name each with ==" for one in _MATCHES.finditer(flux)
    ]
    known = set(_COLUMNS)
    for read in reads(flux):
        found += _wrong(read)
        for name in read.measurements:
            kind = _BUCKETS.get(read.bucket, {}).get(name)
            known |= kind.fields | kind.tags if kind else set()
    known |= {*_KEY.findall(flux), *_TEXT.findall(flux)}
    known |= {name for name in _BY_FUNCTION if f"{name}(" in flux}
    used = {a or b for a, b in _READ.findall(flux)} | set(_NAMED.findall(flux))
    for listed in _LISTED.findall(flux):
        used |= set(re.findall(r'"([^"]+)"', listed))
    found += [f"{name}: neither tag nor field nor made here" for name in sorted(used - known)]
    return found


def reads(flux: str) -> Iterator[Read]:
    """Yield what a query reads from the store, one for each ``from`` and ``schema.…``."""
    flux = _COMMENT.sub("", flux)
    for start in re.finditer(r"\bfrom\(|\bschema\.\w+\(", flux):
        call, end = _call(flux, start.end())
        bucket = re.search(r'bucket:\s*"(\w+)"', call)
        if bucket is None:
            continue
        predicates = [call] if "predicate:" in call else []
        while step := re.match(r"\s*\|>\s*(range|filter)\(", flux[end:]):
            inner, end = _call(flux, end + step.end())
            if step.group(1) == "filter":
                predicates.append(inner)
        yield _read(bucket.group(1), " and ".join(predicates))


def _read(bucket: str, predicate: str) -> Read:
    equal = _EQUALS.findall(predicate)
    named = {
        column: tuple(dict.fromkeys(value for name, value in equal if name == column))
        for column in ("_measurement", "_field", "stat")
    }
    columns = dict.fromkeys(a or b for a, b in _READ.findall(predicate))
    return Read(
        bucket,
        named["_measurement"],
        named["_field"],
        tuple(name for name in columns if name not in _COLUMNS),
        named["stat"],
    )


def _wrong(read: Read) -> Iterator[str]:
    kinds = _BUCKETS.get(read.bucket)
    if kinds is None:
        yield f"{read.bucket}: no such bucket"
        return
    if not read.measurements:
        yield f"{read.bucket}: say which measurement, in a filter right after range"
    unknown = [name for name in read.measurements if name not in kinds]
    yield from (f"{name}: no measurement of bucket {read.bucket}" for name in unknown)
    there = [kinds[name] for name in read.measurements if name in kinds]
    if unknown or not there:
        return
    for name in read.fields:
        if not any(name in kind.fields or kind.open_fields for kind in there):
            yield f"{name}: no field of {' or '.join(read.measurements)}"
    for name in read.tags:
        if not any(name in kind.tags for kind in there):
            yield f"{name}: no tag of {' or '.join(read.measurements)} in {read.bucket}"
    for name in read.stats:
        if name not in ROLLUP_STATS:
            yield f"{name}: no stat of {BUCKET_ROLLUP}"
    if read.bucket == BUCKET_ROLLUP and ROLLUP_TAG not in read.tags:
        yield f"{BUCKET_ROLLUP}: say which {ROLLUP_TAG}"


def _call(flux: str, start: int) -> tuple[str, int]:
    """Return what is between a parenthesis before ``start`` and its partner, and where that ends.

    Parentheses in texts are counted as well: in our queries they come in pairs.
    """
    depth, at = 1, start
    while depth and at < len(flux):
        depth += {"(": 1, ")": -1}.get(flux[at], 0)
        at += 1
    return flux[start : at - 1], at
