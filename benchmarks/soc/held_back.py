"""Recordings that nothing was fitted to: drawn faults, other batteries, other instruments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from soclab_services.recordings.load import Recording, load_recording
from soclab_services.recordings.meta import Meta, load_meta

from benchmarks.soc.household import Case, Faults, household, measured

if TYPE_CHECKING:
    from pathlib import Path

    from soclab_services.battery_model.model import BatteryModel, Chemistry

LARGEST_OFFSET_A: Final = 0.5
LARGEST_GAIN: Final = 0.01
LEAST_CAPACITY: Final = 0.9
LARGEST_RESISTANCE: Final = 1.4
LARGEST_OFFSET_V: Final = 0.02
WRONG_START: Final = 0.4
TWIN_DAYS: Final = {1.0: 4.0}  # so many samples are enough


def drawn(seed: int, *, battery: bool = True) -> Faults:
    """Return faults of any size up to the largest that an estimator has to stand."""
    rng = np.random.default_rng(1000 + seed)
    offset_a = float(rng.uniform(-LARGEST_OFFSET_A, LARGEST_OFFSET_A))
    later_a = float(rng.uniform(-LARGEST_OFFSET_A, LARGEST_OFFSET_A))
    return Faults(
        offset_a=offset_a,
        step_a=later_a - offset_a if rng.random() < 0.4 else 0.0,
        gain=float(rng.choice([-1.0, 1.0])) * LARGEST_GAIN,
        capacity=float(rng.uniform(LEAST_CAPACITY, 1.0)) if battery else 1.0,
        resistance=float(rng.uniform(1.0, LARGEST_RESISTANCE)) if battery else 1.0,
        offset_v=float(rng.choice([-1.0, 0.0, 1.0])) * LARGEST_OFFSET_V,
        gaps=int(rng.integers(0, 5)),
        prior_error=float(rng.choice([-1.0, 0.0, 1.0])) * WRONG_START,
    )


def own(seed: int, days: float = 24.0) -> Case:
    """Return a household with this project's own simulated battery."""
    chem: Chemistry = "la" if seed % 2 else "lfp"
    season = "winter" if seed % 4 < 2 else "mixed"
    case = household(chem, seed, days, 10.0, season, drawn(seed))
    return case._replace(family=f"own {chem} {season}", name=f"own-{case.name}")


def twin(model: BatteryModel, name: str, seed: int, step_s: float = 10.0) -> Case:
    """Return a household whose battery is as a model says, aged, behind another instrument."""
    season = "winter" if seed % 4 < 2 else "mixed"
    days = TWIN_DAYS.get(step_s, 24.0)
    case = household(model.chemistry, seed, days, step_s, season, drawn(seed), model)
    return case._replace(family=f"twin of {name}", name=f"twin-{name}-{season}-{step_s:g}s-{seed}")


def refaulted(folder: Path, name: str, hidden: dict[str, float], seed: int) -> Case:
    """Return a development recording as another instrument would have made it.

    The faults it was made with are taken out first.
    """
    meta = load_meta(folder / "sim_meta.json", name)
    recording = load_recording(folder / f"{name}.parquet", meta.nominal_Ah)
    current_a = (recording.current_a - hidden["off_A"]) / (1.0 + hidden["gain"])
    faults = drawn(seed, battery=False)
    rng = np.random.default_rng(seed)
    # It may as well have begun on another day.
    n = len(recording.time_s)
    first = int(rng.integers(0, n // 3))
    cut = Recording(
        *(column[first:] for column in recording._replace(current_a=current_a)[:6]), "t_s", {}
    )
    soc = float(cut.soc[0])
    prior = soc + faults.prior_error
    if not 0.0 <= prior <= 1.0:
        prior = soc - faults.prior_error
    told = Meta(
        chem=meta.chem,
        nominal_Ah=meta.nominal_Ah,
        prior_soc=min(max(prior, 0.0), 1.0),
        vabs=meta.vabs,
        vfloat=meta.vfloat,
        char=meta.char,
        sample_s=meta.sample_s,
    )
    return Case(
        f"{name}-{seed}",
        f"faults on {meta.char}",
        measured(cut, faults, rng),
        told,
        faults.offset_a + faults.step_a,
    )
