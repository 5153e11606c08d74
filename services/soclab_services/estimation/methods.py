"""Every method by its name: a recording and a model in, an estimate at every sample out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from soclab_services.estimation import trajectory
from soclab_services.estimation.bank import run_ekf, run_spkf
from soclab_services.estimation.blocks import blocks, rules
from soclab_services.estimation.counted import by_coulomb
from soclab_services.estimation.equations import circuit
from soclab_services.estimation.noise import noise
from soclab_services.estimation.smoother import smooth

if TYPE_CHECKING:
    from collections.abc import Callable

    from soclab_services.battery_model.model import BatteryModel
    from soclab_services.estimation.bank import Filtered
    from soclab_services.estimation.blocks import Blocks
    from soclab_services.estimation.equations import Circuit
    from soclab_services.estimation.noise import Noise
    from soclab_services.estimation.trajectory import Trajectory
    from soclab_services.recordings.load import Recording
    from soclab_services.recordings.meta import Meta

    Method = Callable[[Recording, BatteryModel, Meta], Trajectory]
    Run = Callable[[Blocks, Circuit, Noise, float], Filtered]


def by_ekf(recording: Recording, model: BatteryModel, meta: Meta) -> Trajectory:
    """Estimate with extended Kalman filters."""
    return _online(recording, model, meta, run_ekf)


def by_spkf(recording: Recording, model: BatteryModel, meta: Meta) -> Trajectory:
    """Estimate with square-root sigma-point Kalman filters."""
    return _online(recording, model, meta, run_spkf)


def by_smoother(recording: Recording, model: BatteryModel, meta: Meta) -> Trajectory:
    """Estimate with extended Kalman filters and a backward pass: not online."""
    summed = blocks(recording, rules(recording, model, meta))
    tables, assumed = circuit(model), noise(model)
    filtered = run_ekf(summed, tables, assumed, meta.prior_soc)
    return trajectory.in_hindsight(recording, summed, smooth(filtered), tables, assumed)


def _online(recording: Recording, model: BatteryModel, meta: Meta, run: Run) -> Trajectory:
    summed = blocks(recording, rules(recording, model, meta))
    tables, assumed = circuit(model), noise(model)
    filtered = run(summed, tables, assumed, meta.prior_soc)
    return trajectory.online(recording, summed, filtered, tables, assumed, meta.prior_soc)


METHODS: Final[dict[str, Method]] = {
    "coulomb": by_coulomb,
    "ekf": by_ekf,
    "spkf": by_spkf,
    "smoother": by_smoother,
}
ONLINE: Final = ("coulomb", "ekf", "spkf")
