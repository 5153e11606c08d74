"""The filters of all hypotheses, block by block.

The loop is written once for each kind of filter: compiled functions that are handed others are
not kept between runs of the program, and compiling takes half a minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from soclab_services.estimation import ekf, spkf
from soclab_services.estimation.compiled import compiled
from soclab_services.estimation.equations import STATES
from soclab_services.estimation.hypotheses import (
    JUMP_EVERY_H,
    MOST,
    reweigh,
    split,
    start,
    suppose_jump,
    tidy,
    together,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soclab_services.estimation.blocks import Blocks
    from soclab_services.estimation.equations import Circuit
    from soclab_services.estimation.noise import Noise

    Array = NDArray[np.float64]

SECONDS_PER_HOUR: Final = 3600.0


class Filtered(NamedTuple):
    """Means and covariances at the ends of blocks, before and after the block's voltage.

    Attributes
    ----------
    before, after
        Shape (k, 6).
    p_before, p_after
        Shape (k, 6, 6).
    step
        Slopes of a state by the one before, shape (k, 6, 6): what a smoother goes back with.
    """

    before: Array
    after: Array
    p_before: Array
    p_after: Array
    step: Array


def run_ekf(blocks: Blocks, model: Circuit, noise: Noise, soc: float) -> Filtered:
    """Return the estimates for every block, each from what came before it and itself."""
    return Filtered(*_run_ekf(blocks, model, noise, soc))


def run_spkf(blocks: Blocks, model: Circuit, noise: Noise, soc: float) -> Filtered:
    """Return the same by sigma points; these have no slopes to go back with."""
    return Filtered(*_run_spkf(blocks, model, noise, soc))


@compiled
def _run_ekf(
    blocks: Blocks, model: Circuit, noise: Noise, soc: float
) -> tuple[Array, Array, Array, Array, Array]:
    n = len(blocks.stop)
    before = np.empty((n, STATES))
    after = np.empty((n, STATES))
    p_before = np.empty((n, STATES, STATES))
    p_after = np.empty((n, STATES, STATES))
    step = np.empty((n, STATES, STATES))
    x, p, weight, age_h, count = start(soc, noise)
    logs = np.zeros(MOST)
    since_gap_s = 0.0
    since_jump_h = 0.0
    for k in range(n):
        elapsed_h = (blocks.observed_s[k] + blocks.gap_s[k]) / SECONDS_PER_HOUR
        since_gap_s = blocks.observed_s[k] + (0.0 if blocks.gap_s[k] > 0.0 else since_gap_s)
        since_jump_h += elapsed_h
        for i in range(count - 1, -1, -1):  # the first comes last: its slopes are kept
            ekf.predict(x[i], p[i], blocks, k, model, noise, step[k])
            age_h[i] += elapsed_h
        together(x, p, weight, count, before[k], p_before[k])
        if blocks.gap_s[k] > 0.0:
            count = split(x, p, weight, age_h, count)
        for i in range(count):
            logs[i] = ekf.correct(x[i], p[i], blocks, k, model, noise, since_gap_s)
        if count > 1:
            reweigh(weight, logs, count)
            count = tidy(x, p, weight, age_h, count)
        if since_jump_h >= JUMP_EVERY_H:
            since_jump_h = 0.0
            count = suppose_jump(x, p, weight, age_h, count, noise)
        together(x, p, weight, count, after[k], p_after[k])
    return before, after, p_before, p_after, step


@compiled
def _run_spkf(
    blocks: Blocks, model: Circuit, noise: Noise, soc: float
) -> tuple[Array, Array, Array, Array, Array]:
    n = len(blocks.stop)
    before = np.empty((n, STATES))
    after = np.empty((n, STATES))
    p_before = np.empty((n, STATES, STATES))
    p_after = np.empty((n, STATES, STATES))
    step = np.empty((n, STATES, STATES))
    x, p, weight, age_h, count = start(soc, noise)
    logs = np.zeros(MOST)
    since_gap_s = 0.0
    since_jump_h = 0.0
    for k in range(n):
        elapsed_h = (blocks.observed_s[k] + blocks.gap_s[k]) / SECONDS_PER_HOUR
        since_gap_s = blocks.observed_s[k] + (0.0 if blocks.gap_s[k] > 0.0 else since_gap_s)
        since_jump_h += elapsed_h
        for i in range(count - 1, -1, -1):  # the first comes last: its slopes are kept
            spkf.predict(x[i], p[i], blocks, k, model, noise, step[k])
            age_h[i] += elapsed_h
        together(x, p, weight, count, before[k], p_before[k])
        if blocks.gap_s[k] > 0.0:
            count = split(x, p, weight, age_h, count)
        for i in range(count):
            logs[i] = spkf.correct(x[i], p[i], blocks, k, model, noise, since_gap_s)
        if count > 1:
            reweigh(weight, logs, count)
            count = tidy(x, p, weight, age_h, count)
        if since_jump_h >= JUMP_EVERY_H:
            since_jump_h = 0.0
            count = suppose_jump(x, p, weight, age_h, count, noise)
        together(x, p, weight, count, after[k], p_after[k])
    return before, after, p_before, p_after, step
