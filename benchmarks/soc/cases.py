"""What is measured: the development recordings, a real one, and recordings made here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from soclab_services.battery_model import from_recordings
from soclab_services.battery_model.fit import fit
from soclab_services.recordings.load import Recording, load_recording
from soclab_services.recordings.meta import Meta, load_meta

from benchmarks.soc import held_back, household

if TYPE_CHECKING:
    from pathlib import Path

    from soclab_services.battery_model.model import BatteryModel

REAL: Final = "real_lab24d"
# Of the real battery: its data sheet's capacity; charger's voltages from the recording itself.
# Nobody knew its state of charge in the beginning, and nobody has characterised it.
REAL_META: Final = Meta(
    file=REAL, chem="la", nominal_Ah=12.0, prior_soc=0.5, vabs=14.4, vfloat=13.6, sample_s=1.0
)
REAL_CHARACTERISATION: Final = "char_ela"
OWN_SEEDS: Final = range(100, 112)
REFAULTED: Final = 2  # of every development recording
# Batteries as the models of these characterisations say, aged: seeds and usual steps (s).
TWINS: Final = {
    "ela": [(500 + k, 10.0) for k in range(6)] + [(560, 1.0), (562, 60.0), (564, 300.0)],
    "elfp": [(520 + k, 10.0) for k in range(6)] + [(570, 1.0), (572, 60.0), (574, 300.0)],
    "pla": [(550 + k, 10.0) for k in range(2)],
    "plfp": [(540 + k, 10.0) for k in range(2)],
}


class Task(NamedTuple):
    """One recording to measure methods on; small enough to be sent to another computer."""

    family: str
    name: str
    seed: int = 0
    step_s: float = 10.0


class Prepared(NamedTuple):
    """A task's recording with model, META and the true bias at its end (NaN: unknown)."""

    recording: Recording
    model: BatteryModel
    meta: Meta
    bias_a: float


def tasks(folder: Path, *, held_back_too: bool) -> list[Task]:
    """Return everything there is to measure."""
    metas = json.loads((folder / "sim_meta.json").read_text())
    found = [Task("development", meta["file"]) for meta in metas] + [Task("real", REAL)]
    if held_back_too:
        found += [Task("own battery", "", seed) for seed in OWN_SEEDS]
        found += [
            Task("twin", name, seed, step_s)
            for name, cases in TWINS.items()
            for seed, step_s in cases
        ]
        found += [
            Task("other faults", meta["file"], 200 + 10 * number + again)
            for number, meta in enumerate(metas)
            for again in range(REFAULTED)
        ]
    return found


def prepare(task: Task, folder: Path) -> Prepared:
    """Return what a method needs to be measured on a task."""
    if task.family == "own battery":
        case = held_back.own(task.seed)
        chem = case.meta.chem
        model = fit(household.characterise(chem), chem, household.NOMINAL_AH)
        return Prepared(case.recording, model, case.meta, case.bias_a)
    if task.family == "twin":
        chem = "lfp" if "lfp" in task.name else "la"
        model = _model(folder, f"char_{task.name}", chem, household.NOMINAL_AH)
        case = held_back.twin(model, task.name, task.seed, task.step_s)
        return Prepared(case.recording, model, case.meta, case.bias_a)
    if task.family == "real":
        recording = load_recording(folder / f"{REAL}.parquet", REAL_META.nominal_Ah)
        model = _model(folder, REAL_CHARACTERISATION, "la", household.NOMINAL_AH)
        return Prepared(
            _with_reference(recording, folder / f"{REAL}.ref.parquet"),
            model.scaled_to(REAL_META.nominal_Ah),
            REAL_META,
            float("nan"),
        )
    meta = load_meta(folder / "sim_meta.json", task.name)
    model = _model(folder, str(meta.char), meta.chem, meta.nominal_Ah)
    hidden = _hidden(folder, task.name)
    if task.family == "other faults":
        case = held_back.refaulted(folder, task.name, hidden, task.seed)
        return Prepared(case.recording, model, case.meta, case.bias_a)
    recording = load_recording(folder / f"{task.name}.parquet", meta.nominal_Ah)
    return Prepared(recording, model, meta, hidden["off_A"])


def _model(folder: Path, char: str, chem: household.Chemistry, capacity_ah: float) -> BatteryModel:
    files = from_recordings.characterisation_files(char, [folder])
    return from_recordings.fit_or_recall(files, chem, capacity_ah)


def _hidden(folder: Path, name: str) -> dict[str, float]:
    metas = json.loads((folder / "sim_meta.json").read_text())
    hidden: dict[str, float] = next(m["_hidden"] for m in metas if m["file"] == name)
    return hidden


def _with_reference(recording: Recording, path: Path) -> Recording:
    reference = pq.read_table(path)
    known_s = reference["t_unix"].to_numpy().astype(float)
    soc = np.full(len(recording.time_s), np.nan)
    place = np.minimum(np.searchsorted(known_s, recording.time_s), len(known_s) - 1)
    both = known_s[place] == recording.time_s
    soc[both] = reference["soc_ref_c"].to_numpy()[place[both]] * 1e-4
    return recording._replace(soc=soc)
