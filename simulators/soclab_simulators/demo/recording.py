"""Plays a recording through the wires of the same devices as the virtual plant."""

from __future__ import annotations

import contextlib
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from soclab_simulators.demo.settings import INSTRUMENTS
from soclab_simulators.demo.state import DemoError
from soclab_simulators.demo.truth import RecordedTruth, Truth
from soclab_simulators.plant.charger import Stage
from soclab_simulators.replay.recording import NS_PER_S, RecordingError, read_recording
from soclab_simulators.replay.timeline import create_timeline

if TYPE_CHECKING:
    from pathlib import Path

    from soclab_simulators.demo.state import State
    from soclab_simulators.demo.tasks import Tasks
    from soclab_simulators.replay.recording import Recording

_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9_-]")
# For recordings that say nothing of their battery: the lab's, and a lead acid one's efficiency.
_USUAL_CAPACITY_AH: Final = 12.0
_EFFICIENCY: Final = {"la": 0.98, "lfp": 1.0}
_TAIL_C: Final = 0.015  # of capacity per hour, at which a charger's absorption ends
_SHORTEST_GAP_S: Final = 60.0
_RUN_INTERVAL_S: Final = 2.0
_SETTLED: Final = timedelta(minutes=2)  # later than anything that the task still waits for


class RecordingScenario:
    """A recording, through the wires of the same devices.

    Collectors stamp with recorded times, so the present is a moment of the recording: that of the
    newest reading.
    """

    clock = "replay"
    tasks_template = "soclab-recording.toml"
    replayed = True

    def __init__(self, state: State, file: Path, speed: float) -> None:
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
        self.counted = _counted(recording)
        self.truth: Truth = RecordedTruth(recording.reference)
        self._timelines = [
            create_timeline(state.timelines / f"{i.name}.timeline", recording.times_ns, speed)
            for i in INSTRUMENTS
        ]
        self._next_run = 0.0
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

    def run_tasks(self, tasks: Tasks, newest_s: float | None) -> None:
        """Run them as InfluxDB would have done while this was recorded."""
        if newest_s is not None and time.monotonic() >= self._next_run:
            with contextlib.suppress(DemoError):  # such as InfluxDB being away; the last run counts
                tasks.run_at(datetime.fromtimestamp(newest_s, UTC))
            self._next_run = time.monotonic() + _RUN_INTERVAL_S

    def finish_tasks(self, tasks: Tasks, newest_s: float | None) -> None:
        """Run them as if the recording lay a little in the past."""
        if newest_s is not None:
            tasks.run_at(datetime.fromtimestamp(newest_s, UTC) + _SETTLED)


def _counted(recording: Recording) -> str:
    """Return how to count a recording's charge, from what is known about its battery."""
    about = recording.about
    capacity_ah = float(about.get("nominal_Ah", _USUAL_CAPACITY_AH))
    longest_usual_step_s = 3 * float(np.median(np.diff(recording.times_ns))) / NS_PER_S
    lines = [
        f"capacity_ah = {capacity_ah}",
        f"coulombic_efficiency = {_EFFICIENCY.get(about.get('chem', ''), _EFFICIENCY['la'])}",
        f"initial_soc_pct = {100.0 * float(about.get('prior_soc', 0.5))}",
        f"max_gap_s = {max(_SHORTEST_GAP_S, longest_usual_step_s)}",
    ]
    if "vabs" in about:
        full = (
            f"voltage_v = {about['vabs'] - 0.1:.2f}, tail_current_a = {_TAIL_C * capacity_ah:.3f}"
        )
        lines.append(f"full = {{ {full}, hold_s = 1800 }}")
    elif (recording.stage == Stage.FLOAT).any():
        lines.append(f"full = {{ charger_state = {Stage.FLOAT:d}, hold_s = 1800 }}")
    return "\n".join(lines)
