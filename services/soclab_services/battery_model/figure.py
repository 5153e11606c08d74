"""A picture of how well a model explains the recordings it was fitted to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from soclab_services.battery_model.fit import Shape, charge_reaction, low_passed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from soclab_services.battery_model.fit import Characterisation
    from soclab_services.battery_model.model import BatteryModel


def simulated_v(model: BatteryModel, recording: Characterisation) -> NDArray[np.float64]:
    """Return the voltage that the model expects of a recording."""
    shape = Shape(
        model.tau1_s,
        model.tau2_s,
        model.hysteresis_rate,
        model.charge_i0_a,
        model.charge_i0_exponent,
    )
    i1, i2, h = low_passed(recording, shape, model.capacity_ah)

    def at(curve: Sequence[float]) -> NDArray[np.float64]:
        return np.interp(recording.soc, model.soc, curve)

    current_a = recording.current_a
    return (
        at(model.ocv_v)
        + at(model.hysteresis_v) * h
        + at(model.r0_ohm) * current_a
        + at(model.r1_ohm) * i1
        + at(model.r2_ohm) * i2
        + at(model.charge_overpotential_v) * charge_reaction(recording, shape)
    )


def draw_fit(
    model: BatteryModel,
    recordings: Sequence[Characterisation],
    names: Sequence[str],
    path: Path,
) -> None:
    """Draw recorded and expected voltage, and their difference, for every recording."""
    figure, axes = plt.subplots(2, len(recordings), figsize=(7 * len(recordings), 7), squeeze=False)
    for (upper, lower), recording, name in zip(axes.T, recordings, names, strict=True):
        hours = recording.time_s / 3600.0
        expected_v = simulated_v(model, recording)
        miss_mv = 1000.0 * (expected_v - recording.voltage_v)
        upper.plot(hours, recording.voltage_v, label="recorded")
        upper.plot(hours, expected_v, "--", label="model")
        upper.set(title=name, ylabel="voltage / V")
        upper.legend()
        lower.plot(hours, miss_mv, linewidth=0.7)
        lower.set(xlabel="time / h", ylabel="model - recorded / mV")
        lower.set_title(f"{np.sqrt(np.mean(miss_mv**2)):.1f} mV rms")
        lower.grid(visible=True)
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    plt.close(figure)
