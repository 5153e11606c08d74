"""Extended Kalman filters over the blocks of a recording (Plett 2004, part 3; Simon 2006, ch. 13).

The state holds the bias of the current sensor, the capacity and the resistance beside the state of
charge, so that what they do to the voltage and to the balance is told apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from soclab_services.estimation.compiled import compiled
from soclab_services.estimation.equations import (
    BEYOND,
    STATES,
    STEPS,
    B,
    C,
    Circuit,
    H,
    R,
    S,
    V,
    charge_balance,
    hysteresis_step,
    voltage,
)
from soclab_services.estimation.hypotheses import (
    JUMP_EVERY_H,
    MOST,
    reweigh,
    start,
    suppose_jump,
    tidy,
    together,
)
from soclab_services.estimation.linear import predict_covariance, update

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soclab_services.estimation.blocks import Blocks
    from soclab_services.estimation.noise import Noise

    Array = NDArray[np.float64]

HOURS_PER_DAY: Final = 24.0
SECONDS_PER_HOUR: Final = 3600.0
# What voltage and current of a sample are off by themselves, the steps of converters included.
SENSOR_V: Final = 0.006
CAPACITY_BOUNDS: Final = (0.5, 1.3)
RESISTANCE_BOUNDS: Final = (0.3, 4.0)


class Filtered(NamedTuple):
    """Means and covariances at the ends of blocks, before and after the block's voltage.

    Attributes
    ----------
    before, after
        Shape (k, 6).
    p_before, p_after
        Shape (k, 6, 6).
    step
        Slopes of a state by the one before, shape (k, 6, 6): what a smoother goes back with.
    """

    before: Array
    after: Array
    p_before: Array
    p_after: Array
    step: Array


def ekf(blocks: Blocks, model: Circuit, noise: Noise, soc: float) -> Filtered:
    """Return the estimates for every block, each from what came before it and itself."""
    return Filtered(*_run(blocks, model, noise, soc))


@compiled
def predict(
    x: Array, p: Array, blocks: Blocks, k: int, model: Circuit, noise: Noise, f: Array, q: Array
) -> None:
    """Go through block k by counting its charge; fills in the slopes F and the noise Q."""
    hours = blocks.observed_s[k] / SECONDS_PER_HOUR
    gap_h = blocks.gap_s[k] / SECONDS_PER_HOUR
    days = (hours + gap_h) / HOURS_PER_DAY
    f[:] = 0.0
    q[:] = 0.0
    for i in range(STATES):
        f[i, i] = 1.0
    capacity_ah = model.capacity_ah * x[C]
    stored_ah, stored_s, stored_b = charge_balance(
        model, x[S], x[B], hours, blocks.in_ah[k], blocks.out_ah[k]
    )
    keep, aim = hysteresis_step(model, x[C], x[B], hours, blocks.in_ah[k], blocks.out_ah[k])
    # s' = s + stored / (c C)
    f[S, S] = 1.0 + stored_s / capacity_ah
    f[S, B] = stored_b / capacity_ah
    f[S, C] = -stored_ah / capacity_ah / x[C]
    x[S] = min(max(x[S] + stored_ah / capacity_ah, -BEYOND), 1.0 + 0.2 * BEYOND)
    # h' = keep h + (1 - keep) aim
    f[H, H] = keep
    x[H] = keep * x[H] + (1.0 - keep) * aim
    # v forgets
    fade = np.exp(-(hours + gap_h) / noise.voltage_h)
    f[V, V] = fade
    x[V] *= fade
    q[V, V] = noise.voltage_v**2 * (1.0 - fade**2)
    q[B, B] = noise.bias_a_per_day**2 * days
    q[C, C] = noise.capacity_per_day**2 * days
    q[R, R] = noise.resistance_per_day**2 * days
    moved = (blocks.in_ah[k] + blocks.out_ah[k]) / capacity_ah
    unseen = noise.unseen_a_per_ah**2 * gap_h * min(gap_h, noise.unseen_h)
    q[S, S] = noise.gain**2 * moved * noise.gain_stretch + unseen
    # Where a bias of usual size decides which way the charge went, the aim is uncertain too.
    unsure = np.exp(-abs(blocks.current_a[k] - x[B]) / (np.sqrt(p[B, B]) + 0.02))
    q[H, H] = (1.0 - keep) ** 2 * unsure + noise.hysteresis_change**2 * (1.0 - keep**2)
    if gap_h > 0.0:
        gone = 1.0 - np.exp(-model.hysteresis_rate * noise.unseen_a_per_ah * gap_h)
        f[H, H] *= 1.0 - gone
        x[H] *= 1.0 - gone
        q[H, H] += gone * noise.hysteresis**2
    predict_covariance(p, f, q)


@compiled
def voltage_variance(
    blocks: Blocks, k: int, model: Circuit, noise: Noise, made_v: float, since_gap_s: float
) -> float:
    """Return how far a block's mean voltage may be from the expected, squared.

    What a model does wrong it does for `error_s`: a block alone is worth only its part of that.
    """
    block_s = max(blocks.observed_s[k], 1.0)
    # The first block after a break is new, whatever its length.
    repeated = max(noise.error_s / block_s, 1.0) if since_gap_s > block_s else 1.0
    error = noise.error_v**2 + (noise.polarisation * made_v) ** 2
    middle = STEPS // 2
    resistance = model.tables[1, middle] + model.tables[2, middle] + model.tables[3, middle]
    ripple = (0.5 * blocks.ripple_a[k] * resistance) ** 2
    # Currents before the recording, or in a gap, have left a polarisation nobody knows.
    unseen_a = noise.unseen_a_per_ah * model.capacity_ah
    left = (unseen_a * resistance) ** 2 * np.exp(-since_gap_s / noise.error_s)
    return error * repeated + ripple + left * repeated + SENSOR_V**2


@compiled
def _expect(
    x: Array, blocks: Blocks, k: int, model: Circuit, middle: Array, slopes: Array
) -> tuple[float, float]:
    """Return the mean voltage expected of block k: that of its middle."""
    net_ah = blocks.in_ah[k] - blocks.out_ah[k]
    middle[:] = x
    middle[S] -= 0.5 * net_ah / (model.capacity_ah * x[C])
    return voltage(
        model,
        middle,
        blocks.current_a[k],
        blocks.current1_a[k],
        blocks.current2_a[k],
        blocks.temperature_c[k],
        slopes,
    )


@compiled
def bounded(x: Array) -> None:
    """Keep a state where a battery can be."""
    x[S] = min(max(x[S], -0.02), 1.01)
    x[H] = min(max(x[H], -1.0), 1.0)
    x[C] = min(max(x[C], CAPACITY_BOUNDS[0]), CAPACITY_BOUNDS[1])
    x[R] = min(max(x[R], RESISTANCE_BOUNDS[0]), RESISTANCE_BOUNDS[1])


@compiled
def correct(
    x: Array,
    p: Array,
    blocks: Blocks,
    k: int,
    model: Circuit,
    noise: Noise,
    since_gap_s: float,
    work: Array,
) -> float:
    """Take in the voltage of block k, and a full battery; return the likelihood's logarithm."""
    slopes = work[0]
    expected_v, made_v = _expect(x, blocks, k, model, work[1], slopes)
    variance = voltage_variance(blocks, k, model, noise, made_v, since_gap_s)
    log = gated_update(x, p, slopes, blocks.voltage_v[k] - expected_v, variance, noise.gate)
    if blocks.full[k] > 0.0:
        slopes[:] = 0.0
        slopes[S] = 1.0
        log += gated_update(x, p, slopes, noise.full_soc - x[S], noise.full**2, noise.gate)
    bounded(x)
    return log


@compiled
def gated_update(
    x: Array, p: Array, h: Array, innovation: float, variance: float, gate: float
) -> float:
    """Update; a measurement further off than the gate is given the variance that puts it there.

    The likelihood is Huber's: quadratic up to the gate, linear beyond.
    """
    total = variance
    for i in range(STATES):
        for j in range(STATES):
            total += h[i] * p[i, j] * h[j]
    distance = abs(innovation) / np.sqrt(total)
    log = -0.5 * np.log(total)
    if distance > gate:
        log -= gate * distance - 0.5 * gate**2
        variance *= distance / gate
    else:
        log -= 0.5 * distance**2
    update(x, p, h, innovation, variance)
    return log


@compiled
def _run(
    blocks: Blocks, model: Circuit, noise: Noise, soc: float
) -> tuple[Array, Array, Array, Array, Array]:
    n = len(blocks.stop)
    before = np.empty((n, STATES))
    after = np.empty((n, STATES))
    p_before = np.empty((n, STATES, STATES))
    p_after = np.empty((n, STATES, STATES))
    step = np.empty((n, STATES, STATES))
    x, p, weight, age_h, count = start(soc, noise)
    q = np.empty((STATES, STATES))
    work = np.empty((2, STATES))
    logs = np.zeros(MOST)
    since_gap_s = 0.0
    since_jump_h = 0.0
    for k in range(n):
        elapsed_h = (blocks.observed_s[k] + blocks.gap_s[k]) / SECONDS_PER_HOUR
        since_gap_s = blocks.observed_s[k] + (0.0 if blocks.gap_s[k] > 0.0 else since_gap_s)
        since_jump_h += elapsed_h
        for i in range(count - 1, -1, -1):  # the first comes last: its slopes are kept
            predict(x[i], p[i], blocks, k, model, noise, step[k], q)
            age_h[i] += elapsed_h
        together(x, p, weight, count, before[k], p_before[k])
        for i in range(count):
            logs[i] = correct(x[i], p[i], blocks, k, model, noise, since_gap_s, work)
        if count > 1:
            reweigh(weight, logs, count)
            count = tidy(x, p, weight, age_h, count)
        if since_jump_h >= JUMP_EVERY_H:
            since_jump_h = 0.0
            count = suppose_jump(x, p, weight, age_h, count, noise)
        together(x, p, weight, count, after[k], p_after[k])
    return before, after, p_before, p_after, step
