"""What a demo plays: the virtual plant in real time, or a recording at some speed."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from soclab_simulators.demo.truth import PlantTruth, Truth

if TYPE_CHECKING:
    from pathlib import Path

    from soclab_services.influxdb.server import Server

    from soclab_simulators.demo.state import State

_LOOKBACK: Final = timedelta(minutes=15)


class Scenario(Protocol):
    """Everything that differs between the plant and a recording."""

    title: str
    battery: str
    clock: str
    """``clock.source`` of the collectors."""
    world: str
    """What the simulators measure, as a section of their configuration."""
    server: str
    """The configuration of the Flux tasks, as a template."""
    truth: Truth
    replayed: bool

    def window(self) -> tuple[datetime, datetime]:
        """Return the time within which readings of this demo lie."""

    def now_s(self, newest_s: float | None) -> float | None:
        """Return the present on the clock of the readings."""

    def over(self) -> bool:
        """Tell whether everything has been played."""

    def install_tasks(self, server: Server, config: Path) -> None:
        """Install the Flux tasks."""

    def run_tasks(self) -> None:
        """Run the Flux tasks if nobody else does."""

    def finish_tasks(self) -> None:
        """Run the Flux tasks once more, after the last reading."""


class PlantScenario:
    """The virtual plant."""

    title = "virtual plant"
    battery = "demo"
    clock = "trusted"
    replayed = False

    def __init__(self, state: State, server: str) -> None:
        log = state.plant / "truth.csv"
        log.unlink(missing_ok=True)  # what an earlier demo saw is of no use to this one
        self.truth: Truth = PlantTruth(log)
        self.server = server
        self.world = f'[plant]\ndirectory = "{state.plant}"'
        self._started = datetime.now(UTC)

    def window(self) -> tuple[datetime, datetime]:
        """Return the minutes before now that belong to this demo."""
        now = datetime.now(UTC)
        return max(self._started, now - _LOOKBACK), now + timedelta(minutes=1)

    def now_s(self, newest_s: float | None) -> float | None:  # noqa: ARG002  real time needs none
        """Return the present."""
        return time.time()

    def over(self) -> bool:
        """Return False: the plant goes on for ever."""
        return False

    def install_tasks(self, server: Server, config: Path) -> None:
        """Install the Flux tasks, which InfluxDB runs by itself."""

    def run_tasks(self) -> None:
        """Leave it to InfluxDB."""

    def finish_tasks(self) -> None:
        """Run them once more."""


def create_scenario(state: State, recording: Path | None, speed: float) -> Scenario:
    """Return what the command line asked for."""
    return PlantScenario(state, "")
