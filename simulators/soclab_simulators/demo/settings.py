"""The configuration files of a demo, as a person would write them for a lab."""

from __future__ import annotations

import json
import socket
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Final, NamedTuple

from soclab_services.influxdb.access import TASK_TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from soclab_services.influxdb.server import Server

    from soclab_simulators.demo.scenario import Scenario
    from soclab_simulators.demo.state import State


class DemoInstrument(NamedTuple):
    """An instrument of the demo, with what the view calls its device."""

    name: str
    device: str


INSTRUMENTS: Final = (
    DemoInstrument("labjack", "LabJack T7"),
    DemoInstrument("load", "EL 3160-60A"),
    DemoInstrument("mppt", "MPPT-1210-HUS"),
)
_LOAD_PORT: Final = "usb-FTDI_FT232R_USB_UART_EL3160-if00-port0"
_MPPT_PORT: Final = "usb-STMicroelectronics_MPPT-1210-HUS-if00"
_LOOPBACK: Final = "127.0.0.1"


class Settings(NamedTuple):
    """Where the configuration files are."""

    collectors: Path
    simulators: Path
    server: Path


def write_settings(state: State, scenario: Scenario, server: Server) -> Settings:
    """Write the configuration of collectors, simulators and Flux tasks."""
    values = {
        "site": scenario.battery,
        "battery": scenario.battery,
        "world": scenario.world,
        "clock": scenario.clock,
        "counted": scenario.counted,
        "url": server.url,
        "labjack_port": _free_port(),
        "labjack_stream_port": _free_port(),
        "timelines": _quoted(state.timelines),
        "spool": _quoted(state.spool),
        "archive": _quoted(state.archive),
        "token_file": _quoted(server.secrets / "write_token"),
        "task_token_file": _quoted(server.secrets / TASK_TOKEN),
        "load_port": _quoted(state.serial / _LOAD_PORT),
        "mppt_port": _quoted(state.serial / _MPPT_PORT),
    }
    files = Settings(
        state.config / "collectors.toml",
        state.config / "simulators.toml",
        state.config / "soclab.toml",
    )
    for file, name in zip(
        files, ("collectors.toml", "simulators.toml", scenario.tasks_template), strict=True
    ):
        file.write_text(Template(_template(name)).substitute(values), encoding="utf-8")
    return files


def _template(name: str) -> str:
    folder = resources.files("soclab_simulators.demo") / "templates"
    return (folder / name).read_text(encoding="utf-8")


def _quoted(path: Path) -> str:
    """Return a path as a TOML string: JSON's escapes are TOML's."""
    return json.dumps(str(path))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])
