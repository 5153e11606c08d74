"""Gathers what the live view shows: from InfluxDB, the spool and the programs."""

from __future__ import annotations

import contextlib
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Final

from soclab_simulators.demo.archive import Archive, waiting_bytes
from soclab_simulators.demo.influx import AwayError
from soclab_simulators.demo.picture import InstrumentLine, Picture, SocLine, UnitLine, describe
from soclab_simulators.demo.settings import INSTRUMENTS

if TYPE_CHECKING:
    from soclab_simulators.demo.influx import Influx, LastReading
    from soclab_simulators.demo.latency import Latencies
    from soclab_simulators.demo.programs import Programs
    from soclab_simulators.demo.scenario import Scenario
    from soclab_simulators.demo.soc_error import SocPoint
    from soclab_simulators.demo.state import State
    from soclab_simulators.demo.tasks import Tasks

_HISTORY: Final = 600


class Observer:
    """Looks once per call; what it has seen before it does not look at again."""

    def __init__(
        self,
        state: State,
        scenario: Scenario,
        influx: Influx,
        programs: Programs,
        tasks: Tasks,
        latencies: Latencies,
        started_s: float,
    ) -> None:
        self.first_reading_s: float | None = None
        self.newest_s: float | None = None
        self._state = state
        self._scenario = scenario
        self._influx = influx
        self._programs = programs
        self._tasks = tasks
        self._latencies = latencies
        self._started_s = started_s
        self._archive = Archive(state.archive)
        self._readings: dict[tuple[str, str], LastReading] = {}
        self._soc: list[SocPoint] = []
        self._history: deque[tuple[float | None, float | None]] = deque(maxlen=_HISTORY)

    @property
    def computed_s(self) -> float:
        """How far the state of charge has been computed; 0 if not at all."""
        return max((point.time_s for point in self._soc), default=0.0)

    def look_at_archive(self) -> None:
        """Take note of what the server has confirmed."""
        for segment in self._archive.new_segments():
            self._latencies.add(segment)
            if self.first_reading_s is None and segment.path.parent.name in _NAMES:
                self.first_reading_s = segment.confirmed_s - self._started_s

    def look_at_influxdb(self) -> None:
        """Ask for the last readings; what is known stays while the server is away."""
        with contextlib.suppress(AwayError):
            self._readings = self._influx.last_readings(*self._scenario.window())
            self._soc = self._influx.soc(
                self._scenario.battery, *self._scenario.window(), last=True
            )
            self.newest_s = max((r.time_s for r in self._readings.values()), default=None)

    def look(self, url: str, elapsed_s: float, limit_s: float | None) -> Picture:
        """Return the present picture."""
        self.look_at_archive()
        self.look_at_influxdb()
        readings, soc = self._readings, self._soc
        by_instrument: dict[str, dict[str, LastReading]] = defaultdict(dict)
        for (instrument, measurement), reading in readings.items():
            by_instrument[instrument][measurement] = reading
        now_s = self._scenario.now_s(self.newest_s)
        true_pct = None if now_s is None else self._scenario.truth.at(now_s)
        self._history.append((true_pct, soc[0].soc_pct if soc else None))
        return Picture(
            source=self._scenario.title,
            elapsed_s=elapsed_s,
            limit_s=limit_s,
            instruments=[
                self._instrument_line(name, device, by_instrument[name], now_s)
                for name, device in INSTRUMENTS
            ],
            true_pct=true_pct,
            soc=[self._soc_line(point) for point in soc],
            history=list(self._history),
            stored=self._latencies.readings,
            latency_s=self._latencies.recent(),
            first_reading_s=self.first_reading_s,
            units=[
                *(UnitLine(u.name, u.describe(), fine=u.running) for u in self._programs.units),
                self._tasks.describe(),
            ],
            url=url,
            root=self._state.root,
        )

    def _instrument_line(
        self, name: str, device: str, readings: dict[str, LastReading], now_s: float | None
    ) -> InstrumentLine:
        newest_s = max((r.time_s for r in readings.values()), default=None)
        return InstrumentLine(
            name=name,
            device=device,
            reading=describe(readings),
            age_s=None if newest_s is None or now_s is None else now_s - newest_s,
            backlog_bytes=waiting_bytes(self._state.spool, name),
        )

    def _soc_line(self, point: SocPoint) -> SocLine:
        true_pct = self._scenario.truth.at(point.time_s)
        error = None if true_pct is None else point.soc_pct - true_pct
        return SocLine(point.method, point.soc_pct, point.sigma_pct, error)


_NAMES: Final = frozenset(i.name for i in INSTRUMENTS)
