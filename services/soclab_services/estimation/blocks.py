"""Samples summed up to blocks of a few minutes, in one pass.

What a model gets wrong at one sample it gets wrong at the next, so a filter that believed every
sample would be far too sure. It believes one mean per block; within a block charge is counted.
The pass uses the current as measured: a bias that a filter finds moves the means by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from soclab_services.estimation.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soclab_services.battery_model.model import BatteryModel
    from soclab_services.recordings.load import Recording
    from soclab_services.recordings.meta import Meta

    Array = NDArray[np.float64]

SECONDS_PER_HOUR: Final = 3600.0
BLOCK_S: Final = 300.0
# A step longer than this many usual ones (and than this time) is a gap: nobody looked.
GAP_STEPS: Final = 6.0
GAP_S: Final = 60.0
USUAL_STEPS: Final = 1000  # the usual step is that of the first so many
# Full by the charger: absorption voltage held, current down to this part of the capacity per hour.
TAIL_A_PER_AH: Final = 0.02
HELD_S: Final = 1200.0
NEAR_V: Final = 0.1
FLOAT_STAGE: Final = 3
# An anchor says the same again while it lasts, and a charger calls the same state full all day: it
# counts once in this time.
ANCHOR_EVERY_S: Final = 12 * 3600.0
# Chargers lower their voltages when it is warm (lead acid, six cells at 3 mV/K).
LEAD_ACID_V_PER_K: Final = -0.018


class Blocks(NamedTuple):
    """Sums and means of consecutive samples, shape (k,) each.

    Attributes
    ----------
    stop
        One past the last sample.
    gap_s, observed_s
        Time without samples before the block, and time observed in it.
    in_ah, out_ah
        Charge that flowed either way, both positive.
    current_a, current1_a, current2_a
        Means of the current and of the current behind the low-passes of the two RC pairs.
    voltage_v, temperature_c
        Means; the model's own temperature where none was measured.
    ripple_a
        Standard deviation of the current.
    full
        1 where the charger shows a full battery, and has not done so for a while.
    """

    stop: NDArray[np.int64]
    gap_s: Array
    observed_s: Array
    in_ah: Array
    out_ah: Array
    current_a: Array
    current1_a: Array
    current2_a: Array
    voltage_v: Array
    temperature_c: Array
    ripple_a: Array
    full: Array


class Rules(NamedTuple):
    """What the pass needs to know, as numbers; a voltage that is not known is infinite."""

    block_s: float
    gap_s: float
    tau1_s: float
    tau2_s: float
    temperature_c: float
    absorption_v: float
    float_v: float
    charger_v_per_k: float
    tail_a: float


def rules(recording: Recording, model: BatteryModel, meta: Meta) -> Rules:
    """Return the rules for a recording."""
    usual_s = meta.sample_s or float(np.median(np.diff(recording.time_s[: USUAL_STEPS + 1])))
    return rules_of(usual_s, model, meta)


def rules_of(usual_s: float, model: BatteryModel, meta: Meta) -> Rules:
    """Return the rules for samples that usually come so many seconds apart."""
    return Rules(
        block_s=BLOCK_S,
        gap_s=max(GAP_STEPS * usual_s, GAP_S),
        tau1_s=model.tau1_s,
        tau2_s=model.tau2_s,
        temperature_c=model.temperature_c,
        absorption_v=np.inf if meta.vabs is None else meta.vabs,
        float_v=np.inf if meta.vfloat is None else meta.vfloat,
        charger_v_per_k=LEAD_ACID_V_PER_K if meta.chem == "la" else 0.0,
        tail_a=TAIL_A_PER_AH * meta.nominal_Ah,
    )


# What the pass knows after a sample, in one array, so that it can be stored and gone on from.
(
    SAMPLES,
    OBSERVED_S,
    IN_AS,
    OUT_AS,
    SUM_I,
    SUM_II,
    SUM_1,
    SUM_2,
    SUM_V,
    SUM_T,
    GAP_BEFORE_S,
    FULL,
    LOW1_A,
    LOW2_A,
    KEEP1,
    KEEP2,
    STEP_S,
    TEMPERATURE_C,
    HELD_FOR_S,
    SINCE_FULL_S,
    LAST_S,
    LAST_A,
    LAST_STAGE,
    BEGUN,
) = range(24)
SUMS: Final = FULL + 1  # the first so many begin anew with every block
COLUMNS: Final = len(Blocks._fields) - 1  # all but `stop`


def blocks(recording: Recording, given: Rules) -> Blocks:
    """Return the blocks of a recording."""
    count, columns, stops = _sum_up(
        recording.time_s,
        recording.current_a,
        recording.voltage_v,
        recording.temperature_c,
        recording.stage,
        given,
    )
    return Blocks(stops[:count], *columns[:, :count])


@compiled
def _sum_up(
    time_s: Array,
    current_a: Array,
    voltage_v: Array,
    temperature_c: Array,
    stage: NDArray[np.int8],
    given: Rules,
) -> tuple[int, Array, NDArray[np.int64]]:
    n = len(time_s)
    gaps = 1
    for k in range(1, n):
        if time_s[k] - time_s[k - 1] > given.gap_s:
            gaps += 1
    most = min(n, int((time_s[-1] - time_s[0]) / given.block_s) + 2 * gaps + 2)
    columns = np.zeros((COLUMNS, most))
    stops = np.zeros(most, np.int64)
    known = begun(given)
    row = np.empty(COLUMNS)
    block = 0
    for k in range(n):
        if take(
            known, given, time_s[k], current_a[k], voltage_v[k], temperature_c[k], stage[k], row
        ):
            stops[block] = k
            columns[:, block] = row
            block += 1
    close(known, row)
    stops[block] = n
    columns[:, block] = row
    return block + 1, columns, stops


@compiled
def begun(given: Rules) -> Array:
    """Return what is known before the first sample."""
    known = np.zeros(BEGUN + 1)
    known[STEP_S] = -1.0
    known[TEMPERATURE_C] = given.temperature_c
    known[SINCE_FULL_S] = np.inf
    return known


@compiled
def close(known: Array, row: Array) -> None:
    """Fill in the sums and means of the block that ends here, and begin the next."""
    samples = max(known[SAMPLES], 1.0)
    mean_a = known[SUM_I] / samples
    row[0] = known[GAP_BEFORE_S]
    row[1] = known[OBSERVED_S]
    row[2] = known[IN_AS] / SECONDS_PER_HOUR
    row[3] = known[OUT_AS] / SECONDS_PER_HOUR
    row[4] = mean_a
    row[5] = known[SUM_1] / samples
    row[6] = known[SUM_2] / samples
    row[7] = known[SUM_V] / samples
    row[8] = known[SUM_T] / samples
    row[9] = np.sqrt(max(known[SUM_II] / samples - mean_a**2, 0.0))
    row[10] = known[FULL]
    known[:SUMS] = 0.0


@compiled
def take(
    known: Array,
    given: Rules,
    time_s: float,
    current_a: float,
    voltage_v: float,
    temperature_c: float,
    stage: int,
    row: Array,
) -> bool:
    """Add a sample; return whether a block ended before it, which `row` then holds."""
    first = known[BEGUN] == 0.0
    step_s = 0.0 if first else time_s - known[LAST_S]
    before_a = current_a if first else known[LAST_A]
    is_gap = step_s > given.gap_s
    ended = known[SAMPLES] > 0.0 and (is_gap or known[OBSERVED_S] + 0.5 * step_s >= given.block_s)
    if ended:
        close(known, row)
    if step_s != known[STEP_S]:
        known[STEP_S] = step_s
        known[KEEP1] = np.exp(-step_s / given.tau1_s)
        known[KEEP2] = np.exp(-step_s / given.tau2_s)
    if first:
        known[BEGUN] = 1.0
        known[LOW1_A] = current_a
        known[LAST_STAGE] = stage  # float from the beginning is no step to float
    elif is_gap:
        known[GAP_BEFORE_S] += step_s
        known[LOW1_A] = current_a
        known[LOW2_A] *= known[KEEP2]
        known[HELD_FOR_S] = 0.0
    else:
        known[OBSERVED_S] += step_s
        mean_a = 0.5 * (before_a + current_a)
        known[LOW1_A] += (1.0 - known[KEEP1]) * (mean_a - known[LOW1_A])
        known[LOW2_A] += (1.0 - known[KEEP2]) * (mean_a - known[LOW2_A])
        # each direction by itself, as the trapezoids of the Coulomb counter
        known[IN_AS] += 0.5 * (max(before_a, 0.0) + max(current_a, 0.0)) * step_s
        known[OUT_AS] += 0.5 * (max(-before_a, 0.0) + max(-current_a, 0.0)) * step_s
    if not np.isnan(temperature_c):
        known[TEMPERATURE_C] = temperature_c
    known[SAMPLES] += 1.0
    known[SUM_I] += current_a
    known[SUM_II] += current_a * current_a
    known[SUM_1] += known[LOW1_A]
    known[SUM_2] += known[LOW2_A]
    known[SUM_V] += voltage_v
    known[SUM_T] += known[TEMPERATURE_C]
    _look_for_full(known, given, step_s, current_a, voltage_v, stage)
    known[LAST_S] = time_s
    known[LAST_A] = current_a
    known[LAST_STAGE] = stage
    return ended


@compiled
def _look_for_full(
    known: Array, given: Rules, step_s: float, current_a: float, voltage_v: float, stage: int
) -> None:
    shift_v = given.charger_v_per_k * (known[TEMPERATURE_C] - given.temperature_c)
    tail = voltage_v >= given.absorption_v + shift_v - NEAR_V and abs(current_a) <= given.tail_a
    known[HELD_FOR_S] = known[HELD_FOR_S] + step_s if tail else 0.0
    known[SINCE_FULL_S] += step_s
    enters_float = (
        stage == FLOAT_STAGE
        and known[LAST_STAGE] != FLOAT_STAGE
        and voltage_v >= given.float_v + shift_v - NEAR_V
    )
    if (enters_float or known[HELD_FOR_S] >= HELD_S) and known[SINCE_FULL_S] > ANCHOR_EVERY_S:
        known[FULL] = 1.0
        known[SINCE_FULL_S] = 0.0
