"""Several filters at once, each believed as far as it foresaw the voltage (Gaussian sum).

One normal distribution cannot say "as given, or else anywhere": a start value may be plainly wrong,
and a sensor's bias may jump. So a filter is started on every part of the range beside that on the
given value, and every few hours one for which the bias has jumped; Bayes' rule weighs them, the
improbable are dropped, the alike merged (Alspach and Sorenson 1972; Bar-Shalom 2001, ch. 11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from soclab_services.estimation.compiled import compiled
from soclab_services.estimation.equations import STATES, B, C, E, G, H, K, R, S, V, W

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soclab_services.estimation.noise import Noise

    Array = NDArray[np.float64]

MOST: Final = 20
GRID: Final = 10
LEAST_WEIGHT: Final = 1e-4
JUMP_WEIGHT: Final = 0.01
# A jump shows in the charge that is missing at the next full battery, days later perhaps.
JUMP_EVERY_H: Final = 12.0
YOUNG_H: Final = 60.0
ALIKE: Final = 0.5  # of the smaller variance, between means of what is the same
# A state of charge less sure than this is no longer on one slope of the curve; pieces of such a
# distribution, and how many of its deviations they reach to either side.
WIDE: Final = 0.06
PIECES: Final = 9
WIDEST: Final = 2.4
OVERLAP: Final = 0.4


@compiled
def start(soc: float, noise: Noise) -> tuple[Array, Array, Array, Array, int]:
    """Return states, covariances, weights, ages (h) and number of the first hypotheses."""
    x = np.zeros((MOST, STATES))
    p = np.zeros((MOST, STATES, STATES))
    weight = np.zeros(MOST)
    age_h = np.full(MOST, 1e9)
    for k in range(GRID + 1):
        x[k, S] = soc if k == 0 else (k - 0.5) / GRID
        x[k, C] = 0.97  # between new and what is called worn out soon
        x[k, R] = 1.1
        p[k, S, S] = (noise.prior_soc if k == 0 else 0.5 / GRID) ** 2
        p[k, H, H] = noise.hysteresis**2
        p[k, B, B] = noise.bias_a**2
        p[k, C, C] = noise.capacity**2
        p[k, R, R] = noise.resistance**2
        p[k, V, V] = noise.offset_v**2
        p[k, W, W] = noise.wander_v**2
        p[k, G, G] = noise.charge_part**2
        p[k, E, E] = noise.efficiency**2
        p[k, K, K] = noise.v_per_k**2
        weight[k] = noise.given if k == 0 else (1.0 - noise.given) / GRID
    return x, p, weight, age_h, GRID + 1


@compiled
def reweigh(weight: Array, logs: Array, count: int) -> None:
    """Multiply the weights by likelihoods, given as logarithms, in place."""
    largest = logs[:count].max()
    total = 0.0
    for k in range(count):
        weight[k] *= np.exp(logs[k] - largest)
        total += weight[k]
    for k in range(count):
        weight[k] /= total


@compiled
def tidy(x: Array, p: Array, weight: Array, age_h: Array, count: int) -> int:
    """Drop the improbable and merge the alike, in place; return how many are left."""
    kept = 0
    for k in range(count):
        if weight[k] < LEAST_WEIGHT:
            continue
        into = -1
        for j in range(kept):
            if _alike(x, p, age_h, j, k):
                into = j
                break
        if into >= 0:
            _merge(x, p, weight, age_h, into, k)
            continue
        if kept != k:
            x[kept] = x[k]
            p[kept] = p[k]
            weight[kept] = weight[k]
            age_h[kept] = age_h[k]
        kept += 1
    total = weight[:kept].sum()
    for k in range(kept):
        weight[k] /= total
    return kept


@compiled
def _alike(x: Array, p: Array, age_h: Array, j: int, k: int) -> bool:
    """Return whether two hypotheses say the same, closer than either is sure."""
    if min(age_h[j], age_h[k]) < YOUNG_H and max(age_h[j], age_h[k]) != min(age_h[j], age_h[k]):
        return False
    apart_s = (x[j, S] - x[k, S]) ** 2 / min(p[j, S, S], p[k, S, S])
    apart_b = (x[j, B] - x[k, B]) ** 2 / min(p[j, B, B], p[k, B, B])
    return bool(max(apart_s, apart_b) <= ALIKE)


@compiled
def _merge(x: Array, p: Array, weight: Array, age_h: Array, j: int, k: int) -> None:
    """Put hypothesis k into j: mean and covariance of both together."""
    total = weight[j] + weight[k]
    part_j, part_k = weight[j] / total, weight[k] / total
    for a in range(STATES):
        for b in range(STATES):
            apart = (x[j, a] - x[k, a]) * (x[j, b] - x[k, b])
            p[j, a, b] = part_j * p[j, a, b] + part_k * p[k, a, b] + part_j * part_k * apart
    for a in range(STATES):
        x[j, a] = part_j * x[j, a] + part_k * x[k, a]
    weight[j] = total
    age_h[j] = max(age_h[j], age_h[k])


@compiled
def suppose_jump(x: Array, p: Array, weight: Array, age_h: Array, count: int, noise: Noise) -> int:
    """Add the hypothesis that the likeliest's bias is a new one from now on; return the number."""
    if count >= MOST:
        return count
    best = 0
    for k in range(count):
        if weight[k] > weight[best]:
            best = k
    x[count] = x[best]
    p[count] = p[best]
    x[count, B] = 0.0
    p[count, B, :] = 0.0
    p[count, :, B] = 0.0
    p[count, B, B] = noise.bias_a**2
    weight[count] = JUMP_WEIGHT * weight[best]
    weight[best] *= 1.0 - JUMP_WEIGHT
    age_h[count] = 0.0
    return count + 1


@compiled
def split(x: Array, p: Array, weight: Array, age_h: Array, count: int) -> int:
    """Put several hypotheses for one whose state of charge is too uncertain for one slope.

    They lie along what goes with the state of charge; mean and covariance of all stay the same.
    """
    best = 0
    for k in range(count):
        if weight[k] > weight[best]:
            best = k
    if p[best, S, S] < WIDE**2 or count + PIECES - 1 > MOST:
        return count
    spread = 0.0
    total = 0.0
    for i in range(PIECES):
        z = WIDEST * (2.0 * i / (PIECES - 1) - 1.0)
        total += np.exp(-0.5 * z * z)
        spread += np.exp(-0.5 * z * z) * z * z
    spread /= total
    sigma = np.sqrt(p[best, S, S])
    along = p[best, :, S] / sigma
    middle = x[best].copy()
    weighed = weight[best]
    # The points' own spread is `spread`; each keeps the rest, and some to overlap with the next.
    kept = max(1.0 - spread, OVERLAP**2)
    narrow = p[best] - (1.0 - kept) * np.outer(along, along)
    for i in range(PIECES):
        z = WIDEST * (2.0 * i / (PIECES - 1) - 1.0)
        k = best if i == 0 else count + i - 1
        x[k] = middle + z * along
        p[k] = narrow
        weight[k] = weighed * np.exp(-0.5 * z * z) / total
        age_h[k] = age_h[best]
    return count + PIECES - 1


@compiled
def together(x: Array, p: Array, weight: Array, count: int, mean: Array, covariance: Array) -> None:
    """Fill in mean and covariance of all hypotheses together."""
    mean[:] = 0.0
    for k in range(count):
        for a in range(STATES):
            mean[a] += weight[k] * x[k, a]
    covariance[:] = 0.0
    for k in range(count):
        for a in range(STATES):
            for b in range(STATES):
                apart = (x[k, a] - mean[a]) * (x[k, b] - mean[b])
                covariance[a, b] += weight[k] * (p[k, a, b] + apart)
