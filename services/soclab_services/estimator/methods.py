"""The methods: samples in, a row for every cell out, and a state to go on from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import msgspec
import numpy as np

from soclab_services.estimation import coulomb
from soclab_services.estimation.stream import Stream
from soclab_services.estimator.config import COUNTED
from soclab_services.estimator.samples import NS_PER_S, Samples

if TYPE_CHECKING:
    from soclab_services.estimator.characteristics import Characteristics
    from soclab_services.estimator.config import EstimatedBattery

# Below this part of its lowest and above this of its highest voltage a battery is disconnected,
# or something else is.
CONNECTED: Final = (0.5, 1.5)


class Row(NamedTuple):
    """What is stored for one cell, at its end; fields as in the data contract."""

    time_ns: int
    fields: dict[str, float]


class Method(Protocol):
    """One method on one battery."""

    def feed(self, samples: Samples, cell_ns: int) -> list[Row]:
        """Take in samples of whole cells, all later than before; return a row for each cell."""

    def dump(self) -> bytes:
        """Return the state."""


def begin(
    name: str, battery: EstimatedBattery, known: Characteristics, stored: bytes | None = None
) -> Method:
    """Return a method before its first sample, or where it was when this state was dumped.

    Raises
    ------
    ValueError
        If it is no state, or that of another version.
    """
    if name == COUNTED:
        return Counted(battery, stored)
    return Kalman(name, known, stored)


class Kalman:
    """``ekf`` or ``spkf``."""

    def __init__(self, method: str, known: Characteristics, stored: bytes | None) -> None:
        arguments = (known.model, known.meta, method, known.assumed)
        self._stream = (
            Stream.begin(*arguments) if stored is None else Stream.load(stored, *arguments)
        )
        self._known = known

    def feed(self, samples: Samples, cell_ns: int) -> list[Row]:
        """Take in the samples that can be from a connected battery."""
        known = self._known
        voltage_v = samples.voltage_v / known.packs
        with np.errstate(invalid="ignore"):
            used = (
                (voltage_v >= CONNECTED[0] * known.model.ocv_v[0])
                & (voltage_v <= CONNECTED[1] * known.model.ocv_v[-1])
                & (np.abs(samples.current_a) <= known.largest_a)
            )
        time_ns = samples.time_ns[used]
        if len(time_ns) == 0:
            return []
        found = self._stream.follow(
            time_ns / NS_PER_S,
            samples.current_a[used],
            voltage_v[used],
            samples.temperature_c[used],
            samples.stage[used],
        )
        cells = time_ns // cell_ns
        last = np.append(np.flatnonzero(np.diff(cells)), len(cells) - 1)
        at_ends = zip(*(column[last].tolist() for column in found), strict=True)
        half_ohm = known.packs * known.resistance_ohm
        return [
            Row(
                int(cell + 1) * cell_ns,
                {
                    "soc_pct": 100.0 * soc,
                    "charge_ah": soc * capacity_ah,
                    "sigma_pct": 100.0 * sigma,
                    "bias_a": bias_a,
                    "bias_sigma_a": bias_sigma_a,
                    "capacity_ah": capacity_ah,
                    "capacity_sigma_ah": capacity_sigma_ah,
                    "resistance_ohm": half_ohm * resistance,
                    "resistance_sigma_ohm": half_ohm * resistance_sigma,
                },
            )
            for cell, (
                soc,
                sigma,
                bias_a,
                capacity_ah,
                bias_sigma_a,
                capacity_sigma_ah,
                resistance,
                resistance_sigma,
            ) in zip(cells[last].tolist(), at_ends, strict=True)
        ]

    def dump(self) -> bytes:
        """Return the state of the stream."""
        return self._stream.dump()


class Counted:
    """Coulomb counting as the Flux task does it."""

    def __init__(self, battery: EstimatedBattery, stored: bytes | None) -> None:
        self._battery = battery
        try:
            self._state = (
                coulomb.initial_state(battery)
                if stored is None
                else msgspec.msgpack.decode(stored, type=coulomb.State)
            )
        except msgspec.DecodeError as error:
            raise ValueError(f"no state of a count: {error}") from error

    def feed(self, samples: Samples, cell_ns: int) -> list[Row]:
        """Count all samples: what voltage they have matters to the anchors only."""
        rows, self._state = coulomb.count(
            coulomb.Samples(
                samples.time_ns, samples.current_a, samples.voltage_v, samples.charger_state
            ),
            self._battery,
            cell_ns // NS_PER_S,
            self._state,
        )
        capacity_ah = self._battery.capacity_ah
        return [
            Row(
                row.time_ns,
                {
                    "soc_pct": row.soc_pct,
                    "charge_ah": capacity_ah * row.soc_pct / 100.0,
                    "sigma_pct": row.sigma_pct,
                    "unobserved_s": row.unobserved_s,
                },
            )
            for row in rows
        ]

    def dump(self) -> bytes:
        """Return the state of the count."""
        return msgspec.msgpack.encode(self._state)
