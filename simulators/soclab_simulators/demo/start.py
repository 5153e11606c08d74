"""Starts the programs of a demo; imports little, so that they start at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from soclab_services.influxdb.install import install
from soclab_services.influxdb.server import Server

from soclab_simulators.demo.programs import program
from soclab_simulators.demo.settings import INSTRUMENTS, Settings, write_settings

if TYPE_CHECKING:
    from soclab_simulators.demo.programs import Programs
    from soclab_simulators.demo.scenario import Scenario
    from soclab_simulators.demo.screen import Screen
    from soclab_simulators.demo.state import State
    from soclab_simulators.demo.unit import Unit

_SIMULATORS_START_S: Final = 30.0


class Started(NamedTuple):
    """The server, its program, and the configuration of everything."""

    server: Server
    influxd: Unit
    settings: Settings


def start_programs(state: State, scenario: Scenario, programs: Programs, screen: Screen) -> Started:
    """Start InfluxDB, the simulators and the collectors, whose readings wait in the spool.

    Raises
    ------
    InfluxdbError
        If there is no InfluxDB and none can be installed.
    DemoError
        If the simulators do not start.
    """
    installed = install("auto", screen.say)
    screen.say(f"InfluxDB {installed.version} ({installed.method}): {installed.path}")
    server = Server(state.influxdb)
    settings = write_settings(state, scenario, server)
    kept = "fresh" if server.is_new else "kept"
    screen.say(f"starting InfluxDB at {server.url} with {kept} data")
    influxd = programs.start("influxd", server.command(installed.path))
    screen.say("starting simulated instruments, collectors and uploader")
    simulators = programs.start(
        "simulators", [program("soclab-simulators"), "--config", str(settings.simulators)]
    )
    programs.wait(simulators, lambda: "READY" in simulators.output(), _SIMULATORS_START_S, "READY")
    config = ["--config", str(settings.collectors)]
    for instrument in INSTRUMENTS:
        command = [program("soclab-collector"), "run", instrument.name, *config]
        programs.start(instrument.name, command)
    return Started(server, influxd, settings)
