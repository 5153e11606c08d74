"""Backward pass over what a filter left behind (Rauch, Tung and Striebel 1965; Simon 2006, ch. 9).

    G = P+ F' (P-')^-1    x_s = x+ + G (x_s' - x-')    P_s = P+ + G (P_s' - P-') G'

where ' is the block after. For recorded data only: it uses what came later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from soclab_services.estimation.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soclab_services.estimation.bank import Filtered

    Array = NDArray[np.float64]

# Keeps a covariance invertible whose states differ in size by a thousand.
RIDGE: Final = 1e-14


class Smoothed(NamedTuple):
    """Means and covariances at the ends of blocks, shapes (k, n) and (k, n, n)."""

    x: Array
    p: Array


def smooth(filtered: Filtered) -> Smoothed:
    """Return what the blocks before and after say together."""
    return Smoothed(*_backward(*filtered))


@compiled
def _backward(
    before: Array,
    after: Array,
    p_before: Array,
    p_after: Array,
    first: Array,
    keep: Array,
) -> tuple[Array, Array]:
    x = after.copy()
    p = p_after.copy()
    n = before.shape[1]
    ridge = RIDGE * np.eye(n)
    for k in range(len(after) - 2, -1, -1):
        # G = P+ F' (P-')^-1, by a solution instead of an inverse
        fp = keep[k + 1].reshape(n, 1) * p_after[k]
        fp[0] = first[k + 1] @ p_after[k]
        gain = np.linalg.solve(p_before[k + 1] + ridge, fp).T
        x[k] = after[k] + gain @ (x[k + 1] - before[k + 1])
        change = gain @ (p[k + 1] - p_before[k + 1]) @ gain.T
        p[k] = p_after[k] + 0.5 * (change + change.T)
        for i in range(n):
            p[k, i, i] = max(p[k, i, i], 1e-12)
    return x, p
