"""Square-root sigma-point Kalman filter for one block, with the same model as the extended one.

Points of the third-degree cubature rule (Arasaratnam and Haykin 2009): all weights are alike and
above zero, so every step of the covariance's root is a QR decomposition and cannot fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soclab_services.estimation.blocks import Blocks
    from soclab_services.estimation.equations import Circuit
    from soclab_services.estimation.noise import Noise

    Array = NDArray[np.float64]

# A state that is known exactly leaves a covariance without a root.
LEAST_VARIANCE: Final = 1e-12


@compiled
def points(x: Array, root: Array) -> Array:
    """Return the 2 n points x +- sqrt(n) S e_i, shape (2 n, n)."""
    n = len(x)
    spread = np.empty((2 * n, n))
    for i in range(n):
        for j in range(n):
            spread[i, j] = x[j] + np.sqrt(n) * root[j, i]
            spread[n + i, j] = x[j] - np.sqrt(n) * root[j, i]
    return spread


@compiled
def triangle(rows: Array) -> Array:
    """Return the lower triangle S with S S' = rows' rows."""
    upper: Array = np.linalg.qr(rows)[1]
    return upper.T


@compiled
def centre(spread: Array) -> Array:
    """Return the mean of points, and subtract it from them, weighted: rows of a root."""
    count, n = spread.shape
    mean = np.zeros(n)
    for i in range(count):
        mean += spread[i] / count
    for i in range(count):
        for j in range(n):
            spread[i, j] = (spread[i, j] - mean[j]) / np.sqrt(count)
    return mean


@compiled
def factor(p: Array) -> Array:
    """Return the root of a covariance."""
    safe: Array = p.copy()
    for i in range(len(p)):
        safe[i, i] += LEAST_VARIANCE
    return np.linalg.cholesky(safe).astype(np.float64)


@compiled
def predict(x: Array, p: Array, blocks: Blocks, k: int, model: Circuit, noise: Noise) -> None:
    """Send the points through block k; their mean and spread are state and covariance."""
    q = np.empty(STATES)
    advance_variance(x, p, blocks, k, model, noise, q)
    spread = points(x, factor(p))
    first = np.empty(STATES)
    keep = np.empty(STATES)
    for i in range(len(spread)):
        bounded(spread[i])
        advance(spread[i], blocks, k, model, noise, first, keep)
    rows = np.zeros((3 * STATES, STATES))
    x[:] = centre(spread)
    rows[: 2 * STATES] = spread
    for i in range(STATES):
        rows[2 * STATES + i, i] = np.sqrt(q[i])
    root = triangle(rows)
    p[:] = root @ root.T


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
    middle = np.empty(STATES)
    _, unsure = expect(x, blocks, k, model, noise, middle, slopes)
    variance = voltage_variance(blocks, k, model, noise, x[S], slopes[S], unsure, since_gap_s)
    spread = points(x, factor(p))
    volts = np.empty((len(spread), 1))
    for i in range(len(spread)):
        volts[i, 0] = expect(spread[i], blocks, k, model, noise, middle, slopes)[0]
    log = take_in(x, p, spread, volts, blocks.voltage_v[k], variance, noise.gate)
    if blocks.full[k] > 0.0:
        spread = points(x, factor(p))
        log += take_in(
            x, p, spread, spread[:, :1].copy(), noise.full_soc, noise.full**2, noise.gate
        )
    bounded(x)
    return log


@compiled
def take_in(
    x: Array,
    p: Array,
    spread: Array,
    expected: Array,
    measured: float,
    variance: float,
    gate: float,
) -> float:
    """Update by the points' states and expected measurements; return the log-likelihood.

    K = Pxz / Pzz    S = tria([X - K Z, K sqrt(R)])
    """
    n = len(x)
    centre(spread)
    innovation = measured - centre(expected)[0]
    seen = 0.0
    cross = np.zeros(n)
    for i in range(len(spread)):
        seen += expected[i, 0] ** 2
        cross += spread[i] * expected[i, 0]
    total = seen + variance
    distance = abs(innovation) / np.sqrt(total)
    log = -0.5 * np.log(total)
    if distance > gate:
        log -= gate * distance - 0.5 * gate**2
        variance *= distance / gate
    else:
        log -= 0.5 * distance**2
    gain = cross / (seen + variance)
    rows = np.zeros((len(spread) + 1, n))
    for i in range(len(spread)):
        rows[i] = spread[i] - gain * expected[i, 0]
    rows[len(spread)] = gain * np.sqrt(variance)
    x += gain * innovation
    root = triangle(rows)
    p[:] = root @ root.T
    return float(log)
