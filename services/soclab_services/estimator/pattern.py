"""The mean current of every hour of the last days: time to empty and to full are drawn from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from soclab_services.estimation.outlook import DAY_H, HOUR_S, OBSERVED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soclab_services.estimator.samples import Samples

KEPT_H: Final = 14 * DAY_H
_NS_PER_S: Final = 1e9


class Pattern(msgspec.Struct, forbid_unknown_fields=True):
    """Observed time (s) and charge (As) by hour since the epoch, and the newest sample."""

    hours: dict[int, tuple[float, float]] = {}
    last_ns: int = 0
    last_a: float = 0.0

    def add(self, samples: Samples, longest_s: float) -> None:
        """Add samples; an interval belongs to the hour in which it ends, longer ones are gaps."""
        if len(samples.time_ns) == 0:
            return
        steps_s = np.diff(samples.time_ns, prepend=self.last_ns) / _NS_PER_S
        steps_s[steps_s > longest_s] = 0.0
        current_a = np.append(self.last_a, samples.current_a)
        charge_as = 0.5 * (current_a[1:] + current_a[:-1]) * steps_s
        hour = samples.time_ns // int(HOUR_S * _NS_PER_S)
        starts = np.flatnonzero(np.diff(hour, prepend=hour[0] - 1))
        for h, seconds, charge in zip(
            hour[starts].tolist(),
            np.add.reduceat(steps_s, starts).tolist(),
            np.add.reduceat(charge_as, starts).tolist(),
            strict=True,
        ):
            before = self.hours.get(h, (0.0, 0.0))
            self.hours[h] = (before[0] + seconds, before[1] + charge)
        self.last_ns, self.last_a = int(samples.time_ns[-1]), float(samples.current_a[-1])
        oldest = int(hour[-1]) - KEPT_H
        for h in [h for h in self.hours if h <= oldest]:
            del self.hours[h]

    def days(self) -> NDArray[np.float64]:
        """Return the mean current (A) of every hour, shape (days, 24), NaN where unknown."""
        if not self.hours:
            return np.full((1, DAY_H), np.nan)
        first = min(self.hours) // DAY_H * DAY_H
        means = np.full((max(self.hours) - first) // DAY_H * DAY_H + DAY_H, np.nan)
        for h, (seconds, charge) in self.hours.items():
            if seconds >= OBSERVED * HOUR_S:
                means[h - first] = charge / seconds
        return means.reshape(-1, DAY_H)
