"""Runs a demo from its first step to its last line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from soclab_collectors.measurements import BUCKET_RAW
from soclab_services.influxdb.errors import InfluxdbError
from soclab_services.influxdb.install import install
from soclab_services.influxdb.onboarding import set_up, wait_until_ready
from soclab_services.influxdb.server import Server

from soclab_simulators.demo.archive import waiting_bytes
from soclab_simulators.demo.audit import audit
from soclab_simulators.demo.influx import Influx
from soclab_simulators.demo.latency import Latencies
from soclab_simulators.demo.observer import Observer
from soclab_simulators.demo.programs import Programs, program
from soclab_simulators.demo.settings import INSTRUMENTS, write_settings
from soclab_simulators.demo.soc_error import soc_errors
from soclab_simulators.demo.state import DemoError
from soclab_simulators.demo.summary import as_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from soclab_simulators.demo.scenario import Scenario
    from soclab_simulators.demo.screen import Screen
    from soclab_simulators.demo.state import State

_SERVER_START_S: Final = 60.0
_SIMULATORS_START_S: Final = 20.0
_DRAIN_S: Final = 30.0
_POLL_S: Final = 0.1
_LOOK_S: Final = 1.0


class Demo:
    """One run of the demo.

    Parameters
    ----------
    state, scenario
        Where everything is kept, and what is played.
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
        screen: Screen,
        stopped: Callable[[], bool],
        started_s: float,
    ) -> None:
        self._state = state
        self._scenario = scenario
        self._screen = screen
        self._stopped = stopped
        self._started_s = started_s
        self._programs = Programs(state)
        self._latencies = Latencies(started_s, replayed=scenario.replayed)

    def run(self, limit_s: float | None) -> dict[str, Any]:
        """Start everything, show it, stop it in order, and return the result.

        Raises
        ------
        DemoError
            If a step fails; says what to do next. Nothing keeps running.
        """
        try:
            return self._run(limit_s)
        except InfluxdbError as error:
            raise DemoError(str(error)) from error
        finally:
            self._programs.stop()

    def _run(self, limit_s: float | None) -> dict[str, Any]:
        server = self._start()
        startup_s = time.time() - self._started_s
        token = (server.secrets / "read_token").read_text()
        with Influx(server.url, token) as influx:
            observer = Observer(
                self._state,
                self._scenario,
                influx,
                self._programs,
                self._latencies,
                self._started_s,
            )
            self._watch(observer, server.url, limit_s)
            self._finish(observer)
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

    def _start(self) -> Server:
        """Start everything; while one thing starts, the next one does already."""
        say = self._screen.say
        installed = install("auto", say)
        say(f"InfluxDB {installed.version} ({installed.method}): {installed.path}")
        server = Server(self._state.influxdb)
        settings = write_settings(self._state, self._scenario, server.url, server.secrets)
        say(f"starting InfluxDB at {server.url} with {'fresh' if server.is_new else 'kept'} data")
        influxd = self._programs.start("influxd", server.command(installed.path))
        say("starting the simulated instruments")
        simulators = self._programs.start(
            "simulators", [program("soclab-simulators"), "--config", str(settings.simulators)]
        )
        self._programs.wait(
            simulators, lambda: "READY" in simulators.output(), _SIMULATORS_START_S, "READY"
        )
        say("starting collectors and uploader")
        config = ["--config", str(settings.collectors)]
        for instrument in INSTRUMENTS:
            self._programs.start(
                instrument.name, [program("soclab-collector"), "run", instrument.name, *config]
            )
        wait_until_ready(server.url, _SERVER_START_S, lambda: influxd.running)
        set_up(server.url, server.secrets)
        self._programs.start("uploader", [program("soclab-uploader"), "run", *config])
        say("installing the Flux tasks")
        self._scenario.install_tasks(server, settings.server)
        return server

    def _watch(self, observer: Observer, url: str, limit_s: float | None) -> None:
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
                    self._scenario.run_tasks(observer.newest_s)
                if self._scenario.over():
                    break
                time.sleep(_POLL_S)

    def _finish(self, observer: Observer) -> None:
        """Stop reading, let everything arrive, and compute once more."""
        say = self._screen.say
        say("stopping the collectors and letting everything arrive")
        self._programs.stop([i.name for i in INSTRUMENTS])
        deadline = time.monotonic() + _DRAIN_S
        while any(waiting_bytes(self._state.spool, i.name) for i in INSTRUMENTS):
            if time.monotonic() > deadline:
                say("not everything has arrived in time; the rest waits in the spool")
                break
            self._programs.supervise()
            time.sleep(_POLL_S)
        self._programs.stop(["uploader"])
        observer.look_at_archive()
        observer.look_at_influxdb()
        say("running the Flux tasks a last time")
        before = -1.0
        while observer.computed_s > before:  # a long history takes several runs
            before = observer.computed_s
            self._scenario.finish_tasks(observer.newest_s)
            observer.look_at_influxdb()


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
