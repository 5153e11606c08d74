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
# An anchor says the same again while it lasts: it counts once in this time.
ANCHOR_EVERY_S: Final = 3600.0
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
def _sum_up(  # noqa: PLR0915  one pass, cut in pieces it would be several
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
    columns = np.zeros((11, most))
    stops = np.zeros(most, np.int64)
    block = 0
    samples = 0
    observed_s = in_as = out_as = sum_i = sum_ii = sum_1 = sum_2 = sum_v = sum_t = gap_s = 0.0
    i1 = current_a[0]
    i2 = 0.0
    temperature = given.temperature_c
    held_s = 0.0
    since_full_s = np.inf
    full = False
    last_step_s = -1.0
    keep1 = keep2 = 0.0
    for k in range(n):
        step_s = time_s[k] - time_s[k - 1] if k > 0 else 0.0
        is_gap = step_s > given.gap_s
        if samples > 0 and (is_gap or observed_s + 0.5 * step_s >= given.block_s):
            stops[block] = k
            columns[:, block] = (
                gap_s,
                observed_s,
                in_as / SECONDS_PER_HOUR,
                out_as / SECONDS_PER_HOUR,
                sum_i / samples,
                sum_1 / samples,
                sum_2 / samples,
                sum_v / samples,
                sum_t / samples,
                np.sqrt(max(sum_ii / samples - (sum_i / samples) ** 2, 0.0)),
                1.0 if full else 0.0,
            )
            block += 1
            samples = 0
            observed_s = in_as = out_as = sum_i = sum_ii = 0.0
            sum_1 = sum_2 = sum_v = sum_t = gap_s = 0.0
            full = False
        if step_s != last_step_s:
            last_step_s = step_s
            keep1 = np.exp(-step_s / given.tau1_s)
            keep2 = np.exp(-step_s / given.tau2_s)
        now_a = current_a[k]
        before_a = current_a[k - 1] if k > 0 else now_a
        if is_gap:
            gap_s += step_s
            i1 = now_a
            i2 *= keep2
            held_s = 0.0
        else:
            observed_s += step_s
            mean_a = 0.5 * (before_a + now_a)
            i1 = keep1 * i1 + (1.0 - keep1) * mean_a
            i2 = keep2 * i2 + (1.0 - keep2) * mean_a
            # each direction by itself, as the trapezoids of the Coulomb counter
            in_as += 0.5 * (max(before_a, 0.0) + max(now_a, 0.0)) * step_s
            out_as += 0.5 * (max(-before_a, 0.0) + max(-now_a, 0.0)) * step_s
        if not np.isnan(temperature_c[k]):
            temperature = temperature_c[k]
        samples += 1
        sum_i += now_a
        sum_ii += now_a * now_a
        sum_1 += i1
        sum_2 += i2
        sum_v += voltage_v[k]
        sum_t += temperature
        shift_v = given.charger_v_per_k * (temperature - given.temperature_c)
        tail = voltage_v[k] >= given.absorption_v + shift_v - NEAR_V and abs(now_a) <= given.tail_a
        held_s = held_s + step_s if tail else 0.0
        since_full_s += step_s
        enters_float = (
            k > 0
            and stage[k] == FLOAT_STAGE
            and stage[k - 1] != FLOAT_STAGE
            and voltage_v[k] >= given.float_v + shift_v - NEAR_V
        )
        if (enters_float or held_s >= HELD_S) and since_full_s > ANCHOR_EVERY_S:
            full = True
            since_full_s = 0.0
    stops[block] = n
    columns[:, block] = (
        gap_s,
        observed_s,
        in_as / SECONDS_PER_HOUR,
        out_as / SECONDS_PER_HOUR,
        sum_i / samples,
        sum_1 / samples,
        sum_2 / samples,
        sum_v / samples,
        sum_t / samples,
        np.sqrt(max(sum_ii / samples - (sum_i / samples) ** 2, 0.0)),
        1.0 if full else 0.0,
    )
    return block + 1, columns, stops
