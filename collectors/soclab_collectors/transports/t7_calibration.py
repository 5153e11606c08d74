"""The T7's calibration constants: from its flash, or the nominal ones if that holds none.

In command mode the T7 applies them by itself. A stream is raw counts.
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

from soclab_collectors.transports.t7_link import Column

if TYPE_CHECKING:
    from soclab_collectors.transports.modbus_tcp import ModbusTcp

FLASH_POINTER: Final = 61810
FLASH_READ: Final = 61812
CALIBRATION_AT: Final = 0x3C4000
RANGES_V: Final = (10.0, 1.0, 0.1, 0.01)  # in the order of the flash, four floats each

# Slopes that differ less than this are one slope: 10 µV at full scale, 0.03 of a count.
_SAME_SLOPE: Final = 1e-6
# How far a device's constants are from nominal at most; further off, they are no constants.
_PLAUSIBLE_SLOPE: Final = 0.05
_PLAUSIBLE_CENTRE: Final = 1500


class Constants(NamedTuple):
    """Volts per count above and below the count of zero volts."""

    slope_above: float
    slope_below: float
    """Below zero: volts are (centre - count) * slope_below."""
    centre: float

    def column(self, counts: array[int]) -> Column:
        """Return samples with the straight line that makes them volts.

        Samples on both sides of zero need two lines if the slopes differ: then they become volts.
        """
        above, below, centre = self
        one_line = abs(above + below) < _SAME_SLOPE * above
        if one_line or not counts or min(counts) >= centre:
            return Column(counts, above, centre)
        if max(counts) < centre:
            return Column(counts, -below, centre)
        volts = [(x - centre) * above if x >= centre else (centre - x) * below for x in counts]
        return Column(array("d", volts), 1.0, 0.0)


def nominal(range_v: float) -> Constants:
    """Return the constants of an ideal T7; a real one differs by up to some 0.1 %."""
    return Constants(0.000031580578 * range_v, -0.000031580580 * range_v, 33523.0)


def read_calibration(modbus: ModbusTcp) -> tuple[dict[float, Constants], str]:
    """Return the constants by range, and whose they are: "device" or "nominal"."""
    device = {}
    for index, range_v in enumerate(RANGES_V):
        # Pointer and data in one command: no other client can move the pointer in between.
        body = struct.pack(">BHBI", 1, FLASH_POINTER, 2, CALIBRATION_AT + 16 * index)
        body += struct.pack(">BHB", 0, FLASH_READ, 8)
        above, below, centre, _offset = struct.unpack(">4f", modbus.feedback(body, 16))
        device[range_v] = Constants(above, below, centre)
    if all(_plausible(constants, nominal(range_v)) for range_v, constants in device.items()):
        return device, "device"
    return {range_v: nominal(range_v) for range_v in RANGES_V}, "nominal"


def _plausible(found: Constants, ideal: Constants) -> bool:
    """Tell calibration from erased flash (all bits set: NaN) and other data."""
    return (
        abs(found.slope_above / ideal.slope_above - 1) < _PLAUSIBLE_SLOPE
        and abs(found.slope_below / ideal.slope_below - 1) < _PLAUSIBLE_SLOPE
        and abs(found.centre - ideal.centre) < _PLAUSIBLE_CENTRE
    )
