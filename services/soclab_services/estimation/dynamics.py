"""What a block does to the state, and how sure that is: the same for every filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from soclab_services.estimation.compiled import compiled
from soclab_services.estimation.equations import (
    BEYOND,
    STEPS,
    B,
    C,
    E,
    G,
    H,
    K,
    R,
    S,
    V,
    W,
    charge_balance,
    charge_reaction,
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
LARGEST_PART: Final = 0.8


@compiled
def advance(
    x: Array, blocks: Blocks, k: int, model: Circuit, noise: Noise, first: Array, keep: Array
) -> None:
    """Go through block k by counting its charge, in place; fills in the slopes.

    Only the state of charge depends on other states: `first` are its slopes, `keep` the others'.
    """
    hours = blocks.observed_s[k] / SECONDS_PER_HOUR
    gap_h = blocks.gap_s[k] / SECONDS_PER_HOUR
    days = (hours + gap_h) / HOURS_PER_DAY
    capacity_ah = model.capacity_ah * x[C]
    stored_ah, stored_s, stored_b, stored_e = charge_balance(
        model, x, hours, blocks.in_ah[k], blocks.out_ah[k]
    )
    kept, aim = hysteresis_step(model, x, hours, blocks.in_ah[k], blocks.out_ah[k])
    kept_gap = np.exp(-model.hysteresis_rate * noise.unseen_a_per_ah * gap_h)
    # s' = s + stored / (c C)
    first[:] = 0.0
    first[S] = 1.0 + stored_s / capacity_ah
    first[B] = stored_b / capacity_ah
    first[E] = stored_e / capacity_ah
    first[C] = -stored_ah / capacity_ah / x[C]
    # h' = keep h + (1 - keep) aim
    keep[:] = 1.0
    keep[S] = first[S]
    keep[H] = kept * kept_gap
    # all others forget
    slow = np.exp(-days / noise.forget_days)
    keep[B] = slow
    keep[V] = np.exp(-days / noise.offset_days)
    keep[G] = slow
    keep[E] = slow
    keep[K] = slow
    keep[W] = np.exp(-wandered(blocks, k, capacity_ah, noise))
    x[S] = min(max(x[S] + stored_ah / capacity_ah, -BEYOND), 1.0 + BEYOND)
    x[H] = keep[H] * x[H] + (1.0 - kept) * aim
    x[B] *= keep[B]
    x[V] *= keep[V]
    x[W] *= keep[W]
    x[G] *= keep[G]
    x[E] *= keep[E]
    x[K] *= keep[K]


@compiled
def wandered(blocks: Blocks, k: int, capacity_ah: float, noise: Noise) -> float:
    """Return how far a block has led from where the model's error was known: time and charge."""
    hours = (blocks.observed_s[k] + blocks.gap_s[k]) / SECONDS_PER_HOUR
    moved = abs(blocks.in_ah[k] - blocks.out_ah[k]) / capacity_ah
    return float(hours / noise.wander_h + moved / noise.wander_soc)


@compiled
def unseen_variance(noise: Noise, gap_h: float) -> float:
    """Return what a usual current may have made of the state of charge while nobody looked.

    It is one and the same for `unseen_h`; after that, currents come and go.
    """
    return float(noise.unseen_a_per_ah**2 * gap_h * min(gap_h, noise.unseen_h))


@compiled
def advance_variance(
    x: Array, p: Array, blocks: Blocks, k: int, model: Circuit, noise: Noise, q: Array
) -> None:
    """Fill in the variances that block k adds, from the state before it."""
    hours = blocks.observed_s[k] / SECONDS_PER_HOUR
    gap_h = blocks.gap_s[k] / SECONDS_PER_HOUR
    days = (hours + gap_h) / HOURS_PER_DAY
    capacity_ah = model.capacity_ah * x[C]
    kept, _ = hysteresis_step(model, x, hours, blocks.in_ah[k], blocks.out_ah[k])
    kept_gap = np.exp(-model.hysteresis_rate * noise.unseen_a_per_ah * gap_h)
    moved = (blocks.in_ah[k] + blocks.out_ah[k]) / capacity_ah
    q[S] = noise.gain**2 * moved * noise.gain_stretch + unseen_variance(noise, gap_h)
    # Where a bias of usual size decides which way the charge went, the aim is uncertain too.
    unsure = np.exp(-abs(blocks.current_a[k] - x[B]) / (np.sqrt(p[B, B]) + SENSOR_A))
    q[H] = (1.0 - kept) ** 2 * unsure + noise.hysteresis_change**2 * (1.0 - kept**2)
    q[H] += (1.0 - kept_gap) * noise.hysteresis**2
    fresh = 1.0 - np.exp(-2.0 * days / noise.forget_days)
    q[B] = noise.bias_a**2 * fresh
    q[C] = noise.capacity_per_day**2 * days
    q[R] = noise.resistance_per_day**2 * days
    q[V] = noise.offset_v**2 * (1.0 - np.exp(-2.0 * days / noise.offset_days))
    q[W] = noise.wander_v**2 * (1.0 - np.exp(-2.0 * wandered(blocks, k, capacity_ah, noise)))
    q[G] = noise.charge_part**2 * fresh
    q[E] = noise.efficiency**2 * fresh
    q[K] = noise.v_per_k**2 * fresh


@compiled
def expect(
    x: Array, blocks: Blocks, k: int, model: Circuit, noise: Noise, middle: Array, slopes: Array
) -> tuple[float, float]:
    """Return the mean voltage expected of block k, and by how much what current makes is unsure."""
    net_ah = blocks.in_ah[k] - blocks.out_ah[k]
    middle[:] = x
    middle[S] -= 0.5 * net_ah / (model.capacity_ah * x[C])
    volts, drop_v, charge_v = voltage(
        model,
        middle,
        blocks.current_a[k],
        blocks.current1_a[k],
        blocks.current2_a[k],
        blocks.temperature_c[k],
        slopes,
    )
    unsure = (noise.polarisation * drop_v) ** 2
    # A reaction that went on lately fades in a way that the model does not know.
    lately_a = max(blocks.current_a[k] + blocks.ripple_a[k], blocks.current2_a[k]) - x[B]
    charge, _, charge_i = charge_reaction(model, middle[S], lately_a)
    unsure += (noise.polarisation * charge_v * charge) ** 2
    # ln(1 + I / I0) with I0 unsure by a part of itself
    unsure += (noise.exchange * charge_v * charge_i * lately_a) ** 2
    return volts, unsure


@compiled
def voltage_variance(
    blocks: Blocks,
    k: int,
    model: Circuit,
    noise: Noise,
    s: float,
    volts_per_soc: float,
    unsure: float,
    since_gap_s: float,
) -> float:
    """Return how far a block's mean voltage may be from the expected, squared.

    What a model does wrong it does for `error_s`, and what it gets wrong of a current for
    `polarisation_s`: a block alone is worth only its part of that.
    """
    block_s = max(blocks.observed_s[k], 1.0)
    # The first block after a break is new, whatever its length.
    is_new = since_gap_s <= block_s
    repeated = 1.0 if is_new else max(noise.error_s / block_s, 1.0)
    unsure *= 1.0 if is_new else max(noise.polarisation_s / block_s, 1.0)
    # A curve is known in both directions no better than so, and not where nothing was recorded.
    sideways = noise.error_soc + max(model.lowest_soc - s, 0.0) * noise.unrecorded
    error = noise.error_v**2 + (sideways * volts_per_soc) ** 2
    middle = STEPS // 2
    resistance = model.tables[1, middle] + model.tables[2, middle] + model.tables[3, middle]
    ripple = (0.5 * blocks.ripple_a[k] * resistance) ** 2
    # Currents before the recording, or in a gap, have left a polarisation nobody knows.
    unseen_a = 0.5 * noise.unseen_a_per_ah * model.capacity_ah  # they have faded by and by
    left = (unseen_a * resistance) ** 2 * np.exp(-since_gap_s / noise.error_s)
    return float((error + left) * repeated + unsure + ripple + SENSOR_V**2)


@compiled
def bounded(x: Array) -> None:
    """Keep a state where a battery can be."""
    x[S] = min(max(x[S], -0.02), 1.01)
    x[H] = min(max(x[H], -1.0), 1.0)
    x[C] = min(max(x[C], CAPACITY_BOUNDS[0]), CAPACITY_BOUNDS[1])
    x[R] = min(max(x[R], RESISTANCE_BOUNDS[0]), RESISTANCE_BOUNDS[1])
    x[G] = min(max(x[G], -LARGEST_PART), LARGEST_PART)
    x[E] = min(max(x[E], -LARGEST_PART), LARGEST_PART)
