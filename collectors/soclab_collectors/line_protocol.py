"""Readings as InfluxDB line protocol, without timestamp: the spool adds the stamp.

Escaping rules: https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY_ESCAPES = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\n": r"\ ", "\r": r"\ "})
_MEASUREMENT_ESCAPES = str.maketrans({",": r"\,", " ": r"\ ", "\n": r"\ ", "\r": r"\ "})
_STRING_ESCAPES = str.maketrans({'"': r"\"", "\\": r"\\", "\n": " ", "\r": " "})


# A unit writes the same few names with every reading; bounded, since a device may invent names.
@lru_cache(maxsize=256)
def escape_tag(text: str) -> str:
    """Escape a tag key, a tag value or a field key.

    A trailing backslash would escape the separator behind it and cannot be written: it is cut.
    """
    return text.rstrip("\\").translate(_KEY_ESCAPES)


def series(measurement: str, tags: Mapping[str, str]) -> str:
    """Return ``measurement,tag=value`` with tags sorted and empty values left out."""
    pairs = (f",{escape_tag(k)}={escape_tag(v)}" for k, v in sorted(tags.items()) if v)
    return measurement.translate(_MEASUREMENT_ESCAPES) + "".join(pairs)


def field_set(fields: Mapping[str, float | str]) -> str:
    """Return ``name=value,…``; numbers become floats, values that are not finite are left out.

    Empty when nothing can be written: InfluxDB refuses NaN and infinities.
    """
    parts = [
        _text(name, value) if isinstance(value, str) else _number(name, value)
        for name, value in fields.items()
    ]
    return ",".join(filter(None, parts))


# States and slow quantities repeat for hours, and printing a float costs a microsecond and more.
# Equal values share an entry, so a zero loses its sign.
@lru_cache(maxsize=1024)
def _number(name: str, value: float) -> str:
    return f"{escape_tag(name)}={value + 0.0!r}" if math.isfinite(value) else ""


def _text(name: str, value: str) -> str:
    return f'{escape_tag(name)}="{value.translate(_STRING_ESCAPES)}"'
