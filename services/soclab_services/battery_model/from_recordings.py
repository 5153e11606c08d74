"""A model from the characterisation files that a META.json names."""

from __future__ import annotations

import hashlib
import os
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import platformdirs
import pyarrow as pa
import pyarrow.parquet as pq

from soclab_services.battery_model.fit import Characterisation, fit
from soclab_services.battery_model.model import (
    SCHEMA,
    BatteryModel,
    Chemistry,
    Provenance,
    load_model,
    save_model,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS_PER_HOUR: Final = 3600.0
PARTS: Final = ("c20", "hppc")
# A change to the fit makes models kept by an earlier one invalid.
FIT_VERSION: Final = 2


def characterisation_files(char: str, folders: Sequence[Path]) -> list[Path]:
    """Return the files of a META's `char`, from the first folder that has them.

    Raises
    ------
    ValueError
        If there is none.
    """
    for folder in folders:
        files = [folder / f"{char}_{part}.parquet" for part in PARTS]
        if all(file.is_file() for file in files):
            return files
    looked = ", ".join(str(folder) for folder in folders)
    raise ValueError(f"no {char}_c20.parquet and {char}_hppc.parquet in {looked}; give --model")


def load_characterisation(path: Path, capacity_ah: float) -> Characterisation:
    """Read a recording of a battery that was full at its beginning.

    Where the file has no soc_ppm, charge is counted, with nothing lost.

    Raises
    ------
    ValueError
        If columns are missing.
    """
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{path}: {error}") from error
    missing = [name for name in ("t_s", "I_mA", "V_mV") if name not in table.column_names]
    if missing:
        raise ValueError(f"{path}: no column {' and no '.join(missing)}")
    columns = {name: table[name].cast(pa.float64()).to_numpy() for name in table.column_names}
    time_s, current_a = columns["t_s"], columns["I_mA"] / 1000.0
    if "soc_ppm" in columns:
        soc = columns["soc_ppm"] * 1e-6
    else:
        mean_a = (current_a[1:] + current_a[:-1]) / 2.0
        moved_ah = np.cumsum(np.concatenate(([0.0], mean_a * np.diff(time_s)))) / SECONDS_PER_HOUR
        soc = 1.0 + moved_ah / capacity_ah
    return Characterisation(time_s, current_a, columns["V_mV"] / 1000.0, soc)


def fit_files(files: Sequence[Path], chemistry: Chemistry, capacity_ah: float) -> BatteryModel:
    """Return the model of these recordings, with where it came from."""
    return fit(
        [load_characterisation(file, capacity_ah) for file in files],
        chemistry,
        capacity_ah,
        Provenance(
            recordings=tuple(file.name for file in files),
            sha256=tuple(_digest(file) for file in files),
            program=f"soclab {metadata.version('soclab-services')}",
        ),
    )


def fit_or_recall(files: Sequence[Path], chemistry: Chemistry, capacity_ah: float) -> BatteryModel:
    """Return the model of these recordings; one that was fitted before is not fitted again."""
    key = hashlib.sha256(
        f"{SCHEMA} {FIT_VERSION} {chemistry} {capacity_ah!r} {[*map(_digest, files)]}".encode()
    ).hexdigest()
    kept = Path(platformdirs.user_cache_dir("soclab")) / "models" / f"{key[:32]}.json"
    if kept.is_file():
        return load_model(kept)
    model = fit_files(files, chemistry, capacity_ah)
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Several programs may fit the same at once: each has its own file until it is whole.
    unfinished = kept.with_suffix(f".{os.getpid()}")
    save_model(model, unfinished)
    unfinished.replace(kept)
    return model


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
