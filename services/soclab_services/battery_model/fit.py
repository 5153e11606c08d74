"""A model from a C/20 and an HPPC recording.

Given the time constants the voltage is linear in the values of all curves, so these come from one
bounded least-squares problem; only the time constants, the rate of the hysteresis and I0 of the
charge reaction are searched for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy import optimize

from soclab_services.battery_model.efficiency import Efficiency, fit_efficiency
from soclab_services.battery_model.model import (
    LEAST_ROOM,
    BatteryModel,
    Chemistry,
    Curve,
    Provenance,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SECONDS_PER_HOUR: Final = 3600.0
# Open-circuit voltage bends at the ends, resistances change slowly.
OCV_KNOTS: Final = np.array(
    (
        *(0.0, 0.03, 0.06, 0.08, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5),
        *(0.55, 0.6, 0.63, 0.66, 0.69, 0.72, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97),
        *(0.98, 0.985, 0.99, 0.995, 1.0),
    )
)
RESISTANCE_KNOTS: Final = np.array([0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0])
HYSTERESIS_KNOTS: Final = np.array([0.0, 0.2, 0.5, 0.8, 1.0])
CHARGE_KNOTS: Final = np.array([0.0, 0.4, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 1.0])
# Weights of the bend of a curve against the volts of 1,000 samples: smooth where nothing is known.
OCV_SMOOTHNESS: Final = 0.003
CURVE_SMOOTHNESS: Final = 0.03
# What recordings at one temperature cannot show: typical of both chemistries, from the cold of
# batteries in sheds. A filter has a state for the rest.
RESISTANCE_PER_K: Final = 0.014
# A break in the recording longer than this many usual steps was a rest.
REST_STEPS: Final = 5.0
REST_S: Final = 1200.0
THINNED: Final = 6
NEVER: Final = 9.0  # a state of charge that is not reached, where infinity cannot be written


class Characterisation(NamedTuple):
    """One recording of a battery at known state of charge.

    Attributes
    ----------
    time_s, current_a, voltage_v, soc
        Shape (n,); soc from 0 to 1.
    """

    time_s: Array
    current_a: Array
    voltage_v: Array
    soc: Array


class Shape(NamedTuple):
    """What the voltage is not linear in."""

    tau1_s: float
    tau2_s: float
    hysteresis_rate: float
    charge_i0_a: float
    charge_i0_exponent: float

    @classmethod
    def of(cls, logarithms: Array, capacity_ah: float) -> Shape:
        """Return the shape at a point of the search."""
        tau1, tau2, rate, i0 = np.exp(logarithms[:4])
        return cls(tau1, tau2, rate, i0 * capacity_ah, logarithms[4])


# Logarithms of time constants (s), hysteresis rate and I0 per Ah, and the exponent of I0. A search
# begins with a charge reaction that does not know how full the plates are, one with a reaction
# that does.
STARTS: Final = tuple(
    np.array([*np.log([40.0, 1500.0, 30.0, i0]), exponent])
    for i0, exponent in ((0.03, 0.1), (0.05, 1.2))
)
# Hysteresis turns within some percent of the capacity; what takes longer is the curve itself. A
# charge reaction with next to no exchange current would be a jump, and pass for hysteresis.
BOUNDS: Final = (
    np.array([*np.log([5.0, 300.0, 15.0, 0.02]), 0.0]),
    np.array([*np.log([600.0, 40000.0, 100.0, 2.0]), 2.0]),
)
EVALUATIONS: Final = 30  # of each search, after which no recording gained anything


def fit(
    recordings: Sequence[Characterisation],
    chemistry: Chemistry,
    capacity_ah: float,
    provenance: Provenance | None = None,
) -> BatteryModel:
    """Return the model that explains the recordings best.

    Parameters
    ----------
    recordings
        Complete enough to show every part: slow cycles for the open-circuit voltage, pulses with
        rests for resistances and time constants.
    chemistry, capacity_ah
        Of the battery recorded.
    provenance
        Kept in the model.
    """
    searched = [_thinned(one) for one in recordings]
    found = [
        optimize.least_squares(
            lambda x: (
                _solve(searched, Shape.of(x, capacity_ah), capacity_ah, bounded=False).misses_v
            ),
            start,
            bounds=BOUNDS,
            diff_step=0.01,
            max_nfev=EVALUATIONS,
        )
        for start in STARTS
    ]
    best = min(found, key=lambda one: one.cost)
    shape = Shape.of(best.x, capacity_ah)
    solution = _solve(recordings, shape, capacity_ah, bounded=True)
    efficiency = fit_efficiency(recordings, capacity_ah)
    lowest = min(float(one.soc.min()) for one in recordings)
    return _model(
        solution, shape, efficiency, chemistry, capacity_ah, lowest, provenance or Provenance()
    )


class _Solution(NamedTuple):
    ocv: Array
    r0: Array
    r1: Array
    r2: Array
    hysteresis: Array
    charge: Array
    misses_v: Array


def _solve(
    recordings: Sequence[Characterisation], shape: Shape, capacity_ah: float, *, bounded: bool
) -> _Solution:
    """Return the curves by least squares; bounded, none is negative and OCV does not fall."""
    design = np.vstack([_columns(one, shape, capacity_ah) for one in recordings])
    target = np.concatenate([one.voltage_v for one in recordings])
    smooth = _smoothness(len(target) / 1000.0)
    normal = design.T @ design + smooth.T @ smooth
    normal += 1e-9 * np.trace(normal) / len(normal) * np.eye(len(normal))
    if bounded:
        root = np.linalg.cholesky(normal)
        solved = optimize.lsq_linear(
            root.T, np.linalg.solve(root, design.T @ target), bounds=(0.0, np.inf), method="bvls"
        ).x
    else:  # a search needs speed, and what is negative here is so by a little
        solved = np.linalg.solve(normal, design.T @ target)
    parts = np.split(solved, np.cumsum(_SIZES)[:-1])
    rises, r0, r1, r2, hysteresis, charge = parts
    return _Solution(np.cumsum(rises), r0, r1, r2, hysteresis, charge, design @ solved - target)


def _thinned(recording: Characterisation) -> Characterisation:
    """Return samples enough for a search: all where the current changes, some of the others."""
    changes = np.flatnonzero(np.diff(recording.current_a) != 0.0)
    near = (changes[:, None] + np.arange(-1, 7)).ravel()
    index = np.union1d(near, np.arange(0, len(recording.time_s), THINNED))
    index = index[(index >= 0) & (index < len(recording.time_s))]
    return Characterisation(*(column[index] for column in recording))


_SIZES: Final = (
    [len(OCV_KNOTS)] + 3 * [len(RESISTANCE_KNOTS)] + [len(HYSTERESIS_KNOTS)] + [len(CHARGE_KNOTS)]
)


def _columns(recording: Characterisation, shape: Shape, capacity_ah: float) -> Array:
    """Return the voltage's derivative by every value of every curve, shape (n, values)."""
    i1, i2, hysteresis = low_passed(recording, shape, capacity_ah)
    # The open-circuit voltage is a sum of rises, each bounded from below: it cannot fall.
    rises = np.cumsum(hats(recording.soc, OCV_KNOTS)[:, ::-1], axis=1)[:, ::-1]
    resistance = hats(recording.soc, RESISTANCE_KNOTS)
    charge = charge_reaction(recording, shape)
    return np.hstack(
        [
            rises,
            resistance * recording.current_a[:, None],
            resistance * i1[:, None],
            resistance * i2[:, None],
            hats(recording.soc, HYSTERESIS_KNOTS) * hysteresis[:, None],
            hats(recording.soc, CHARGE_KNOTS) * charge[:, None],
        ]
    )


def charge_reaction(recording: Characterisation, shape: Shape) -> Array:
    """Return ln(1 + I+ / I0(s)) at every sample."""
    room = np.maximum(1.0 - recording.soc, LEAST_ROOM) ** shape.charge_i0_exponent
    return np.log1p(np.maximum(recording.current_a, 0.0) / (shape.charge_i0_a * room))


def hats(soc: Array, knots: Array) -> Array:
    """Return the weight of every knot in linear interpolation, shape (n, knots)."""
    inside = np.clip(soc, knots[0], knots[-1])
    right = np.clip(np.searchsorted(knots, inside), 1, len(knots) - 1)
    part = (inside - knots[right - 1]) / (knots[right] - knots[right - 1])
    weights = np.zeros((len(soc), len(knots)))
    rows = np.arange(len(soc))
    weights[rows, right - 1] = 1.0 - part
    weights[rows, right] = part
    return weights


def low_passed(recording: Characterisation, shape: Shape, capacity_ah: float) -> list[Array]:
    """Return i1, i2 and h at every sample, beginning from rest."""
    steps_s = np.diff(recording.time_s, prepend=recording.time_s[0])
    is_rest = steps_s > max(REST_STEPS * float(np.median(steps_s)), REST_S)
    current_a = recording.current_a
    over_step_a = np.where(is_rest, 0.0, (current_a + np.roll(current_a, 1)) / 2.0)
    over_step_a[0] = 0.0
    moved = np.abs(over_step_a) * steps_s / SECONDS_PER_HOUR / capacity_ah
    keeps = [
        np.exp(-steps_s / shape.tau1_s),
        np.exp(-steps_s / shape.tau2_s),
        np.exp(-shape.hysteresis_rate * moved),
    ]
    targets = [over_step_a, over_step_a, np.sign(over_step_a)]
    # A full battery that rests was charged last: its hysteresis is at the charged end.
    starts = [0.0, 0.0, 1.0]
    return [_follow(*one) for one in zip(keeps, targets, starts, strict=True)]


def _follow(keep: Array, target: Array, start: float) -> Array:
    """Return y with y_k = keep_k y_(k-1) + (1 - keep_k) target_k."""
    values = np.empty(len(keep))
    value = start
    for k, (kept, aim) in enumerate(zip(keep.tolist(), target.tolist(), strict=True)):
        value = kept * value + (1.0 - kept) * aim
        values[k] = value
    return values


def _smoothness(weight: float) -> Array:
    """Return rows that are small when every curve is smooth."""
    curves = [OCV_KNOTS] + 3 * [RESISTANCE_KNOTS] + [HYSTERESIS_KNOTS, CHARGE_KNOTS]
    rows = []
    offset = 0
    for number, knots in enumerate(curves):
        strength = OCV_SMOOTHNESS if number == 0 else CURVE_SMOOTHNESS
        for k in range(1, len(knots) - 1):
            row = np.zeros(sum(_SIZES))
            left, right = knots[k] - knots[k - 1], knots[k + 1] - knots[k]
            row[offset + k - 1 : offset + k + 2] = (
                1.0 / left,
                -1.0 / left - 1.0 / right,
                1.0 / right,
            )
            row *= strength * np.sqrt(weight) * min(left, right)
            if number == 0:  # rises: the bend is the change of slope
                row[:] = 0.0
                row[offset + k : offset + k + 2] = -1.0 / left, 1.0 / right
                row *= strength * np.sqrt(weight) * min(left, right)
            rows.append(row)
        offset += len(knots)
    return np.array(rows)


def _model(
    solution: _Solution,
    shape: Shape,
    efficiency: Efficiency,
    chemistry: Chemistry,
    capacity_ah: float,
    lowest: float,
    provenance: Provenance,
) -> BatteryModel:
    def curve(values: Array, knots: Array) -> Curve:
        seen = np.maximum(
            grid, lowest
        )  # what no recording shows is as at the edge of what one does
        return tuple(np.interp(seen, knots, values).round(6).tolist())

    def beyond(ocv_v: Curve) -> Curve:
        first = int(np.searchsorted(grid, lowest))
        slope = (ocv_v[first + 1] - ocv_v[first]) / (grid[first + 1] - grid[first])
        below = [ocv_v[first] - slope * (grid[first] - soc) for soc in grid[:first]]
        return (*(float(value) for value in below), *ocv_v[first:])

    grid = np.unique(np.concatenate([OCV_KNOTS, RESISTANCE_KNOTS, HYSTERESIS_KNOTS, CHARGE_KNOTS]))
    return BatteryModel(
        chemistry=chemistry,
        capacity_ah=capacity_ah,
        soc=tuple(grid.tolist()),
        ocv_v=beyond(curve(solution.ocv, OCV_KNOTS)),
        r0_ohm=curve(solution.r0, RESISTANCE_KNOTS),
        r1_ohm=curve(solution.r1, RESISTANCE_KNOTS),
        r2_ohm=curve(solution.r2, RESISTANCE_KNOTS),
        hysteresis_v=curve(solution.hysteresis, HYSTERESIS_KNOTS),
        charge_overpotential_v=curve(solution.charge, CHARGE_KNOTS),
        tau1_s=float(shape.tau1_s),
        tau2_s=float(shape.tau2_s),
        hysteresis_rate=float(shape.hysteresis_rate),
        charge_i0_a=float(shape.charge_i0_a),
        charge_i0_exponent=float(shape.charge_i0_exponent),
        coulombic_efficiency=efficiency.eta0,
        half_stored_soc=min(efficiency.half_soc, NEVER),
        half_stored_width=efficiency.width,
        resistance_per_k=RESISTANCE_PER_K,
        ocv_v_per_k=0.0,
        lowest_soc=round(lowest, 4),
        fit_rms_v=float(np.sqrt(np.mean(solution.misses_v**2))),
        provenance=provenance,
    )
