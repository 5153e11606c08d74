"""Runs a demo whose programs have been started, up to its last line."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

from soclab_collectors.measurements import BUCKET_RAW
from soclab_services.influxdb.onboarding import is_ready, set_up

from soclab_simulators.demo.archive import waiting_bytes
from soclab_simulators.demo.audit import audit
from soclab_simulators.demo.influx import Influx
from soclab_simulators.demo.latency import Latencies
from soclab_simulators.demo.observer import Observer
from soclab_simulators.demo.programs import program
from soclab_simulators.demo.settings import INSTRUMENTS
from soclab_simulators.demo.soc_error import soc_errors
from soclab_simulators.demo.state import DemoError
from soclab_simulators.demo.summary import as_json
from soclab_simulators.demo.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from soclab_simulators.demo.programs import Programs
    from soclab_simulators.demo.scenario import Scenario
    from soclab_simulators.demo.screen import Screen
    from soclab_simulators.demo.start import Started
    from soclab_simulators.demo.state import State

_SERVER_START_S: Final = 60.0
_DRAIN_S: Final = 30.0
_POLL_S: Final = 0.1
_LOOK_S: Final = 1.0


class Demo:
    """One run of the demo, whose programs have been started.

    Parameters
    ----------
    state, scenario
        Where everything is kept, and what is played.
    programs, started
        What runs already.
    screen
        Where progress and the live view go.
    stopped
        Whether somebody has asked to stop.
    started_s
        When the command was given, in Unix time.
    """

    def __init__(
        self,
        state: State,
        scenario: Scenario,
        programs: Programs,
        started: Started,
        screen: Screen,
        stopped: Callable[[], bool],
        started_s: float,
    ) -> None:
        self._state = state
        self._scenario = scenario
        self._programs = programs
        self._started = started
        self._screen = screen
        self._stopped = stopped
        self._started_s = started_s
        self._latencies = Latencies(started_s, replayed=scenario.replayed)

    def run(self, limit_s: float | None) -> dict[str, Any]:
        """Show everything, stop it in order, and return the result.

        Raises
        ------
        DemoError
            If a step fails; says what to do next.
        InfluxdbError
            If the server cannot be set up.
        """
        server = self._started.server
        tasks = self._complete()
        startup_s = time.time() - self._started_s
        token = (server.secrets / "read_token").read_text()
        with Influx(server.url, token) as influx, contextlib.closing(tasks):
            observer = Observer(
                self._state,
                self._scenario,
                influx,
                self._programs,
                tasks,
                self._latencies,
                self._started_s,
            )
            self._watch(observer, tasks, server.url, limit_s)
            self._finish(observer, tasks, server.url)
            points = influx.soc(self._scenario.battery, *self._scenario.window())
        self._screen.say("asking InfluxDB for every accepted reading")
        return as_json(
            audit(
                server.url,
                token,
                BUCKET_RAW,
                self._state.archive.parent,
                self._state.archive,
                self._state.spool,
            ),
            soc_errors(points, self._scenario.truth),
            self._latencies.overall(),
            startup_s=round(startup_s, 2),
            first_reading_s=_rounded(observer.first_reading_s),
            restarts={u.name: u.restarts for u in self._programs.units if u.restarts},
            url=server.url,
            state=str(self._state.root),
        )

    def _complete(self) -> Tasks:
        """Start what needs a server that is set up."""
        server, influxd = self._started.server, self._started.influxd
        self._programs.wait(influxd, lambda: is_ready(server.url), _SERVER_START_S, "an answer")
        set_up(server.url, server.secrets)
        config = str(self._started.settings.collectors)
        self._programs.start("uploader", [program("soclab-uploader"), "run", "--config", config])
        self._screen.say("installing the Flux tasks")
        tasks_config = self._started.settings.server
        return Tasks(server, tasks_config, take_over=self._scenario.replayed)

    def _watch(self, observer: Observer, tasks: Tasks, url: str, limit_s: float | None) -> None:
        """Show what happens until the time is over or somebody stops it."""
        started = next_look = time.monotonic()
        with self._screen:
            while not self._stopped():
                elapsed_s = time.monotonic() - started
                if limit_s is not None and elapsed_s >= limit_s:
                    break
                self._programs.supervise()
                if time.monotonic() >= next_look:
                    next_look = time.monotonic() + _LOOK_S
                    self._screen.show(observer.look(url, elapsed_s, limit_s))
                    if tasks.installed():
                        self._scenario.run_tasks(tasks, observer.newest_s)
                if self._scenario.over():
                    break
                time.sleep(_POLL_S)

    def _finish(self, observer: Observer, tasks: Tasks, url: str) -> None:
        """Stop reading, let everything arrive, and compute once more."""
        say = self._screen.say
        say("stopping the collectors and letting everything arrive")
        self._programs.stop([i.name for i in INSTRUMENTS])
        if not self._within(
            _DRAIN_S, lambda: not any(waiting_bytes(self._state.spool, i.name) for i in INSTRUMENTS)
        ):
            say("not everything has arrived in time; the rest waits in the spool")
        self._programs.stop(["uploader"])
        observer.look_at_archive()
        observer.look_at_influxdb()
        say("running the Flux tasks a last time")
        if not self._within(_SERVER_START_S, lambda: is_ready(url) and tasks.installed()):
            raise DemoError("InfluxDB has not come back. Its log says why")
        before = -1.0
        while observer.computed_s > before:  # a long history takes several runs
            before = observer.computed_s
            self._scenario.finish_tasks(tasks, observer.newest_s)
            observer.look_at_influxdb()

    def _within(self, seconds: float, condition: Callable[[], bool]) -> bool:
        """Wait for something while programs are supervised; tell whether it came true in time."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._programs.supervise()
            time.sleep(_POLL_S)
        return True


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
