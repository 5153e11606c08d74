"""What a demo plays: the virtual plant in real time, or a recording at some speed."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from soclab_simulators.demo.settings import INSTRUMENTS
from soclab_simulators.demo.state import DemoError
from soclab_simulators.demo.truth import PlantTruth, RecordedTruth, Truth
from soclab_simulators.replay.recording import NS_PER_S, RecordingError, read_recording
from soclab_simulators.replay.timeline import create_timeline

if TYPE_CHECKING:
    from pathlib import Path

    from soclab_services.influxdb.server import Server

    from soclab_simulators.demo.state import State

_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9_-]")
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
        self.world = f"[plant]\ndirectory = {json.dumps(str(state.plant))}"
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


class RecordingScenario:
    """A recording, through the wires of the same devices.

    Collectors stamp with recorded times, so the present is a moment of the recording: that of the
    newest reading.
    """

    clock = "replay"
    replayed = True

    def __init__(self, state: State, file: Path, speed: float, server: str) -> None:
        try:
            recording = read_recording(file.resolve())
        except RecordingError as error:
            raise DemoError(str(error)) from error
        self.title = f"{recording.name}, {speed:g} times as fast"
        self.battery = _NOT_IN_NAMES.sub("-", recording.name.lower())[:32]
        self.world = (
            f"[recording]\nfile = {json.dumps(str(file.resolve()))}\n"
            f"timeline_directory = {json.dumps(str(state.timelines))}"
        )
        self.server = server
        self.truth: Truth = RecordedTruth(recording.reference)
        self._timelines = [
            create_timeline(state.timelines / f"{i.name}.timeline", recording.times_ns, speed)
            for i in INSTRUMENTS
        ]
        self._first, self._last = (
            datetime.fromtimestamp(int(recording.times_ns[row]) / NS_PER_S, UTC) for row in (0, -1)
        )

    def window(self) -> tuple[datetime, datetime]:
        """Return the time of the recording."""
        return self._first, self._last + timedelta(minutes=1)

    def now_s(self, newest_s: float | None) -> float | None:
        """Return the time of the newest reading."""
        return newest_s

    def over(self) -> bool:
        """Tell whether every instrument has taken the last row."""
        return all(timeline.finished for timeline in self._timelines)

    def install_tasks(self, server: Server, config: Path) -> None:
        """Install the Flux tasks."""

    def run_tasks(self) -> None:
        """Run them."""

    def finish_tasks(self) -> None:
        """Run them once more."""


def create_scenario(state: State, recording: Path | None, speed: float) -> Scenario:
    """Return what the command line asked for."""
    if recording is None:
        return PlantScenario(state, "")
    return RecordingScenario(state, recording, speed, "")
