"""Recordings from Parquet files: columns as in docs/soc/recordings.md, SI units behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MILLI: Final = 1e-3
# No pack here is charged or discharged within less: beyond it is the sensor, not the battery.
LARGEST_C_RATE_A_PER_AH: Final = 10.0
# A 12 V pack below this is disconnected, above it something else is.
CONNECTED_V: Final = (5.0, 20.0)


class Recording(NamedTuple):
    """What was measured, in order of time; current above zero charges.

    Attributes
    ----------
    time_s, current_a, voltage_v, temperature_c
        Shape (n,); times strictly increasing, a temperature that was not measured is NaN.
    stage
        State of the charger (1 bulk, 2 absorption, 3 float, 0 not given), shape (n,).
    soc
        The true state of charge (0..1) where the recording knows it, else NaN, shape (n,).
    time_column
        The name of the time in the file.
    dropped
        Rows that were not used, by reason.
    """

    time_s: Array
    current_a: Array
    voltage_v: Array
    temperature_c: Array
    stage: NDArray[np.int8]
    soc: Array
    time_column: str
    dropped: dict[str, int]


def load_recording(path: Path, capacity_ah: float) -> Recording:
    """Read a recording; rows that cannot be a connected battery are left out and counted.

    Parameters
    ----------
    path
        Parquet with t_s or t_unix (s), I_mA, V_mV; optional T_dC, stage, soc_ppm.
    capacity_ah
        Tells a current that can be from one that cannot.

    Raises
    ------
    ValueError
        If it is no such file or nothing of it can be used.
    """
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{path}: {error}") from error
    names = table.column_names
    time_column = "t_s" if "t_s" in names else "t_unix"
    missing = [name for name in (time_column, "I_mA", "V_mV") if name not in names]
    if missing:
        raise ValueError(f"{path}: no column {' and no '.join(missing)}; there are {names}")

    def column(name: str) -> Array:
        if name not in names:
            return np.full(table.num_rows, np.nan)
        return np.asarray(table[name].cast(pa.float64()).to_numpy(), dtype=np.float64)

    return cleaned(
        Recording(
            column(time_column),
            column("I_mA") * MILLI,
            column("V_mV") * MILLI,
            column("T_dC") * 0.1,
            np.nan_to_num(column("stage")).astype(np.int8),
            column("soc_ppm") * 1e-6,
            time_column,
            {},
        ),
        capacity_ah,
    )


def cleaned(recording: Recording, capacity_ah: float) -> Recording:
    """Return the recording with the rows that an estimator can use, and counts of the others.

    Raises
    ------
    ValueError
        If fewer than two are left.
    """
    time_s, current_a, voltage_v = recording[:3]
    finite = np.isfinite(time_s) & np.isfinite(current_a) & np.isfinite(voltage_v)
    largest_a = LARGEST_C_RATE_A_PER_AH * capacity_ah
    with np.errstate(invalid="ignore"):
        plausible = np.abs(current_a) <= largest_a
        connected = (voltage_v >= CONNECTED_V[0]) & (voltage_v <= CONNECTED_V[1])
    latest = np.maximum.accumulate(np.where(finite, time_s, -np.inf))
    ordered = finite & (time_s > np.concatenate(([-np.inf], latest[:-1])))
    used = finite & ordered & plausible & connected
    counts = {
        "not a number": int((~finite).sum()),
        "time not after the one before": int((finite & ~ordered).sum()),
        f"current beyond {largest_a:g} A": int((finite & ~plausible).sum()),
        f"voltage not within {CONNECTED_V[0]:g} to {CONNECTED_V[1]:g} V": int(
            (finite & ~connected).sum()
        ),
    }
    if used.sum() < 2:
        raise ValueError(f"no two usable rows among {len(time_s)}; {counts}")
    return Recording(
        time_s[used],
        current_a[used],
        voltage_v[used],
        recording.temperature_c[used],
        recording.stage[used],
        recording.soc[used],
        recording.time_column,
        {reason: count for reason, count in counts.items() if count},
    )
