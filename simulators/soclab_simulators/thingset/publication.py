"""Prints values as the firmware does: names and decimals are fixed, only numbers change."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from soclab_simulators.thingset.tables import Item, Table


class PublicationFormat:
    """A publication line with blanks for the numbers.

    Parameters
    ----------
    table
        The generation.
    items
        What is published.
    finer
        Decimals of battery voltage and current where a recording is finer than the firmware.
    crc
        Whether a checksum is added (v0.6).
    """

    def __init__(
        self, table: Table, items: Sequence[Item], finer: Mapping[str, int], *, crc: bool
    ) -> None:
        groups: dict[str, list[str]] = {}
        ordered: list[Item] = []
        names = list(dict.fromkeys(item.group for item in items)) if table.nested else [""]
        for group in names:
            for item in items:
                if not table.nested or item.group == group:
                    ordered.append(item)
                    groups.setdefault(group, []).append(f'"{item.name}":{blank(item, finer)}')
        if table.nested:
            body = ",".join(f'"{g}":{{{",".join(parts)}}}' for g, parts in groups.items())
        else:
            body = ",".join(groups.get("", ()))
        self._format = f"#{table.report} {{{body}}}"
        self._quantities = [item.quantity for item in ordered]
        self._not_a_number = table.not_a_number
        self._line_end = table.line_end
        self._crc = crc

    def line(self, values: Mapping[str, float]) -> bytes:
        """Return the line for these values."""
        text = self._format % tuple(values[quantity] for quantity in self._quantities)
        if ":nan" in text:
            text = text.replace(":nan", f":{self._not_a_number}")
        line = text.encode()
        if self._crc:
            line += b" %08X#" % zlib.crc32(line)
        return line + self._line_end


def blank(item: Item, finer: Mapping[str, int]) -> str:
    """Return the place in a format string where the value of an item goes."""
    if item.decimals is None:
        return "%d"
    return f"%.{finer.get(item.quantity, item.decimals)}f"


def number(item: Item, value: float, finer: Mapping[str, int], not_a_number: str) -> str:
    """Return one value as JSON (or as what v0.3 takes for it)."""
    return not_a_number if math.isnan(value) else blank(item, finer) % value
