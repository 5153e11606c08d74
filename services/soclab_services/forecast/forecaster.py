"""A forecaster as a file: plain JSON, so that reading one runs nothing."""

from __future__ import annotations

import math
import os
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec
import numpy as np

from soclab_services.forecast.band import LEVEL, Band
from soclab_services.forecast.history import HOUR_S, Clock, History, HistoryError
from soclab_services.forecast.learned import FEATURES
from soclab_services.forecast.score import Comparison, Score
from soclab_services.forecast.situations import HORIZON_H, latest
from soclab_services.forecast.training import LEARNED, Fitted

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA: Final = 1
Method = Literal["persistence", "yesterday", "same_hour_mean", "same_hour_change", "learned"]
Curve = tuple[float, ...]


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it was made from, and how it did on the days held back."""

    source: str
    battery: str
    begin: str | float
    """First and last hour of the history: UTC, or seconds of the recording."""
    end: str | float
    known_days: float
    held_back_days: int
    scores: dict[str, Score]
    program: str


class Forecaster(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The winner of a comparison."""

    schema: int
    method: Method
    clock: Clock
    band_level: float
    band_low_pct: Curve
    band_high_pct: Curve
    penalty: float | None = None
    features: tuple[str, ...] = ()
    weights: tuple[Curve, ...] = ()
    """For each of the 24 hours, one per feature."""
    provenance: Provenance

    def __post_init__(self) -> None:
        """Refuse what this program did not write.

        Raises
        ------
        ValueError
            With what is wrong.
        """
        if self.schema != SCHEMA:
            raise ValueError(f"forecaster of schema {self.schema}, known is {SCHEMA}")
        curves = (self.band_low_pct, self.band_high_pct)
        if any(len(curve) != HORIZON_H for curve in curves):
            raise ValueError(f"a band needs {HORIZON_H} values at each end")
        if any(low > high for low, high in zip(*curves, strict=True)):
            raise ValueError("band_low_pct is above band_high_pct")
        names, hours = (FEATURES, HORIZON_H) if self.method == LEARNED else ((), 0)
        if self.features != names:
            raise ValueError(f"features of {self.method} must be {list(names)}")
        if len(self.weights) != hours or any(len(row) != len(names) for row in self.weights):
            raise ValueError(f"weights must be {hours} times {len(names)}")
        if not all(math.isfinite(value) for row in (*curves, *self.weights) for value in row):
            raise ValueError("a band or weight is no finite number")

    def fitted(self) -> Fitted:
        """Return what forecasts."""
        ends = Band(np.array(self.band_low_pct), np.array(self.band_high_pct))
        weights = np.array(self.weights) if self.weights else None
        return Fitted(self.method, ends, weights, self.penalty)


class Hour(NamedTuple):
    """One hour of a forecast; its time is UTC, or seconds of the recording."""

    time: str | float
    soc_pct: float
    low_pct: float
    high_pct: float


def forecaster(history: History, fitted: Fitted, comparison: Comparison) -> Forecaster:
    """Return a forecaster with where it came from."""
    learned = fitted.weights is not None
    return Forecaster(
        schema=SCHEMA,
        method=msgspec.convert(fitted.method, Method),
        clock=history.clock,
        band_level=LEVEL,
        band_low_pct=tuple(fitted.band.low_pct.tolist()),
        band_high_pct=tuple(fitted.band.high_pct.tolist()),
        penalty=fitted.penalty,
        features=FEATURES if learned else (),
        weights=tuple(map(tuple, fitted.weights.tolist())) if fitted.weights is not None else (),
        provenance=Provenance(
            source=history.source,
            battery=history.battery,
            begin=_time(history.first_h, history.clock),
            end=_time(history.last_h, history.clock),
            known_days=history.known_days,
            held_back_days=comparison.held_back_days,
            scores=comparison.scores,
            program=f"soclab {metadata.version('soclab-services')}",
        ),
    )


def forecast(used: Forecaster, history: History) -> list[Hour]:
    """Return the hour from which it forecasts, and the 24 after it.

    Raises
    ------
    HistoryError
        If the history is too short, of another clock or another battery.
    """
    if used.clock != history.clock:
        raise HistoryError(
            history.source,
            f"its clock is {history.clock}, the forecaster's {used.clock}",
            "Hours of the day differ: train on a history with the same clock.",
        )
    trained_on = used.provenance.battery
    if trained_on and history.battery and trained_on != history.battery:
        raise HistoryError(
            history.source,
            f"the forecaster is of battery {trained_on}",
            "Train one for this battery: soclab forecast train.",
        )
    origin = latest(history)
    fitted = used.fitted()
    soc_pct = fitted.forecast(origin)[0]
    low_pct, high_pct = fitted.band.around(soc_pct)
    now_pct = float(origin.now[0])
    begin = Hour(_time(history.last_h, history.clock), now_pct, now_pct, now_pct)
    hours = zip(soc_pct.tolist(), low_pct.tolist(), high_pct.tolist(), strict=True)
    return [
        begin,
        *(
            Hour(_time(history.last_h + ahead, history.clock), *values)
            for ahead, values in enumerate(hours, start=1)
        ),
    ]


def load_forecaster(path: Path) -> Forecaster:
    """Read a forecaster.

    Raises
    ------
    ValueError
        If the file is none; with the place and what is wrong.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Forecaster)
    except (msgspec.DecodeError, OSError) as error:
        raise ValueError(f"{path}: {error}. Make one with: soclab forecast train") from error


def save_forecaster(used: Forecaster, path: Path) -> None:
    """Write a forecaster; whoever reads meanwhile has the old one or the new one."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(used), indent=1) + b"\n")
    unfinished.replace(path)


def _time(hour: int, clock: Clock) -> str | float:
    if clock == "t_s":
        return hour * HOUR_S
    return datetime.fromtimestamp(hour * HOUR_S, UTC).strftime("%Y-%m-%dT%H:%MZ")
