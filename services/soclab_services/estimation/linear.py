"""The Kalman filter's two steps, for a state of any size (Kalman 1960; Simon 2006, ch. 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from soclab_services.estimation.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@compiled
def predict_covariance(p: Array, first: Array, keep: Array, q: Array) -> None:
    """Set P = F P F' + Q, in place.

    F has `first` as its first row and is otherwise the diagonal of `keep`; Q is diagonal, too.
    """
    n = len(p)
    row = np.empty(n)  # of F P
    for j in range(n):
        total = 0.0
        for i in range(n):
            total += first[i] * p[i, j]
        row[j] = total
    total = q[0]
    for i in range(n):
        total += row[i] * first[i]
    for i in range(1, n):
        for j in range(i, n):
            p[i, j] *= keep[i] * keep[j]
            p[j, i] = p[i, j]
        p[i, i] += q[i]
        p[0, i] = row[i] * keep[i]
        p[i, 0] = p[0, i]
    p[0, 0] = total


@compiled
def seen(p: Array, h: Array, ph: Array) -> float:
    """Fill in P H' and return H P H'."""
    n = len(p)
    variance = 0.0
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += p[i, j] * h[j]
        ph[i] = total
        variance += h[i] * total
    return variance


@compiled
def take_in(x: Array, p: Array, ph: Array, innovation: float, variance: float) -> None:
    """Take in a measurement of which P H' and the innovation's variance S are known, in place.

    K = P H' / S    x = x + K y    P = P - K S K'
    """
    n = len(x)
    for i in range(n):
        gain = ph[i] / variance
        x[i] += gain * innovation
        for j in range(i, n):
            p[i, j] -= gain * ph[j]
            p[j, i] = p[i, j]


@compiled
def update(x: Array, p: Array, h: Array, innovation: float, variance: float) -> None:
    """Take in one scalar measurement z = H x + noise, in place."""
    ph = np.empty(len(x))
    take_in(x, p, ph, innovation, seen(p, h, ph) + variance)
