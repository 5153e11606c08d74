"""The load's objects: who may read and write what, in which length."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from soclab_simulators.ea_el3000.load import raw_steps
from soclab_simulators.ea_el3000.telegrams import Error

if TYPE_CHECKING:
    from collections.abc import Callable

    from soclab_simulators.ea_el3000.load import Load

FULL_SCALE: Final = 25_600
_CONTROL: Final = 54
_REMOTE_BIT: Final = 0x10
_INPUT_BIT: Final = 0x01


class ObjectTable:
    """Reads and writes objects of a load; every refusal is an ``Error``."""

    def __init__(self, load: Load, texts: dict[int, str]) -> None:
        self._load = load
        self._texts = {number: text.encode("ascii") + b"\0" for number, text in texts.items()}
        nominal = load.nominal
        self._readers: dict[int, Callable[[], bytes]] = {
            2: lambda: struct.pack(">f", nominal.voltage_v),
            3: lambda: struct.pack(">f", nominal.current_a),
            4: lambda: struct.pack(">f", nominal.power_w),
            50: lambda: _u16(load.set_voltage_v, nominal.voltage_v),
            51: lambda: _u16(load.set_current_a, nominal.current_a),
            52: lambda: _u16(load.set_power_w, nominal.power_w),
            53: lambda: _u16(load.set_resistance_ohm, nominal.resistance_ohm),
            _CONTROL: self._control,
            69: lambda: struct.pack(">f", load.charge_ah),
            70: self._status,
            71: self._actual,
        }
        # The attribute of the load that each set value goes to.
        self._settings = {
            50: ("set_voltage_v", nominal.voltage_v),
            51: ("set_current_a", nominal.current_a),
            52: ("set_power_w", nominal.power_w),
            53: ("set_resistance_ohm", nominal.resistance_ohm),
        }

    def remove(self, number: int) -> None:
        """Pretend that this firmware lacks an object."""
        self._readers.pop(number, None)
        self._texts.pop(number, None)

    def read(self, number: int, length: int) -> bytes | Error:
        """Return the data of an object; text comes whole, whatever length was asked for."""
        if number in self._texts:
            return self._texts[number]
        if number not in self._readers:
            return Error.NOT_DEFINED
        self._load.measure()
        data = self._readers[number]()
        return data if len(data) == length else Error.LENGTH

    def write(self, number: int, data: bytes) -> Error:
        """Write an object."""
        if number not in self._readers and number not in self._texts:
            return Error.NOT_DEFINED
        if number != _CONTROL and number not in self._settings:
            return Error.PERMISSION
        if len(data) != 2:
            return Error.LENGTH
        self._load.measure()  # up to now, the old settings held
        if number == _CONTROL:
            return self._switch(mask=data[0], value=data[1])
        return self._set(number, int.from_bytes(data, "big"))

    def _set(self, number: int, raw: int) -> Error:
        if not self._load.remote:
            return Error.LOCAL
        if raw > FULL_SCALE:
            return Error.UPPER_LIMIT
        name, nominal = self._settings[number]
        setattr(self._load, name, raw * nominal / FULL_SCALE)
        return Error.NONE

    def _switch(self, mask: int, value: int) -> Error:
        load = self._load
        if load.locked or not (load.remote or mask & _REMOTE_BIT):
            return Error.LOCAL
        if mask & _REMOTE_BIT:
            load.remote = bool(value & _REMOTE_BIT)
        if mask & _INPUT_BIT:
            load.switched_on = bool(value & _INPUT_BIT)
        return Error.NONE

    def _control(self) -> bytes:
        on = _REMOTE_BIT * self._load.remote | _INPUT_BIT * self._load.input_on
        return bytes([_REMOTE_BIT | _INPUT_BIT, on])

    def _status(self) -> bytes:
        load = self._load
        location = 1 if load.remote else 2 if load.locked else 0
        return bytes([location, load.input_on | load.mode << 1])

    def _actual(self) -> bytes:
        load, nominal = self._load, self._load.nominal
        return (
            _u16(load.voltage_v, nominal.voltage_v)
            + _u16(load.current_a, nominal.current_a)
            + _u16(load.power_w, nominal.power_w)
        )


def _u16(value: float, nominal: float) -> bytes:
    return raw_steps(value, nominal).to_bytes(2, "big")
