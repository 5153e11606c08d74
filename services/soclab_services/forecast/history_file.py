"""Histories from Parquet files: recordings with a true state of charge, or estimates of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from soclab_services.forecast.history import Clock, History, HistoryError, from_samples

if TYPE_CHECKING:
    from pathlib import Path

# What `soclab soc estimate` writes, then what a simulation knows.
COLUMNS: Final = ("soc_pct", "soc_ppm")
PCT_PER: Final = {"_pct": 1.0, "_ppm": 1e-4}


def load_history(path: Path, column: str | None = None) -> History:
    """Read a file with t_s or t_unix (s) and a state of charge.

    Parameters
    ----------
    column
        The state of charge, its unit (`_pct` or `_ppm`) at its end; if not given, the first of
        `COLUMNS` that is there.

    Raises
    ------
    HistoryError
        If it is no such file, or no history.
    """
    try:
        names = pq.read_schema(path).names
        clock: Clock = "t_s" if "t_s" in names else "t_unix"
        chosen = column or next((name for name in COLUMNS if name in names), COLUMNS[0])
        _check_columns(path, names, clock, chosen)
        table = pq.read_table(path, columns=[clock, chosen])
        time_s, soc = (
            table[name].cast(pa.float64()).to_numpy().astype(np.float64) for name in (clock, chosen)
        )
    except (pa.ArrowException, OSError) as error:
        raise HistoryError(str(path), str(error), "Give a Parquet file.") from error
    return from_samples(time_s, soc * PCT_PER[chosen[-4:]], clock, str(path))


def _check_columns(path: Path, names: list[str], clock: str, column: str) -> None:
    if column[-4:] not in PCT_PER:
        raise HistoryError(
            str(path), f"the unit of column {column} is not known", "Let it end in _pct or _ppm."
        )
    if clock not in names:
        raise HistoryError(
            str(path), f"no column t_s or t_unix among {', '.join(names)}", "Name the time so."
        )
    if column not in names:
        raise HistoryError(
            str(path),
            f"no column {column} among {', '.join(names)}",
            "Estimate it first: soclab soc estimate FILE --meta META.json -o OUT.parquet,"
            " then give OUT.parquet; or name another column with --column.",
        )
