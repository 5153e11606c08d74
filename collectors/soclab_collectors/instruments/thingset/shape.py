"""Finds lines that lost bytes and are still JSON: they no longer look like their neighbours.

A serial line loses blocks of bytes. What is left may be good JSON with a wrong number:
``"Bat_V":14.10,"Bat_A":2.35`` becomes ``"Bat_V":2.35``. But firmware prints the same names in the
same order with the same number of decimals in every line, and the damage shows in that.
"""

from __future__ import annotations

import re
from typing import Final

from soclab_collectors.errors import BadReplyError

# So many equal lines in a row prove that this device keeps its shape, before it is held to it.
PROVEN_BY: Final = 10

_INTEGER_PART = re.compile(rb":\s*-?\d+")
_TEXT = re.compile(rb':"(?:[^"\\]|\\.)*"')
_ABSENT = re.compile(rb":-?(?:nan|inf|null)\b")
_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)


def shape_of(text: bytes) -> bytes:
    """Return a JSON object with only names and decimals left of its values.

    >>> shape_of(b'{"Bat_V":14.10,"SOC_pct":87,"Bat_degC":nan}')
    b'{"Bat_V":0.00,"SOC_pct":0,"Bat_degC":~}'
    """
    if b':"' in text:
        text = _TEXT.sub(b':""', text)
    if b"n" in text:  # of nan, inf and null
        text = _ABSENT.sub(b":~", text)
    return _INTEGER_PART.sub(b":0", text).translate(_DIGITS)


class ShapeGuard:
    """Learns the shape of a device's lines and refuses a single line that departs from it."""

    def __init__(self) -> None:
        self._usual = b""
        self._seen = 0
        self._odd = b""

    def forget(self) -> None:
        """Expect any shape: the device was restarted, changed or out of sight."""
        self._usual = self._odd = b""
        self._seen = 0

    def check(self, text: bytes) -> None:
        """Accept a line.

        Raises
        ------
        BadReplyError
            If the line differs from at least ``PROVEN_BY`` before it. A second one of the same
            new shape is accepted: then the device publishes something else now.
        """
        shape = shape_of(text)
        if shape == self._usual:
            self._seen += 1
        elif self._seen and (merged := _merge(self._usual, shape)):
            self._usual = merged
            self._seen += 1
        elif self._seen < PROVEN_BY or shape == self._odd:
            self._usual = shape
            self._seen = 1
        else:
            self._odd = shape
            raise BadReplyError(f"unlike the {self._seen} lines before it: {text[:60]!r}")
        self._odd = b""


def _merge(usual: bytes, other: bytes) -> bytes:
    """Return the shape of both if they differ only where a value is absent, else nothing."""
    if b"~" not in usual and b"~" not in other:
        return b""
    left, right = usual.split(b","), other.split(b",")
    if len(left) != len(right):
        return b""
    merged = []
    for one, two in zip(left, right, strict=True):
        known = two if b"~" in one else one
        for piece in (one, two):
            if piece != known and not _fits(piece, known):
                return b""
        merged.append(known)
    return b",".join(merged)


def _fits(piece: bytes, known: bytes) -> bool:
    """Tell whether ``piece`` is ``known`` with its value absent."""
    name, absent, end = piece.partition(b":~")
    return bool(absent) and known.startswith(name + b":") and known.endswith(end)
