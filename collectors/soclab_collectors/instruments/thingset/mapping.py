"""Values under a device's names to fields of the data contract."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from soclab_collectors.errors import BadReplyError
from soclab_collectors.instruments.thingset.names import (
    GROUP_ALIASES,
    ITEM_ALIASES,
    PATHS,
    TARGETS,
    WHOLE,
    ranges,
)

EXTRA: Final = "thingset_extra"
_OUTPUT_ON: Final = 1.0  # LoadInfo: 0 is off, errors are below zero

Fields = dict[str, dict[str, float]]
"""Values by measurement and field."""


class _Slot(NamedTuple):
    """A target with its range looked up."""

    measurement: str
    field: str
    low: float
    high: float
    whole: bool
    turned: bool
    """Whether the sign is the other way round in the contract."""
    also: tuple[str, str] | None


class Mapper:
    """Maps values; counts those that have no name in the contract.

    Parameters
    ----------
    keep_extra
        Whether unknown names become fields of ``thingset_extra``.
    voltage_max_v, current_max_a
        What no terminal of this device can exceed.
    """

    def __init__(
        self, *, keep_extra: bool = False, voltage_max_v: float = 100, current_max_a: float = 100
    ) -> None:
        self.unknown_total = 0
        self._keep_extra = keep_extra
        limits = ranges(voltage_max_v, current_max_a)
        self._flat = {
            name: _Slot(
                target.measurement,
                target.field,
                *limits[target.kind],
                whole=target.kind in WHOLE,
                turned=target.sign < 0,
                also=target.also,
            )
            for name, target in TARGETS.items()
        }
        self._nested: dict[str, dict[str, _Slot]] = {}
        for name, slot in self._flat.items():
            group, item = PATHS[name]
            for one in (group, GROUP_ALIASES.get(group, group)):
                items = self._nested.setdefault(one, {})
                items[item] = items[ITEM_ALIASES.get(item, item)] = slot

    def fields(self, values: dict[str, Any], *, asked_for: bool = False) -> Fields:
        """Return the fields in ``values``; what is absent or no number is left out.

        Unknown values that were ``asked_for`` are kept in any case.

        Raises
        ------
        BadReplyError
            If a value is beyond what the device can measure, or two names mean one field.
        """
        found: Fields = {}
        unknown_before = self.unknown_total
        keep_extra = self._keep_extra or asked_for
        for name, value in values.items():
            if type(value) is dict:
                slots = self._nested.get(name, {})
                for item, inner in value.items():
                    self._put(found, slots.get(item), name, item, inner, keep_extra)
            else:
                self._put(found, self._flat.get(name), "", name, value, keep_extra)
        if asked_for:
            self.unknown_total = unknown_before
        _derive(found)
        return found

    def _put(
        self,
        found: Fields,
        slot: _Slot | None,
        group: str,
        name: str,
        value: Any,
        keep_extra: bool,
    ) -> None:
        if slot is None:
            self.unknown_total += 1
            if keep_extra and type(value) in {int, float, bool}:
                found.setdefault(EXTRA, {})[_label(group, name)] = float(value)
            return
        if type(value) is not float and type(value) is not int:
            return  # null, or a text where a number belongs
        measurement, field, low, high, whole, turned, also = slot
        if not low <= value <= high or (whole and value != int(value)):
            raise BadReplyError(f"{_label(group, name)} cannot be {value!r:.40}")
        # Subtracted, not negated: a panel current of 0.0 is to stay 0.0 and not become -0.0.
        number = 0.0 - value if turned else float(value)
        fields = found.get(measurement)
        if fields is None:
            fields = found[measurement] = {}
        elif field in fields:
            raise BadReplyError(f"{_label(group, name)} stands for a value the line already has")
        fields[field] = number
        if also is not None:
            found.setdefault(also[0], {})[also[1]] = number


def _label(group: str, name: str) -> str:
    return f"{group}.{name}" if group else name


def _derive(found: Fields) -> None:
    """Add what follows from values of the same line; values of two lines are never combined."""
    solar = found.get("solar")
    if solar is not None and "power_w" not in solar and "voltage_v" in solar:
        current_a = solar.get("current_a")
        if current_a is not None:
            solar["power_w"] = solar["voltage_v"] * current_a
    load = found.get("load")
    if load is not None and "state" in load:
        load["enabled"] = float(load["state"] == _OUTPUT_ON)
