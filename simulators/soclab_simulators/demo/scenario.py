"""What a demo plays: the virtual plant in real time, or a recording at some speed."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from soclab_simulators.demo.truth import PlantTruth, Truth

if TYPE_CHECKING:
    from pathlib import Path

    from soclab_simulators.demo.state import State
    from soclab_simulators.demo.tasks import Tasks


class Scenario(Protocol):
    """Everything that differs between the plant and a recording."""

    title: str
    battery: str
    clock: str
    """``clock.source`` of the collectors."""
    world: str
    """What the simulators measure, as a section of their configuration."""
    tasks_template: str
    """The configuration of the Flux tasks: a file among the templates."""
    counted: str
    """How the battery's charge is counted, as lines of that file."""
    truth: Truth
    replayed: bool

    def window(self) -> tuple[datetime, datetime]:
        """Return the time within which readings of this demo lie."""

    def now_s(self, newest_s: float | None) -> float | None:
        """Return the present on the clock of the readings."""

    def over(self) -> bool:
        """Tell whether everything has been played."""

    def run_tasks(self, tasks: Tasks, newest_s: float | None) -> None:
        """Run the Flux tasks, if nobody else does, up to the newest reading."""

    def finish_tasks(self, tasks: Tasks, newest_s: float | None) -> None:
        """Run the Flux tasks once more, after the last reading."""


class PlantScenario:
    """The virtual plant."""

    title = "virtual plant"
    battery = "demo"
    clock = "trusted"
    tasks_template = "soclab-plant.toml"
    counted = ""
    replayed = False

    def __init__(self, state: State) -> None:
        log = state.plant / "truth.csv"
        log.unlink(missing_ok=True)  # what an earlier demo saw is of no use to this one
        self.truth: Truth = PlantTruth(log)
        self.world = f"[plant]\ndirectory = {json.dumps(str(state.plant))}"
        self._started = datetime.now(UTC)

    def window(self) -> tuple[datetime, datetime]:
        """Return the time since this demo has started."""
        return self._started, datetime.now(UTC) + timedelta(minutes=1)

    def now_s(self, newest_s: float | None) -> float | None:  # noqa: ARG002  real time needs none
        """Return the present."""
        return time.time()

    def over(self) -> bool:
        """Return False: the plant goes on for ever."""
        return False

    def run_tasks(self, tasks: Tasks, newest_s: float | None) -> None:
        """Leave it to InfluxDB."""

    def finish_tasks(self, tasks: Tasks, newest_s: float | None) -> None:  # noqa: ARG002
        """Let InfluxDB run them once more, instead of waiting for their schedule."""
        tasks.run()


def create_scenario(state: State, recording: Path | None, speed: float) -> Scenario:
    """Return what the command line asked for."""
    if recording is None:
        return PlantScenario(state)
    from soclab_simulators.demo.recording import (  # noqa: PLC0415  it loads pyarrow
        RecordingScenario,
    )

    return RecordingScenario(state, recording, speed)
