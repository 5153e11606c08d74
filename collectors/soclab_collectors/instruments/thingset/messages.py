"""One line to one message: a publication, a response, or nothing that concerns a collector."""

from __future__ import annotations

import json
import re
import zlib
from typing import Any, Final, NamedTuple

import msgspec

from soclab_collectors.errors import BadReplyError

GENERATION_OF_REPORT: Final = {b"": "A", b"serial": "B", b"mSerial": "C", b"mLive": "D"}
# Other subsets of devices of these generations: intact, but not what we subscribe to.
OTHER_REPORTS: Final = frozenset({b"can", b"mCAN", b"mSummary", b"eEvents"})

_REPORT = re.compile(rb"#([A-Za-z]*)_? (\{.*\})")  # the v0.6 specification writes mLive_
_RESPONSE = re.compile(rb":([0-9A-F]{2})(?: [A-Za-z ]+\.)?(?: (.*))?")  # words until v0.5
_CRC = re.compile(rb"(.*) ([0-9A-F]{8})#", re.DOTALL)
# Strings are matched first, so that what stands within them is left alone.
_NOT_A_NUMBER = re.compile(rb'("(?:[^"\\]|\\.)*")|-?\b(?:nan|inf)\b')
_decode = msgspec.json.Decoder().decode


class Publication(NamedTuple):
    """Values that the device sent unasked; ``text`` is the JSON they came from."""

    generation: str
    values: dict[str, Any]
    text: bytes
    has_crc: bool


class Response(NamedTuple):
    """The answer to a request; ``payload`` is None if there was none."""

    status: int
    payload: Any = None


def parse_line(line: bytes) -> Publication | Response | None:
    """Return the message in a line; None for logs, desires and blank lines.

    Raises
    ------
    BadReplyError
        If the line claims to be a message and is damaged.
    """
    if line[:1] not in (b"#", b":"):
        return None
    text, has_crc = _without_crc(line)
    if line[:1] == b":":
        return _response(text)
    match = _REPORT.fullmatch(text)
    if match is None:
        raise BadReplyError(f"damaged publication {_excerpt(line)}")
    report, body = match.groups()
    generation = GENERATION_OF_REPORT.get(report)
    if generation is None:
        if report in OTHER_REPORTS:
            return None
        raise BadReplyError(f"unknown report {_excerpt(line)}")
    values = decode(body)
    _check_keys(values, body)
    return Publication(generation, values, body, has_crc)


def decode(text: bytes) -> Any:
    """Return the JSON value in ``text``; not-a-number (``nan``, ``inf``, null) becomes None.

    Raises
    ------
    BadReplyError
        If it is no JSON.
    """
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        mended = _NOT_A_NUMBER.sub(lambda match: match[1] or b"null", text)
        if mended == text:
            raise BadReplyError(f"no JSON: {error}: {_excerpt(text)}") from error
    try:
        return _decode(mended)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadReplyError(f"no JSON: {error}: {_excerpt(text)}") from error


def _without_crc(line: bytes) -> tuple[bytes, bool]:
    """Return the message and whether a checksum vouched for it (v0.6, where enabled)."""
    if line[-1:] != b"#":
        return line, False
    match = _CRC.fullmatch(line)
    if match is None:
        return line, False
    message, stated = match.groups()
    if zlib.crc32(message) != int(stated, 16):
        raise BadReplyError(f"wrong checksum {_excerpt(line)}")
    return message, True


def _response(text: bytes) -> Response:
    match = _RESPONSE.fullmatch(text)
    if match is None:
        raise BadReplyError(f"damaged response {_excerpt(text)}")
    status, payload = match.groups()
    return Response(int(status, 16), decode(payload) if payload else None)


def _check_keys(values: dict[str, Any], body: bytes) -> None:
    """Refuse an object in which a name stands twice: one of the two values is wrong.

    Every name is followed by a colon, so that as many colons as names prove that none is lost;
    a colon within a string makes it necessary to look more closely.
    """
    names = len(values) + sum(len(v) for v in values.values() if type(v) is dict)
    if body.count(b":") != names:
        mended = _NOT_A_NUMBER.sub(lambda match: match[1] or b"null", body)
        json.loads(mended, object_pairs_hook=_refuse_duplicates)


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise BadReplyError(f"a name stands twice in {sorted(name for name, _ in pairs)}")
    return values


def _excerpt(line: bytes) -> str:
    return ascii(line[:60].decode("ascii", "backslashreplace"))
