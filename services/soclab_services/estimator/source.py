"""New readings from InfluxDB, and how many there are of those that should be known."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from soclab_services.estimator.samples import Readings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from soclab_services.estimator.config import EstimatedBattery
    from soclab_services.estimator.influx import Influx, Series

HOUR_NS: Final = 3_600_000_000_000
_FIELDS: Final = ("current_a", "voltage_v", "temperature_c")


class Source:
    """Reads the battery's instrument, its thermometer and its charger."""

    def __init__(self, influx: Influx, bucket: str) -> None:
        self._influx = influx
        self._bucket = bucket

    def read(
        self, batteries: list[EstimatedBattery], start_ns: int, stop_ns: int
    ) -> dict[str, Readings]:
        """Return what was measured in a time, its end not included, by battery."""
        time = _time(start_ns, stop_ns)
        by_instrument = "battery, instrument"
        statements = [
            _select(", ".join(_FIELDS), "battery", time, _shunts(batteries), by_instrument),
            _select("state", "charger", time, _named(batteries), "battery"),
        ]
        if foreign := _thermometers(batteries):
            statements.append(_select("temperature_c", "battery", time, foreign, by_instrument))
        answers = self._influx.ask(self._bucket, statements)
        shunts = {(s.tags["battery"], s.tags["instrument"]): s for s in answers[0]}
        chargers = {s.tags["battery"]: s for s in answers[1]}
        others = {(s.tags["battery"], s.tags["instrument"]): s for s in chain(*answers[2:])}
        return {
            one.name: _readings(
                shunts.get((one.name, one.instrument)),
                chargers.get(one.name),
                others.get((one.name, one.temperature_instrument or "")),
                own_temperature=one.temperature_instrument in {None, one.instrument},
            )
            for one in batteries
        }

    def counts(
        self, batteries: list[EstimatedBattery], start_ns: int, stop_ns: int
    ) -> dict[str, dict[int, int]]:
        """Return how many values there are in each hour (ns of its beginning), by battery."""
        time = _time(start_ns, stop_ns)
        hourly = "time(1h), battery, instrument fill(none)"
        counted = ", ".join(f"count({name}) AS {name}" for name in _FIELDS)
        thermometer = "count(temperature_c) AS temperature_c"
        statements = [
            _select(counted, "battery", time, _shunts(batteries), hourly),
            _select("count(state) AS state", "charger", time, _named(batteries), hourly),
        ]
        if foreign := _thermometers(batteries):
            statements.append(_select(thermometer, "battery", time, foreign, hourly))
        warmed_elsewhere = {
            one.name
            for one in batteries
            if one.temperature_instrument not in {None, one.instrument}
        }
        found: dict[str, dict[int, int]] = {one.name: {} for one in batteries}
        for number, answer in enumerate(self._influx.ask(self._bucket, statements)):
            for series in answer:
                name = series.tags["battery"]
                columns = series.columns[1:]
                used = [
                    k
                    for k, column in enumerate(columns, start=1)
                    if not (number == 0 and column == "temperature_c" and name in warmed_elsewhere)
                ]
                hours = found[name]
                for row in series.values:
                    hour = int(row[0])
                    hours[hour] = hours.get(hour, 0) + sum(int(row[k] or 0) for k in used)
        return found

    def first(
        self, batteries: Iterable[tuple[EstimatedBattery, int]], stop_ns: int
    ) -> dict[str, int]:
        """Return when each battery's current was first measured at or after its time (ns)."""
        asked = list(batteries)
        if not asked:
            return {}
        answers = self._influx.ask(
            self._bucket,
            [
                _select("first(current_a)", "battery", _time(start_ns, stop_ns), _shunts([one]))
                for one, start_ns in asked
            ],
        )
        return {
            one.name: int(answer[0].values[0][0])
            for (one, _), answer in zip(asked, answers, strict=True)
            if answer
        }

    def newest_counted(
        self, bucket: str, stop_ns: int, age_ns: int
    ) -> dict[str, tuple[float, float]]:
        """Return state of charge and sigma (%) that the Flux task has stored last, by battery."""
        time = _time(stop_ns - age_ns, stop_ns + 1)
        values = "last(soc_pct), sigma_pct"
        asked = _select(values, "soc", time, "method = 'coulomb'", "battery")
        (answer,) = self._influx.ask(bucket, [asked])
        return {
            series.tags["battery"]: (float(series.values[0][1]), float(series.values[0][2]))
            for series in answer
            if series.values[0][2] is not None
        }


def _select(values: str, measurement: str, time: str, whose: str, groups: str = "") -> str:
    """Return a statement of InfluxQL; names are checked to need no escaping."""
    grouped = f" GROUP BY {groups}" if groups else ""
    return f"SELECT {values} FROM {measurement} WHERE {time} AND ({whose}){grouped}"  # noqa: S608


def _time(start_ns: int, stop_ns: int) -> str:
    return f"time >= {start_ns} AND time < {stop_ns}"


def _shunts(batteries: Iterable[EstimatedBattery]) -> str:
    return " OR ".join(
        f"(battery = '{one.name}' AND instrument = '{one.instrument}')" for one in batteries
    )


def _named(batteries: Iterable[EstimatedBattery]) -> str:
    return " OR ".join(f"battery = '{one.name}'" for one in batteries)


def _thermometers(batteries: Iterable[EstimatedBattery]) -> str:
    return " OR ".join(
        f"(battery = '{one.name}' AND instrument = '{one.temperature_instrument}')"
        for one in batteries
        if one.temperature_instrument not in {None, one.instrument}
    )


def _readings(
    shunt: Series | None, charger: Series | None, other: Series | None, *, own_temperature: bool
) -> Readings:
    time_ns, (current_a, voltage_v, temperature_c) = _columns(shunt, 3)
    state_ns, (state,) = _columns(charger, 1)
    warm_ns = time_ns
    if not own_temperature:
        warm_ns, (temperature_c,) = _columns(other, 1)
    warm, stated = np.isfinite(temperature_c), np.isfinite(state)
    return Readings(
        time_ns,
        current_a,
        voltage_v,
        warm_ns[warm],
        temperature_c[warm],
        state_ns[stated],
        state[stated],
    )


def _columns(
    series: Series | None, count: int
) -> tuple[NDArray[np.int64], tuple[NDArray[np.float64], ...]]:
    """Return times and values; of two rows of one time, as two sites have them, the first."""
    if series is None or not series.values:
        return np.empty(0, np.int64), tuple(np.empty(0) for _ in range(count))
    columns: list[tuple[Any, ...]] = list(zip(*series.values, strict=True))
    time_ns = np.array(columns[0], np.int64)
    later = np.diff(time_ns, prepend=time_ns[0] - 1) > 0
    return time_ns[later], tuple(np.array(one, np.float64)[later] for one in columns[1 : count + 1])
