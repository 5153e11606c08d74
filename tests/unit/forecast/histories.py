"""Histories with something to learn, and with nothing."""

from __future__ import annotations

import numpy as np
from soclab_services.forecast.history import History


def returning(days: int, seed: int = 1) -> History:
    """Return days of one shape; what is off from it halves in a day and hourly noise adds."""
    rng = np.random.default_rng(seed)
    hour = np.arange(24 * days)
    off = np.zeros(len(hour))
    for k in range(1, len(hour)):
        off[k] = off[k - 1] * 0.5 ** (1 / 24) + rng.normal(0.0, 1.5)
    soc = 60.0 + 20.0 * np.sin(2.0 * np.pi * (hour - 10) / 24.0) + off
    return History(0, np.clip(soc, 0.0, 100.0), "t_s", "returning")


def wandering(days: int, seed: int = 1) -> History:
    """Return a random walk between its ends: nothing beats that it stays."""
    rng = np.random.default_rng(seed)
    soc = np.empty(24 * days)
    soc[0] = 50.0
    for k in range(1, len(soc)):
        soc[k] = min(max(soc[k - 1] + rng.normal(0.0, 1.0), 0.0), 100.0)
    return History(0, soc, "t_s", "wandering")
