"""What a block does to the state, and how sure that is: the same for every filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from soclab_services.estimation.compiled import compiled
from soclab_services.estimation.equations import (
    BEYOND,
    STATES,
    STEPS,
    B,
    C,
    H,
    R,
    S,
    V,
    charge_balance,
    hysteresis_step,
    voltage,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soclab_services.estimation.blocks import Blocks
    from soclab_services.estimation.equations import Circuit
    from soclab_services.estimation.noise import Noise

    Array = NDArray[np.float64]

HOURS_PER_DAY: Final = 24.0
SECONDS_PER_HOUR: Final = 3600.0
# What the voltage of a sample is off by itself, the steps of a converter included.
SENSOR_V: Final = 0.006
SENSOR_A: Final = 0.02
CAPACITY_BOUNDS: Final = (0.5, 1.3)
RESISTANCE_BOUNDS: Final = (0.3, 4.0)


@compiled
def advance(x: Array, blocks: Blocks, k: int, model: Circuit, noise: Noise, f: Array) -> None:
    """Go through block k by counting its charge, in place; fills in the slopes F."""
    hours = blocks.observed_s[k] / SECONDS_PER_HOUR
    gap_h = blocks.gap_s[k] / SECONDS_PER_HOUR
    f[:] = 0.0
    for i in range(STATES):
        f[i, i] = 1.0
    capacity_ah = model.capacity_ah * x[C]
    stored_ah, stored_s, stored_b = charge_balance(
        model, x[S], x[B], hours, blocks.in_ah[k], blocks.out_ah[k]
    )
    keep, aim = hysteresis_step(model, x[C], x[B], hours, blocks.in_ah[k], blocks.out_ah[k])
    keep_gap = np.exp(-model.hysteresis_rate * noise.unseen_a_per_ah * gap_h)
    # s' = s + stored / (c C)
    f[S, S] = 1.0 + stored_s / capacity_ah
    f[S, B] = stored_b / capacity_ah
    f[S, C] = -stored_ah / capacity_ah / x[C]
    x[S] = min(max(x[S] + stored_ah / capacity_ah, -BEYOND), 1.0 + BEYOND)
    # h' = keep h + (1 - keep) aim
    f[H, H] = keep * keep_gap
    x[H] = keep * keep_gap * x[H] + (1.0 - keep) * aim
    # b and v forget
    f[B, B] = np.exp(-(hours + gap_h) / HOURS_PER_DAY / noise.bias_days)
    x[B] *= f[B, B]
    f[V, V] = np.exp(-(hours + gap_h) / noise.voltage_h)
    x[V] *= f[V, V]


@compiled
def advance_variance(
    x: Array, p: Array, blocks: Blocks, k: int, model: Circuit, noise: Noise, q: Array
) -> None:
    """Fill in the variances that block k adds, from the state before it."""
    hours = blocks.observed_s[k] / SECONDS_PER_HOUR
    gap_h = blocks.gap_s[k] / SECONDS_PER_HOUR
    days = (hours + gap_h) / HOURS_PER_DAY
    capacity_ah = model.capacity_ah * x[C]
    keep, _ = hysteresis_step(model, x[C], x[B], hours, blocks.in_ah[k], blocks.out_ah[k])
    keep_gap = np.exp(-model.hysteresis_rate * noise.unseen_a_per_ah * gap_h)
    moved = (blocks.in_ah[k] + blocks.out_ah[k]) / capacity_ah
    unseen = noise.unseen_a_per_ah**2 * gap_h * min(gap_h, noise.unseen_h)
    q[S] = noise.gain**2 * moved * noise.gain_stretch + unseen
    # Where a bias of usual size decides which way the charge went, the aim is uncertain too.
    unsure = np.exp(-abs(blocks.current_a[k] - x[B]) / (np.sqrt(p[B, B]) + SENSOR_A))
    q[H] = (1.0 - keep) ** 2 * unsure + noise.hysteresis_change**2 * (1.0 - keep**2)
    q[H] += (1.0 - keep_gap) * noise.hysteresis**2
    q[B] = noise.bias_a**2 * (1.0 - np.exp(-2.0 * days / noise.bias_days))
    q[C] = noise.capacity_per_day**2 * days
    q[R] = noise.resistance_per_day**2 * days
    q[V] = noise.voltage_v**2 * (1.0 - np.exp(-2.0 * (hours + gap_h) / noise.voltage_h))


@compiled
def expect(
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
def voltage_variance(
    blocks: Blocks,
    k: int,
    model: Circuit,
    noise: Noise,
    s: float,
    volts_per_soc: float,
    made_v: float,
    since_gap_s: float,
) -> float:
    """Return how far a block's mean voltage may be from the expected, squared.

    What a model does wrong it does for `error_s`: a block alone is worth only its part of that.
    """
    block_s = max(blocks.observed_s[k], 1.0)
    # The first block after a break is new, whatever its length.
    repeated = max(noise.error_s / block_s, 1.0) if since_gap_s > block_s else 1.0
    # A curve is known in both directions no better than so, and not where nothing was recorded.
    sideways = noise.error_soc + max(model.lowest_soc - s, 0.0) * noise.unrecorded
    error = noise.error_v**2 + (noise.polarisation * made_v) ** 2 + (sideways * volts_per_soc) ** 2
    middle = STEPS // 2
    resistance = model.tables[1, middle] + model.tables[2, middle] + model.tables[3, middle]
    ripple = (0.5 * blocks.ripple_a[k] * resistance) ** 2
    # Currents before the recording, or in a gap, have left a polarisation nobody knows.
    unseen_a = 0.5 * noise.unseen_a_per_ah * model.capacity_ah  # they have faded by and by
    left = (unseen_a * resistance) ** 2 * np.exp(-since_gap_s / noise.error_s)
    return float(error * repeated + ripple + left * repeated + SENSOR_V**2)


@compiled
def bounded(x: Array) -> None:
    """Keep a state where a battery can be."""
    x[S] = min(max(x[S], -0.02), 1.01)
    x[H] = min(max(x[H], -1.0), 1.0)
    x[C] = min(max(x[C], CAPACITY_BOUNDS[0]), CAPACITY_BOUNDS[1])
    x[R] = min(max(x[R], RESISTANCE_BOUNDS[0]), RESISTANCE_BOUNDS[1])
