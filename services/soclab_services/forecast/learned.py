"""A linear correction of the usual change: what the battery's own days say of the next.

    SOC(h) = base(h) + sum_k w(h, k) f(h, k)        base = now + usual change, within 0 to 100 %

For each of the 24 hours ahead its own weights, by least squares with a penalty (Hoerl and Kennard,
Ridge regression, Technometrics 12, 1970). There is no constant term, so the penalty pulls towards
the base: with little to learn from it stays near the best of the baselines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from soclab_services.forecast.baselines import same_hour_change
from soclab_services.forecast.history import DAY_H

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soclab_services.forecast.situations import Situations

    Array = NDArray[np.float64]

FEATURES: Final = (
    "usual",
    "usual cos",
    "usual sin",
    "yesterday",
    "yesterday cos",
    "yesterday sin",
    "level",
    "day before",
    "beyond full",
    "beyond empty",
    "cos",
    "sin",
)
# Of features scaled to one; from trusting the days seen to hardly leaving the base.
PENALTIES: Final = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


def features(known: Situations) -> Array:
    """Return what the correction is a sum of, shape (24, m, features)."""
    base = same_hour_change(known)
    unlimited = known.now[:, None] + known.change
    angle = 2.0 * np.pi * known.hour / DAY_H
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    usual, before = known.usual - base, known.yesterday - base
    ones = np.ones_like(base)
    columns = (
        usual,
        usual * cos,
        usual * sin,
        before,
        before * cos,
        before * sin,
        (known.now[:, None] - 50.0) * ones,
        (known.yesterday - known.usual).mean(axis=1)[:, None] * ones,
        np.maximum(unlimited - 100.0, 0.0),
        np.minimum(unlimited, 0.0),
        cos * ones,
        sin * ones,
    )
    return np.asarray(np.stack(columns, axis=-1).transpose(1, 0, 2))


def fit(known: Situations, came_pct: Array, penalty: float) -> Array:
    """Return weights, shape (24, features).

    Parameters
    ----------
    known
        Origins, m of them.
    came_pct
        What came, shape (m, 24); NaN is left out.
    penalty
        Of the squared weights of scaled features, per origin.
    """
    x = features(known)
    y = (came_pct - same_hour_change(known)).T[:, :, None]
    seen = np.isfinite(y)
    x, y = np.where(seen, x, 0.0), np.where(seen, y, 0.0)
    count = np.maximum(seen.sum(axis=1), 1)
    scale = np.sqrt((x**2).sum(axis=1) / count)
    # A feature that never was (a battery that is never full) has no weight.
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 1e-9)
    x = x * inverse[:, None, :]
    across = x.transpose(0, 2, 1)
    gram = across @ x / count[:, :, None] + penalty * np.eye(len(FEATURES))
    weights = np.linalg.solve(gram, across @ y / count[:, :, None])[:, :, 0]
    return np.asarray(weights * inverse)


def predict(known: Situations, weights: Array) -> Array:
    """Return the forecast (%), shape (m, 24)."""
    correction = np.einsum("hmk,hk->mh", features(known), weights)
    return np.asarray(np.clip(same_hour_change(known) + correction, 0.0, 100.0))
