"""Files of estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    from soclab_services.estimation.trajectory import Trajectory
    from soclab_services.recordings.load import Recording


def save_estimates(
    recording: Recording, estimated: Trajectory, path: Path, about: dict[str, str]
) -> None:
    """Write time, soc_pct, sigma_pct, bias_a and capacity_ah of every row that was used."""
    time = recording.time_s
    # Whole seconds stay whole, as they were given.
    whole = bool(np.all(time == np.round(time)))
    table = pa.table(
        {
            recording.time_column: pa.array(time.astype(np.int64) if whole else time),
            "soc_pct": pa.array(100.0 * estimated.soc),
            "sigma_pct": pa.array(100.0 * estimated.sigma),
            "bias_a": pa.array(estimated.bias_a),
            "capacity_ah": pa.array(estimated.capacity_ah),
        }
    ).replace_schema_metadata(about)
    pq.write_table(table, path, compression="zstd")
