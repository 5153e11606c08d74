"""The programs of the demo: the very ones that a Pi and a server run, in the order of starting."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soclab_simulators.demo.state import DemoError
from soclab_simulators.demo.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from soclab_simulators.demo.state import State

STOP_PATIENCE_S: Final = 5.0
_POLL_S: Final = 0.05


def program(name: str) -> str:
    """Return the path of a program of this environment."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise DemoError(f"{path} is missing. Run: make setup")
    return str(path)


class Programs:
    """Everything that the demo has started."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.units: list[Unit] = []

    def start(self, name: str, command: Sequence[str]) -> Unit:
        """Start a program under supervision."""
        log = self._state.logs / f"{name}.log"
        unit = Unit(name, command, log, self._state.lock_descriptor)
        self.units.append(unit)
        unit.start()
        return unit

    def supervise(self) -> None:
        """Restart what has crashed."""
        for unit in self.units:
            unit.supervise()

    def wait(self, unit: Unit, until: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Wait until something is true while a program runs.

        Raises
        ------
        DemoError
            If the program ends or time runs out; quotes its last line.
        """
        deadline = time.monotonic() + timeout_s
        while not until():
            if not unit.running:
                raise DemoError(
                    f"{unit.name} ended: {unit.last_words()}. More in "
                    f"{self._state.logs / unit.name}.log"
                )
            if time.monotonic() > deadline:
                raise DemoError(
                    f"{what} has not happened within {timeout_s:g} s. {unit.name} said last: "
                    f"{unit.last_words()}"
                )
            time.sleep(_POLL_S)

    def stop(self, names: Sequence[str] | None = None) -> None:
        """Stop some programs, or all that are left, the last started first."""
        for unit in reversed(self.units):
            if names is None or unit.name in names:
                unit.stop(STOP_PATIENCE_S)
