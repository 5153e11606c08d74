"""From the options of ``soclab demo`` to its exit code."""

from __future__ import annotations

import json
import re
import signal
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from soclab_services.influxdb.errors import InfluxdbError

from soclab_simulators.demo.programs import Programs
from soclab_simulators.demo.scenario import create_scenario
from soclab_simulators.demo.screen import LineScreen, LiveScreen
from soclab_simulators.demo.start import start_programs
from soclab_simulators.demo.state import DemoError, State, default_root
from soclab_simulators.demo.summary import as_text, is_clean

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soclab_simulators.demo.scenario import Scenario
    from soclab_simulators.demo.screen import Screen

_UNITS_S: Final = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|)")


class Options(NamedTuple):
    """What was asked for on the command line."""

    limit_s: float | None
    as_json: bool
    recording: Path | None
    speed: float
    root: Path | None
    fresh: bool
    export: Path | None
    started_s: float


def run_demo(options: Options) -> int:
    """Run the demo; 0 only if nothing was lost and nothing duplicated."""
    terminal = sys.stderr.isatty() and not options.as_json
    screen: Screen = LiveScreen(options.export) if terminal else LineScreen()
    stop = _Stop()
    try:
        state = State(options.root or default_root(options.recording))
        state.acquire(screen.say)
        # A recording is played from its beginning: what is stored of it would only be in the way.
        state.prepare(fresh=options.fresh or options.recording is not None)
        scenario = create_scenario(state, options.recording, options.speed)
        result = _run(state, scenario, screen, stop.requested, options)
    except (DemoError, InfluxdbError) as error:
        print(f"soclab demo: {str(error).rstrip('.')}.", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("soclab demo: stopped at once; nothing was checked.", file=sys.stderr)  # noqa: T201
        return 130
    print(json.dumps(result) if options.as_json else as_text(result))  # noqa: T201
    return 0 if is_clean(result) else 1


def _run(
    state: State,
    scenario: Scenario,
    screen: Screen,
    stopped: Callable[[], bool],
    options: Options,
) -> dict[str, Any]:
    """Start everything and run it; whatever happens, nothing keeps running."""
    programs = Programs(state)
    try:
        started = start_programs(state, scenario, programs, screen)
        # It takes a second to load InfluxDB's client; the programs use it to start.
        from soclab_simulators.demo.run import Demo  # noqa: PLC0415

        demo = Demo(state, scenario, programs, started, screen, stopped, options.started_s)
        return demo.run(options.limit_s)
    finally:
        programs.stop()


def parse_duration(text: str) -> float:
    """Return seconds from ``90``, ``90s``, ``5m`` or ``1h``."""
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no duration. Write 90s, 5m or 1h")
    return float(match[1]) * _UNITS_S[match[2]]


class _Stop:
    """Ctrl-C, a closed terminal or SIGTERM end the demo in good order; a second one at once.

    So does the first one while the demo is still starting: there is nothing to be checked yet.
    """

    def __init__(self) -> None:
        self._requested = False
        self._watched = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def requested(self) -> bool:
        """Tell whether it was asked to stop."""
        self._watched = True
        return self._requested

    def _on_signal(self, _number: int, _frame: object) -> None:
        if self._requested or not self._watched:
            raise KeyboardInterrupt
        self._requested = True
