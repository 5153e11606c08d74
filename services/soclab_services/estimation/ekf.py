"""Extended Kalman filter for one block (Plett 2004, part 3; Simon 2006, ch. 13).

The state holds the bias of the current sensor, the capacity and the resistance beside the state of
charge, so that what they do to the voltage and to the balance is told apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from soclab_services.estimation.compiled import compiled
from soclab_services.estimation.dynamics import (
    advance,
    advance_variance,
    bounded,
    expect,
    voltage_variance,
)
from soclab_services.estimation.equations import STATES, S
from soclab_services.estimation.linear import predict_covariance, seen, take_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soclab_services.estimation.blocks import Blocks
    from soclab_services.estimation.equations import Circuit
    from soclab_services.estimation.noise import Noise

    Array = NDArray[np.float64]


@compiled
def predict(
    x: Array,
    p: Array,
    blocks: Blocks,
    k: int,
    model: Circuit,
    noise: Noise,
    first: Array,
    keep: Array,
) -> None:
    """Go through block k by counting its charge; fills in the slopes: row of s, and diagonal.

    P = F P F' + Q
    """
    q = np.empty(STATES)
    advance_variance(x, p, blocks, k, model, noise, q)
    advance(x, blocks, k, model, noise, first, keep)
    predict_covariance(p, first, keep, q)


@compiled
def correct(
    x: Array,
    p: Array,
    blocks: Blocks,
    k: int,
    model: Circuit,
    noise: Noise,
    since_gap_s: float,
) -> float:
    """Take in the voltage of block k, and a full battery; return the likelihood's logarithm."""
    slopes = np.empty(STATES)
    expected_v, unsure = expect(x, blocks, k, model, noise, np.empty(STATES), slopes)
    variance = voltage_variance(blocks, k, model, noise, x[S], slopes[S], unsure, since_gap_s)
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
    ph = np.empty(STATES)
    known = seen(p, h, ph)
    total = known + variance
    distance = abs(innovation) / np.sqrt(total)
    log = -0.5 * np.log(total)
    if distance > gate:
        log -= gate * distance - 0.5 * gate**2
        variance *= distance / gate
    else:
        log -= 0.5 * distance**2
    take_in(x, p, ph, innovation, known + variance)
    return float(log)
