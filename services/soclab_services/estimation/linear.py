"""The Kalman filter's two steps, for a state of any size (Kalman 1960; Simon 2006, ch. 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from soclab_services.estimation.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@compiled
def predict_covariance(p: Array, f: Array, q: Array) -> None:
    """Set P = F P F' + Q, in place; Q is diagonal, given by its diagonal."""
    n = len(p)
    fp = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            total = 0.0
            for k in range(n):
                if f[i, k] != 0.0:  # F is nearly the identity
                    total += f[i, k] * p[k, j]
            fp[i, j] = total
    for i in range(n):
        for j in range(i, n):
            total = q[i] if i == j else 0.0
            for k in range(n):
                if f[j, k] != 0.0:
                    total += fp[i, k] * f[j, k]
            p[i, j] = total
            p[j, i] = total


@compiled
def update(x: Array, p: Array, h: Array, innovation: float, variance: float) -> float:
    """Take in one scalar measurement z = H x + noise, in place; return the innovation's variance.

    S = H P H' + R    K = P H' / S    x = x + K y    P = P - K S K'
    """
    n = len(x)
    ph = np.empty(n)
    s = variance
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += p[i, j] * h[j]
        ph[i] = total
    for i in range(n):
        s += h[i] * ph[i]
    for i in range(n):
        x[i] += ph[i] * innovation / s
        for j in range(i, n):
            p[i, j] -= ph[i] * ph[j] / s
            p[j, i] = p[i, j]
    return s
