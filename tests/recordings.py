"""The development recordings: real and simulated batteries whose state of charge is known."""

from __future__ import annotations

import os
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from soclab_services.config.model import BatteryConfig
from soclab_services.estimation.coulomb import Samples
from soclab_simulators.replay.recording import read_recording

if TYPE_CHECKING:
    from soclab_simulators.replay.recording import Recording

HERE = Path(__file__).parent
BATTERIES = {
    battery["name"]: msgspec.convert(battery, BatteryConfig)
    for battery in tomllib.loads((HERE / "recordings.toml").read_text())["batteries"]
}
MISSING = "reason: no recordings in {}, remedy: name their folder in SOCLAB_RECORDINGS"


def folder() -> Path:
    """Return where recordings are: SOCLAB_RECORDINGS, else beside the checkout; skips without."""
    named = os.environ.get("SOCLAB_RECORDINGS")
    found = Path(named) if named else HERE.parents[1] / "shared" / "data" / "soc"
    if not found.is_dir():
        pytest.skip(MISSING.format(found))
    return found


@cache
def recording(name: str) -> Recording:
    """Return a recording by the name of its file; skips if it is not here."""
    path = folder() / f"{name}.parquet"
    if not path.exists():
        pytest.skip(MISSING.format(path))
    return read_recording(path)


def samples(taken: Recording) -> Samples:
    """Return what a counter needs of a recording; stage 0 means that no charger was recorded."""
    stage = taken.stage.astype(np.float64)
    return Samples(taken.times_ns, taken.battery_a, taken.battery_v, stage if stage.any() else None)
