"""What was measured of one battery, in order of time, as the methods want it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Times = NDArray[np.int64]

NS_PER_S: Final = 1_000_000_000
# A temperature that another instrument measured is taken as that of now for so long.
TEMPERATURE_HOLDS_NS: Final = 900 * NS_PER_S


class Readings(NamedTuple):
    """Values as they are stored, each kind with its own times (ns), strictly rising.

    Attributes
    ----------
    time_ns, current_a, voltage_v
        Of the instrument; a value that is missing is NaN, shape (n,).
    temperature_ns, temperature_c
        Shape (m,).
    state_ns, charger_state
        Shape (k,).
    """

    time_ns: Times
    current_a: Array
    voltage_v: Array
    temperature_ns: Times
    temperature_c: Array
    state_ns: Times
    charger_state: Array

    def between(self, start_ns: int, stop_ns: int) -> Readings:
        """Return those of a time, its end not included."""
        parts: list[NDArray[np.int64] | NDArray[np.float64]] = []
        for times, columns in (
            (self.time_ns, (self.current_a, self.voltage_v)),
            (self.temperature_ns, (self.temperature_c,)),
            (self.state_ns, (self.charger_state,)),
        ):
            first, last = np.searchsorted(times, (start_ns, stop_ns))
            parts += [one[first:last] for one in (times, *columns)]
        return Readings(*parts)  # type: ignore[arg-type]  # their order is that of the fields

    def values(self) -> int:
        """Return how many values these are, as the server counts them."""
        counted = sum(int(np.isfinite(v).sum()) for v in (self.current_a, self.voltage_v))
        return counted + len(self.temperature_ns) + len(self.state_ns)


class Carried(msgspec.Struct, forbid_unknown_fields=True):
    """The newest temperature and state of the charger, which hold on."""

    temperature_ns: int = -1_000_000_000_000_000  # long before any sample: there is none
    temperature_c: float = 0.0
    state: float = 0.0


class Samples(NamedTuple):
    """Samples of the current with what was known beside it, shape (n,) each.

    Attributes
    ----------
    charger_state
        Read in the same cell; NaN where none was.
    stage
        The newest state of the charger, however old; 0 before the first.
    """

    time_ns: Times
    current_a: Array
    voltage_v: Array
    temperature_c: Array
    charger_state: Array
    stage: Array


def join(readings: Readings, carried: Carried, cell_ns: int) -> tuple[Samples, Carried]:
    """Return every sample of the current with what belongs to it, and what holds on after them."""
    known = np.isfinite(readings.current_a)
    time_ns = readings.time_ns[known]
    temperature_ns = np.append(carried.temperature_ns, readings.temperature_ns)
    temperature_c = np.append(carried.temperature_c, readings.temperature_c)
    newest = np.searchsorted(temperature_ns[1:], time_ns, side="right")
    fresh = time_ns - temperature_ns[newest] <= TEMPERATURE_HOLDS_NS
    states = np.append(carried.state, readings.charger_state)
    stage = states[np.searchsorted(readings.state_ns, time_ns, side="right")]
    samples = Samples(
        time_ns,
        readings.current_a[known],
        readings.voltage_v[known],
        np.where(fresh, temperature_c[newest], np.nan),
        _in_cells(time_ns, readings, cell_ns),
        stage,
    )
    return samples, Carried(int(temperature_ns[-1]), float(temperature_c[-1]), float(states[-1]))


def _in_cells(time_ns: Times, readings: Readings, cell_ns: int) -> Array:
    """Return the charger's states at samples of the same cell, each at the first not before it."""
    found = np.full(len(time_ns), np.nan)
    if len(time_ns) == 0 or len(readings.state_ns) == 0:
        return found
    at = np.minimum(np.searchsorted(time_ns, readings.state_ns), len(time_ns) - 1)
    before = np.maximum(at - 1, 0)
    cell = readings.state_ns // cell_ns
    at = np.where(time_ns[at] // cell_ns == cell, at, before)
    same = time_ns[at] // cell_ns == cell
    found[at[same]] = readings.charger_state[same]
    return found
