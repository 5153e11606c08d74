"""From blocks back to samples: between the ends of blocks charge is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from soclab_services.estimation.compiled import compiled
from soclab_services.estimation.equations import B, C, Circuit, S, efficiency

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soclab_services.estimation.bank import Filtered
    from soclab_services.estimation.blocks import Blocks
    from soclab_services.estimation.smoother import Smoothed
    from soclab_services.recordings.load import Recording

    Array = NDArray[np.float64]

SECONDS_PER_HOUR: Final = 3600.0


class Trajectory(NamedTuple):
    """An estimate at every sample, shape (n,), and what else was estimated."""

    soc: Array
    sigma: Array
    bias_a: Array
    capacity_ah: Array


def online(recording: Recording, blocks: Blocks, filtered: Filtered, model: Circuit) -> Trajectory:
    """Return what the filter knew at every sample, from that sample and those before."""
    begin = np.vstack([filtered.before[:1], filtered.after[:-1]])
    begin_p = np.concatenate([filtered.p_before[:1, S, S], filtered.p_after[:-1, S, S]])
    return Trajectory(
        *_spread(
            recording.time_s,
            recording.current_a,
            blocks.stop,
            blocks.gap_s,
            begin,
            begin_p,
            filtered.p_before[:, S, S].copy(),
            filtered.after,
            filtered.p_after[:, S, S].copy(),
            model,
            False,
        )
    )


def in_hindsight(
    recording: Recording, blocks: Blocks, smoothed: Smoothed, model: Circuit
) -> Trajectory:
    """Return what the whole recording says of every sample."""
    begin = np.vstack([smoothed.x[:1], smoothed.x[:-1]])
    variance = smoothed.p[:, S, S].copy()
    return Trajectory(
        *_spread(
            recording.time_s,
            recording.current_a,
            blocks.stop,
            blocks.gap_s,
            begin,
            np.concatenate([variance[:1], variance[:-1]]),
            variance,
            smoothed.x,
            variance,
            model,
            True,
        )
    )


@compiled
def _spread(
    time_s: Array,
    current_a: Array,
    stop: NDArray[np.int64],
    gap_s: Array,
    begin: Array,
    begin_p: Array,
    grown_p: Array,
    end: Array,
    end_p: Array,
    model: Circuit,
    hindsight: bool,
) -> tuple[Array, Array, Array, Array]:
    """Count from the beginning of every block; the last sample of a block has its end.

    In hindsight the way is bent to that end, and a gap is no less known than what follows it.
    """
    n = len(time_s)
    soc = np.empty(n)
    sigma = np.empty(n)
    bias_a = np.empty(n)
    capacity_ah = np.empty(n)
    first = 0
    for k in range(len(stop)):
        known = begin[k]
        bias_a[first : stop[k]] = known[B]
        capacity_ah[first : stop[k]] = model.capacity_ah * known[C]
        begun_s = time_s[first - 1] if first > 0 and gap_s[k] == 0.0 else time_s[first]
        span_s = max(time_s[stop[k] - 1] - begun_s, 1e-9)
        s = known[S]
        for i in range(first, stop[k]):
            if i > 0 and not (i == first and gap_s[k] > 0.0):
                mean_a = 0.5 * (current_a[i] + current_a[i - 1]) - known[B]
                hours = (time_s[i] - time_s[i - 1]) / SECONDS_PER_HOUR
                eta = efficiency(model, s)[0] if mean_a > 0.0 else 1.0
                s += eta * mean_a * hours / capacity_ah[i]
            soc[i] = s
            part = (time_s[i] - begun_s) / span_s
            if gap_s[k] > 0.0 and not hindsight:
                part = 1.0  # what was not seen is uncertain at once
            sigma[i] = np.sqrt(max(begin_p[k] + part * (grown_p[k] - begin_p[k]), end_p[k]))
        last = stop[k] - 1
        if hindsight:
            miss = end[k, S] - s
            for i in range(first, stop[k]):
                part = 1.0 if gap_s[k] > 0.0 else (time_s[i] - begun_s) / span_s
                soc[i] += miss * part
        soc[last] = end[k, S]
        sigma[last] = np.sqrt(end_p[k])
        bias_a[last] = end[k, B]
        capacity_ah[last] = model.capacity_ah * end[k, C]
        first = stop[k]
    for i in range(n):
        soc[i] = min(max(soc[i], 0.0), 1.0)
    return soc, sigma, bias_a, capacity_ah
