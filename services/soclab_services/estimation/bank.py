"""The filters of all hypotheses, block by block.

The step is written once for each kind of filter: compiled functions that are handed others are
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
# What is counted beside the hypotheses, in one array.
COUNT, SINCE_GAP_S, SINCE_JUMP_H = range(3)


class Bank(NamedTuple):
    """All hypotheses: states, covariances, weights, ages (h), log-likelihoods and counters."""

    x: Array
    p: Array
    weight: Array
    age_h: Array
    logs: Array
    counters: Array


class Filtered(NamedTuple):
    """Means and covariances at the ends of blocks, before and after the block's voltage.

    Attributes
    ----------
    before, after
        Shape (k, n).
    p_before, p_after
        Shape (k, n, n).
    first, keep
        Slopes of a state by the one before, shape (k, n): the first row and the diagonal of a
        matrix that has nothing else. What a smoother goes back with.
    """

    before: Array
    after: Array
    p_before: Array
    p_after: Array
    first: Array
    keep: Array


def run_ekf(blocks: Blocks, model: Circuit, noise: Noise, soc: float) -> Filtered:
    """Return the estimates for every block, each from what came before it and itself."""
    return Filtered(*_run_ekf(blocks, model, noise, soc))


def run_spkf(blocks: Blocks, model: Circuit, noise: Noise, soc: float) -> Filtered:
    """Return the same by sigma points; these have no slopes to go back with."""
    return Filtered(*_run_spkf(blocks, model, noise, soc))


@compiled
def begun(soc: float, noise: Noise) -> Bank:
    """Return the hypotheses before the first block."""
    x, p, weight, age_h, count = start(soc, noise)
    counters = np.zeros(3)
    counters[COUNT] = count
    return Bank(x, p, weight, age_h, np.zeros(MOST), counters)


@compiled
def ekf_block(
    bank: Bank,
    blocks: Blocks,
    k: int,
    model: Circuit,
    noise: Noise,
    before: Array,
    p_before: Array,
    after: Array,
    p_after: Array,
    first: Array,
    keep: Array,
) -> None:
    """Take in block k with extended filters; fills in what all say together, and the slopes."""
    x, p, weight, age_h, logs, counters = bank
    count = int(counters[COUNT])
    elapsed_h = _pass_time(counters, blocks, k)
    for i in range(count - 1, -1, -1):  # the first comes last: its slopes are kept
        ekf.predict(x[i], p[i], blocks, k, model, noise, first, keep)
        age_h[i] += elapsed_h
    together(x, p, weight, count, before, p_before)
    if blocks.gap_s[k] > 0.0:
        count = split(x, p, weight, age_h, count)
    for i in range(count):
        logs[i] = ekf.correct(x[i], p[i], blocks, k, model, noise, counters[SINCE_GAP_S])
    counters[COUNT] = _weigh(bank, count, noise)
    together(x, p, weight, int(counters[COUNT]), after, p_after)


@compiled
def spkf_block(
    bank: Bank,
    blocks: Blocks,
    k: int,
    model: Circuit,
    noise: Noise,
    before: Array,
    p_before: Array,
    after: Array,
    p_after: Array,
) -> None:
    """Take in block k with sigma-point filters; fills in what all say together."""
    x, p, weight, age_h, logs, counters = bank
    count = int(counters[COUNT])
    elapsed_h = _pass_time(counters, blocks, k)
    for i in range(count):
        spkf.predict(x[i], p[i], blocks, k, model, noise)
        age_h[i] += elapsed_h
    together(x, p, weight, count, before, p_before)
    if blocks.gap_s[k] > 0.0:
        count = split(x, p, weight, age_h, count)
    for i in range(count):
        logs[i] = spkf.correct(x[i], p[i], blocks, k, model, noise, counters[SINCE_GAP_S])
    counters[COUNT] = _weigh(bank, count, noise)
    together(x, p, weight, int(counters[COUNT]), after, p_after)


@compiled
def _pass_time(counters: Array, blocks: Blocks, k: int) -> float:
    observed_s, gap_s = blocks.observed_s[k], blocks.gap_s[k]
    elapsed_h = float(observed_s + gap_s) / SECONDS_PER_HOUR
    counters[SINCE_GAP_S] = observed_s + (0.0 if gap_s > 0.0 else counters[SINCE_GAP_S])
    counters[SINCE_JUMP_H] += elapsed_h
    return elapsed_h


@compiled
def _weigh(bank: Bank, count: int, noise: Noise) -> int:
    """Weigh, tidy and, now and then, suppose a jump; return the number of hypotheses."""
    if count > 1:
        reweigh(bank.weight, bank.logs, count)
        count = tidy(bank.x, bank.p, bank.weight, bank.age_h, count)
    if bank.counters[SINCE_JUMP_H] >= JUMP_EVERY_H:
        bank.counters[SINCE_JUMP_H] = 0.0
        count = suppose_jump(bank.x, bank.p, bank.weight, bank.age_h, count, noise)
    return count


@compiled
def _run_ekf(
    blocks: Blocks, model: Circuit, noise: Noise, soc: float
) -> tuple[Array, Array, Array, Array, Array, Array]:
    n = len(blocks.stop)
    before = np.empty((n, STATES))
    after = np.empty((n, STATES))
    first = np.zeros((n, STATES))
    keep = np.zeros((n, STATES))
    p_before = np.empty((n, STATES, STATES))
    p_after = np.empty((n, STATES, STATES))
    bank = begun(soc, noise)
    for k in range(n):
        ekf_block(
            bank,
            blocks,
            k,
            model,
            noise,
            before[k],
            p_before[k],
            after[k],
            p_after[k],
            first[k],
            keep[k],
        )
    return before, after, p_before, p_after, first, keep


@compiled
def _run_spkf(
    blocks: Blocks, model: Circuit, noise: Noise, soc: float
) -> tuple[Array, Array, Array, Array, Array, Array]:
    n = len(blocks.stop)
    before = np.empty((n, STATES))
    after = np.empty((n, STATES))
    first = np.zeros((n, STATES))
    keep = np.zeros((n, STATES))
    p_before = np.empty((n, STATES, STATES))
    p_after = np.empty((n, STATES, STATES))
    bank = begun(soc, noise)
    for k in range(n):
        spkf_block(bank, blocks, k, model, noise, before[k], p_before[k], after[k], p_after[k])
    return before, after, p_before, p_after, first, keep
