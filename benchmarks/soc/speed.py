"""How fast the filters are, beside filterpy: ``python -m benchmarks.soc.speed``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from filterpy.kalman import MerweScaledSigmaPoints, UnscentedKalmanFilter
from soclab_services.battery_model.fit import fit
from soclab_services.estimation.methods import METHODS
from soclab_services.estimation.stream import Stream

from benchmarks.soc import household

if TYPE_CHECKING:
    from collections.abc import Callable

    from soclab_services.battery_model.model import BatteryModel
    from soclab_services.recordings.load import Recording

    Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

DAYS: Final = 10.0
STREAMED: Final = 50_000
PEER_SAMPLES: Final = 3_000


class Speed(NamedTuple):
    """Samples in a second of processor time, and what was aimed at."""

    what: str
    samples_per_s: float
    goal: float | None = None

    def __str__(self) -> str:
        goal = "" if self.goal is None else f" (goal {self.goal:,.0f})"
        return f"{self.what}: {self.samples_per_s:,.0f} samples/s{goal}"


def measured() -> list[Speed]:
    """Return the speeds on a recording at 1 Hz, on one core."""
    model = fit(household.characterise("la"), "la", household.NOMINAL_AH)
    case = household.household("la", 1, DAYS, 1.0, "mixed", household.Faults(offset_a=0.1))
    recording, meta = case.recording, case.meta
    n = len(recording.time_s)
    found = [
        Speed(
            f"{method}, whole recording at 1 Hz",
            n / _seconds(lambda m=method: METHODS[m](recording, model, meta)),
            1e7 if method == "ekf" else None,
        )
        for method in ("ekf", "spkf", "smoother", "coulomb")
    ]
    stream = Stream.begin(model, meta)
    rows = [column[:STREAMED].tolist() for column in recording[:5]]

    def one_by_one() -> None:
        for row in zip(*rows, strict=True):
            stream.sample(*row)

    one_by_one()
    stream = Stream.begin(model, meta)
    found.append(Speed("ekf, sample by sample", STREAMED / _seconds(one_by_one, 1), 5e4))
    found.append(
        Speed(
            "filterpy's UKF, four states, sample by sample",
            PEER_SAMPLES / _seconds(lambda: _peer(recording, model), 1),
        )
    )
    return found


def _seconds(work: Callable[[], object], warm: int = 0) -> float:
    if not warm:
        work()  # compiled now
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


def _peer(recording: Recording, model: BatteryModel) -> None:
    """Run filterpy's unscented filter: state of charge, two RC pairs, bias."""
    step_s = 1.0
    keep1, keep2 = np.exp(-step_s / model.tau1_s), np.exp(-step_s / model.tau2_s)
    r0, r1, r2 = (np.median(curve) for curve in (model.r0_ohm, model.r1_ohm, model.r2_ohm))

    def move(x: Array, dt: float, current_a: float) -> Array:
        i = current_a - x[3]
        return np.array(
            [
                x[0] + i * dt / 3600.0 / model.capacity_ah,
                keep1 * x[1] + (1.0 - keep1) * i,
                keep2 * x[2] + (1.0 - keep2) * i,
                x[3],
            ]
        )

    def volts(x: Array, current_a: float) -> Array:
        ocv = np.interp(x[0], model.soc, model.ocv_v)
        return np.array([ocv + r0 * (current_a - x[3]) + r1 * x[1] + r2 * x[2]])

    points = MerweScaledSigmaPoints(4, 0.1, 2.0, -1.0)
    ukf = UnscentedKalmanFilter(4, 1, step_s, hx=volts, fx=move, points=points)
    ukf.x = np.array([0.7, 0.0, 0.0, 0.0])
    ukf.P = np.diag([0.04, 1.0, 1.0, 0.09])
    ukf.Q = np.diag([1e-10, 1e-6, 1e-6, 1e-10])
    ukf.R = np.array([[1e-3]])
    for i, v in zip(recording.current_a[:PEER_SAMPLES], recording.voltage_v, strict=False):
        ukf.predict(current_a=float(i))
        ukf.update(np.array([v]), current_a=float(i))


def main() -> None:
    """Measure."""
    for speed in measured():
        print(speed)


if __name__ == "__main__":
    main()
