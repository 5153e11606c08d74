"""From blocks back to samples: between the ends of blocks charge is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from soclab_services.estimation.compiled import compiled
from soclab_services.estimation.dynamics import unseen_variance
from soclab_services.estimation.equations import STATES, B, C, Circuit, E, S, efficiency
from soclab_services.estimation.hypotheses import start, together

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soclab_services.estimation.bank import Filtered
    from soclab_services.estimation.blocks import Blocks
    from soclab_services.estimation.noise import Noise
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


def online(
    recording: Recording,
    blocks: Blocks,
    filtered: Filtered,
    model: Circuit,
    noise: Noise,
    prior_soc: float,
) -> Trajectory:
    """Return what the filter knew at every sample, from the blocks that had ended before it."""
    x, p, weight, _, hypotheses = start(prior_soc, noise)
    mean, covariance = np.empty(STATES), np.empty((STATES, STATES))
    together(x, p, weight, hypotheses, mean, covariance)
    begin = np.vstack([mean[None], filtered.after[:-1]])
    begin_p = np.concatenate([covariance[S : S + 1, S], filtered.p_after[:-1, S, S]])
    return Trajectory(
        *_count_on(
            recording.time_s,
            recording.current_a,
            blocks.stop,
            blocks.gap_s,
            begin,
            begin_p,
            model,
            noise,
        )
    )


def in_hindsight(
    recording: Recording, blocks: Blocks, smoothed: Smoothed, model: Circuit, noise: Noise
) -> Trajectory:
    """Return what the whole recording says of every sample."""
    return Trajectory(
        *_bend(
            recording.time_s,
            recording.current_a,
            blocks.stop,
            blocks.gap_s,
            smoothed.x,
            smoothed.p[:, S, S].copy(),
            model,
            noise,
        )
    )


@compiled
def count(model: Circuit, known: Array, s: float, mean_a: float, step_s: float) -> float:
    """Return the state of charge after a step with this mean current as measured."""
    true_a = mean_a - known[B]
    stored = (1.0 + known[E]) * efficiency(model, s)[0] if true_a > 0.0 else 1.0
    moved_ah = stored * true_a * step_s / SECONDS_PER_HOUR
    return float(s + moved_ah / (model.capacity_ah * known[C]))


@compiled
def _count_on(
    time_s: Array,
    current_a: Array,
    stop: NDArray[np.int64],
    gap_s: Array,
    begin: Array,
    begin_p: Array,
    model: Circuit,
    noise: Noise,
) -> tuple[Array, Array, Array, Array]:
    n = len(time_s)
    soc = np.empty(n)
    sigma = np.empty(n)
    bias_a = np.empty(n)
    capacity_ah = np.empty(n)
    first = 0
    for k in range(len(stop)):
        known = begin[k]
        s, variance = known[S], begin_p[k]
        bias_a[first : stop[k]] = known[B]
        capacity_ah[first : stop[k]] = model.capacity_ah * known[C]
        for i in range(first, stop[k]):
            step_s = time_s[i] - time_s[i - 1] if i > 0 else 0.0
            if i == first and gap_s[k] > 0.0:
                variance += unseen_variance(noise, step_s / SECONDS_PER_HOUR)
            elif i > 0:
                s = count(model, known, s, 0.5 * (current_a[i] + current_a[i - 1]), step_s)
            soc[i] = min(max(s, 0.0), 1.0)
            sigma[i] = np.sqrt(variance + noise.systematic**2)
        first = stop[k]
    return soc, sigma, bias_a, capacity_ah


@compiled
def _bend(
    time_s: Array,
    current_a: Array,
    stop: NDArray[np.int64],
    gap_s: Array,
    end: Array,
    end_p: Array,
    model: Circuit,
    noise: Noise,
) -> tuple[Array, Array, Array, Array]:
    """Count through every block and bend the way to the block's end; a gap is known by its end."""
    n = len(time_s)
    soc = np.empty(n)
    sigma = np.empty(n)
    bias_a = np.empty(n)
    capacity_ah = np.empty(n)
    first = 0
    for k in range(len(stop)):
        last = stop[k] - 1
        after_gap = k == 0 or gap_s[k] > 0.0
        begun_s = time_s[first] if after_gap else time_s[first - 1]
        span_s = max(time_s[last] - begun_s, 1e-9)
        s = end[max(k - 1, 0), S]
        for i in range(first, stop[k]):
            if i > first or not after_gap:
                mean_a = 0.5 * (current_a[i] + current_a[i - 1])
                s = count(model, end[k], s, mean_a, time_s[i] - time_s[i - 1])
            soc[i] = s
        miss = end[k, S] - s
        variance = end_p[k] if after_gap else end_p[k - 1]
        for i in range(first, stop[k]):
            part = 1.0 if after_gap else (time_s[i] - begun_s) / span_s
            soc[i] = min(max(soc[i] + miss * part, 0.0), 1.0)
            sigma[i] = np.sqrt(variance + part * (end_p[k] - variance) + noise.systematic**2)
            bias_a[i] = end[k, B]
            capacity_ah[i] = model.capacity_ah * end[k, C]
        first = stop[k]
    return soc, sigma, bias_a, capacity_ah
