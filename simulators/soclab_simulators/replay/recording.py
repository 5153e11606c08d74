"""Recordings of a battery as Parquet files, and what is known beside them.

Columns: ``t_s`` or ``t_unix`` (s, strictly increasing), ``I_mA`` (above zero charges), ``V_mV``;
optional ``T_dC`` (0.1 °C) or ``degC``, ``stage`` of the charger, ``soc_ppm`` (the true state of
charge), ``load_W`` and ``solar_W`` (below zero while producing). Rows that are missing are gaps.

Beside ``NAME.parquet`` there may be ``NAME.ref.parquet`` (``t_unix``, ``soc_ref_c``: a reference
state of charge in hundredths of a percent) and ``sim_meta.json`` (nominal capacity, prior).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from soclab_simulators.source import Snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

NS_PER_S: Final = 1_000_000_000
DEFAULT_START_S: Final = 1_577_836_800  # 2020-01-01: recordings without a date begin here


class RecordingError(Exception):
    """The file is no recording; says what to do about it."""


@dataclass(frozen=True)
class Reference:
    """What the state of charge (0 to 1) really was, where that is known."""

    times_ns: Integers
    soc: Floats


@dataclass(frozen=True)
class Recording:
    """Everything recorded, by row; NaN where it was not."""

    name: str
    times_ns: Integers
    battery_v: Floats
    battery_a: Floats
    temperature_c: Floats
    stage: Integers
    solar_w: Floats
    load_w: Floats
    soc: Floats
    reference: Reference | None = None
    about: dict[str, Any] = field(default_factory=dict)
    """What ``sim_meta.json`` says, such as nominal_Ah and prior_soc."""

    def __len__(self) -> int:
        return len(self.times_ns)

    def first(self, rows: int) -> Recording:
        """Return the recording cut off after so many rows."""
        columns = ("times_ns", "battery_v", "battery_a", "temperature_c", "stage")
        cut = {name: getattr(self, name)[:rows] for name in (*columns, "solar_w", "load_w", "soc")}
        return Recording(self.name, **cut, reference=self.reference, about=self.about)

    def snapshot(self, row: int) -> Snapshot:
        """Return what the terminals showed at a row."""
        return self.snapshots(row, row + 1)[0]

    def snapshots(self, start: int, stop: int) -> list[Snapshot]:
        """Return what the terminals showed at some rows; many at once cost little more than one.

        Solar power is shown at battery voltage: a recording has no other. Where the load was not
        recorded, what discharges the battery is taken for it.
        """
        rows = slice(start, stop)
        volt, ampere = self.battery_v[rows], self.battery_a[rows]
        on = volt > 0
        per_volt = np.divide(1.0, volt, out=np.zeros_like(volt), where=on)
        solar_a = np.nan_to_num(self.solar_w[rows] * per_volt)
        load_a = self.load_w[rows] * per_volt
        load_a = np.where(np.isnan(load_a), np.maximum(-ampere, 0.0), load_a)
        solar_v = np.where(np.isnan(self.solar_w[rows]), 0.0, volt)
        columns = (
            self.times_ns[rows] / NS_PER_S,
            volt,
            ampere,
            self.temperature_c[rows],
            solar_v,
            solar_a,
            load_a,
            self.stage[rows],
            self.soc[rows],
        )
        return [Snapshot(*values) for values in zip(*(c.tolist() for c in columns), strict=True)]


def read_recording(path: Path, start_s: float = DEFAULT_START_S) -> Recording:
    """Read a recording and what lies beside it.

    Parameters
    ----------
    path
        The Parquet file.
    start_s
        Unix time of the first row, for recordings whose time has no date.

    Raises
    ------
    RecordingError
        If the file cannot be read, lacks a column or has times that do not increase.
    """
    table = _table(path)
    have = set(table.column_names)
    missing = {"I_mA", "V_mV"} - have
    if missing or not have & {"t_s", "t_unix"}:
        wanted = ", ".join(
            sorted(missing | ({"t_unix"} if not have & {"t_s", "t_unix"} else set()))
        )
        raise RecordingError(
            f"{path}: no column {wanted}. Name a recording of current and voltage."
        )
    for name in have & {"t_s", "t_unix", "I_mA", "V_mV"}:
        if table[name].null_count:
            raise RecordingError(
                f"{path}: no value in some rows of {name}. Leave such rows out: a gap is one."
            )
    times_ns = _times_ns(table, start_s)
    if len(times_ns) == 0 or (np.diff(times_ns) <= 0).any():
        raise RecordingError(f"{path}: empty, or times do not increase. Sort it and drop repeats.")
    soc = _column(table, "soc_ppm") / 1e6
    return Recording(
        name=path.stem,
        times_ns=times_ns,
        battery_v=_column(table, "V_mV") / 1000,
        battery_a=_column(table, "I_mA") / 1000,
        temperature_c=_column(table, "T_dC") / 10 if "T_dC" in have else _column(table, "degC"),
        stage=np.nan_to_num(_column(table, "stage")).astype(np.int64),
        solar_w=-_column(table, "solar_W"),
        load_w=np.maximum(_column(table, "load_W"), 0),
        soc=soc,
        reference=Reference(times_ns, soc) if "soc_ppm" in have else _reference(path),
        about=_about(path),
    )


def _table(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise RecordingError(
            f"{path}: cannot be read as Parquet: {error}. Name a recording."
        ) from error


def _times_ns(table: pa.Table, start_s: float) -> Integers:
    if "t_unix" in table.column_names:
        return _integers(table, "t_unix") * NS_PER_S
    since = _integers(table, "t_s")
    offset = since[0] if len(since) else 0
    return (since - offset) * NS_PER_S + round(start_s * NS_PER_S)


def _integers(table: pa.Table, name: str) -> Integers:
    return np.asarray(table[name].to_numpy(), dtype=np.int64)


def _column(table: pa.Table, name: str) -> Floats:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return np.asarray(table[name].to_numpy(), dtype=np.float64)


def _reference(path: Path) -> Reference | None:
    beside = path.with_suffix(".ref.parquet")
    if not beside.exists():
        return None
    table = _table(beside)
    return Reference(_times_ns(table, 0), _column(table, "soc_ref_c") / 1e4)


def _about(path: Path) -> dict[str, Any]:
    beside = path.with_name("sim_meta.json")
    if not beside.exists():
        return {}
    rows = json.loads(beside.read_text(encoding="utf-8"))
    return next((row for row in rows if row.get("file") == path.stem), {})
