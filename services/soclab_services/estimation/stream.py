"""The filters sample by sample, for what is measured now: stored, stopped, gone on.

What a stream says of a sample is what ``ekf`` or ``spkf`` says of it in a recording: the same
compiled steps.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import msgspec
import numpy as np

from soclab_services.estimation import bank as banks
from soclab_services.estimation import blocks as summed
from soclab_services.estimation.blocks import COLUMNS, Blocks, Rules
from soclab_services.estimation.compiled import compiled
from soclab_services.estimation.dynamics import unseen_variance
from soclab_services.estimation.equations import STATES, B, C, Circuit, R, S, circuit
from soclab_services.estimation.hypotheses import together
from soclab_services.estimation.noise import Noise, noise
from soclab_services.estimation.trajectory import Trajectory, count

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from soclab_services.battery_model.model import BatteryModel
    from soclab_services.recordings.meta import Meta

    Array = NDArray[np.float64]

SECONDS_PER_HOUR: Final = 3600.0
# A stored state of another layout is of no use.
LAYOUT: Final = 1
# The kinds of filters, as compiled code tells them apart.
EKF, SPKF = range(2)
KINDS: Final = {"ekf": EKF, "spkf": SPKF}


class Details(NamedTuple):
    """What is known at every sample, shape (n,) each.

    Attributes
    ----------
    soc, sigma, bias_a, capacity_ah
        As in a trajectory.
    bias_sigma_a, capacity_sigma_ah
        Their standard deviations.
    resistance, resistance_sigma
        As a part of the model's, and its standard deviation.
    """

    soc: Array
    sigma: Array
    bias_a: Array
    capacity_ah: Array
    bias_sigma_a: Array
    capacity_sigma_ah: Array
    resistance: Array
    resistance_sigma: Array


class Parts(NamedTuple):
    """Everything that changes, as arrays that compiled code changes in place."""

    known: Array
    bank: banks.Bank
    mean: Array
    covariance: Array
    now: Array


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    layout: int
    shapes: list[list[int]]
    arrays: list[bytes]


class Stream:
    """Estimates of one battery as its samples come, in order of time."""

    def __init__(
        self, model: BatteryModel, rules: Rules, parts: Parts, assumed: Noise, kind: int
    ) -> None:
        self._circuit = circuit(model)
        self._noise = assumed
        self._rules = rules
        self._parts = parts
        self._kind = kind
        self._out = np.empty((1, len(Details._fields)))
        self._in = np.empty((5, 1))

    @classmethod
    def begin(
        cls, model: BatteryModel, meta: Meta, method: str = "ekf", assumed: Noise | None = None
    ) -> Self:
        """Return a stream before its first sample; META has to say how often samples come.

        Parameters
        ----------
        model, meta
            The battery.
        method
            ``ekf`` or ``spkf``.
        assumed
            How far everything may be off; as `noise` says if not given.

        Raises
        ------
        ValueError
            If META does not say how often samples come.
        """
        if meta.sample_s is None:
            raise ValueError("a stream needs to know its usual step: sample_s")
        rules = summed.rules_of(meta.sample_s, model, meta)
        assumed = noise(model) if assumed is None else assumed
        parts = Parts(*_begun(rules, meta.prior_soc, assumed))
        return cls(model, rules, parts, assumed, KINDS[method])

    def feed(
        self,
        time_s: Array,
        current_a: Array,
        voltage_v: Array,
        temperature_c: Array,
        stage: Array,
    ) -> Trajectory:
        """Take in samples as `follow` does; return the estimate at each of them."""
        return Trajectory(*self.follow(time_s, current_a, voltage_v, temperature_c, stage)[:4])

    def follow(
        self,
        time_s: Array,
        current_a: Array,
        voltage_v: Array,
        temperature_c: Array,
        stage: Array,
    ) -> Details:
        """Take in samples, all later than any before; return what is known at each of them.

        Raises
        ------
        ValueError
            If times do not rise, or values are no numbers.
        """
        if len(time_s) == 0:
            return Details(*np.empty((len(Details._fields), 0)))
        ordered = time_s[0] > self.last_s and bool(np.all(np.diff(time_s) > 0.0))
        finite = np.isfinite(time_s[-1]) and np.isfinite(current_a + voltage_v).all()
        if not (ordered and finite):
            raise ValueError("samples must be numbers, in order of time, after those before")
        out = np.empty((len(time_s), len(Details._fields)))
        self._take_in(np.array([time_s, current_a, voltage_v, temperature_c, stage]), out)
        return Details(*out.T)

    def sample(
        self,
        time_s: float,
        current_a: float,
        voltage_v: float,
        temperature_c: float = np.nan,
        stage: int = 0,
    ) -> tuple[float, float]:
        """Take in one sample; return state of charge and its standard deviation (0..1)."""
        if not (time_s > self.last_s and np.isfinite(current_a) and np.isfinite(voltage_v)):
            raise ValueError("samples must be numbers, in order of time, after those before")
        self._in[:, 0] = time_s, current_a, voltage_v, temperature_c, stage
        self._take_in(self._in, self._out)
        return self._out[0, 0], self._out[0, 1]

    def _take_in(self, samples: Array, out: Array) -> None:
        _feed(self._parts, samples, self._rules, self._circuit, self._noise, self._kind, out)

    @property
    def last_s(self) -> float:
        """Time of the newest sample; before the first, minus infinity."""
        known = self._parts.known
        return float(known[summed.LAST_S]) if known[summed.BEGUN] else -np.inf

    def dump(self) -> bytes:
        """Return the state: `load` goes on from exactly here."""
        arrays = [np.ascontiguousarray(one) for one in _flat(self._parts)]
        return msgspec.msgpack.encode(
            _Stored(LAYOUT, [list(a.shape) for a in arrays], [a.tobytes() for a in arrays])
        )

    @classmethod
    def load(
        cls,
        stored: bytes,
        model: BatteryModel,
        meta: Meta,
        method: str = "ekf",
        assumed: Noise | None = None,
    ) -> Self:
        """Return the stream that was dumped, begun with the same arguments.

        Raises
        ------
        ValueError
            If it is no state, or one of another version of this program.
        """
        fresh = cls.begin(model, meta, method, assumed)
        try:
            found = msgspec.msgpack.decode(stored, type=_Stored)
        except msgspec.DecodeError as error:
            raise ValueError(f"no state of a stream: {error}") from error
        arrays = _flat(fresh._parts)
        if found.layout != LAYOUT or found.shapes != [list(a.shape) for a in arrays]:
            raise ValueError("a state of another version: begin anew")
        for array, raw in zip(arrays, found.arrays, strict=True):
            array[...] = np.frombuffer(raw).reshape(array.shape)
        return fresh


def save(stream: Stream, path: Path) -> None:
    """Write the state; whatever dies, the file is the one before or this one."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with unfinished.open("wb") as file:
        file.write(stream.dump())
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _flat(parts: Parts) -> list[Array]:
    return [parts.known, *parts.bank, parts.mean, parts.covariance, parts.now]


@compiled
def _begun(
    rules: Rules, soc: float, assumed: Noise
) -> tuple[Array, banks.Bank, Array, Array, Array]:
    bank = banks.begun(soc, assumed)
    mean = np.empty(STATES)
    covariance = np.empty((STATES, STATES))
    together(bank.x, bank.p, bank.weight, int(bank.counters[banks.COUNT]), mean, covariance)
    now = np.zeros(2)
    now[0], now[1] = mean[S], covariance[S, S]
    return summed.begun(rules), bank, mean, covariance, now


@compiled
def _feed(
    parts: Parts,
    samples: Array,
    rules: Rules,
    model: Circuit,
    assumed: Noise,
    kind: int,
    out: Array,
) -> None:
    known, bank, mean, covariance, now = parts
    row = np.empty(COLUMNS)
    before = np.empty(STATES)
    p_before = np.empty((STATES, STATES))
    slopes = np.empty((2, STATES))
    stop = np.zeros(1, np.int64)
    only = len(stop) - 1  # a literal 0 would be compiled once more
    for k in range(samples.shape[1]):
        time_s, current_a = samples[0, k], samples[1, k]
        first = known[summed.BEGUN] == 0.0
        step_s = 0.0 if first else time_s - known[summed.LAST_S]
        before_a = known[summed.LAST_A]
        if summed.take(
            known, rules, time_s, current_a, samples[2, k], samples[3, k], int(samples[4, k]), row
        ):
            block = Blocks(
                stop,
                row[0:1],
                row[1:2],
                row[2:3],
                row[3:4],
                row[4:5],
                row[5:6],
                row[6:7],
                row[7:8],
                row[8:9],
                row[9:10],
                row[10:11],
            )
            if kind == EKF:
                banks.ekf_block(
                    bank,
                    block,
                    only,
                    model,
                    assumed,
                    before,
                    p_before,
                    mean,
                    covariance,
                    slopes[0],
                    slopes[1],
                )
            else:
                banks.spkf_block(
                    bank, block, only, model, assumed, before, p_before, mean, covariance
                )
            now[0], now[1] = mean[S], covariance[S, S]
        if step_s > rules.gap_s:  # what was not seen is uncertain at once
            now[1] += unseen_variance(assumed, step_s / SECONDS_PER_HOUR)
        else:
            now[0] = count(model, mean, now[0], 0.5 * (before_a + current_a), step_s)
        out[k, 0] = min(max(now[0], 0.0), 1.0)
        out[k, 1] = np.sqrt(now[1] + assumed.systematic**2)
        out[k, 2] = mean[B]
        out[k, 3] = model.capacity_ah * mean[C]
        out[k, 4] = np.sqrt(covariance[B, B])
        out[k, 5] = model.capacity_ah * np.sqrt(covariance[C, C])
        out[k, 6] = mean[R]
        out[k, 7] = np.sqrt(covariance[R, R])
