"""What was measured, beside its goal."""

from __future__ import annotations

import os
from typing import NamedTuple


class Figure(NamedTuple):
    """One measured number."""

    name: str
    value: float
    unit: str
    goal: float | None

    def __str__(self) -> str:
        """Return a line for people."""
        goal = "" if self.goal is None else f"(goal: at most {self.goal:g} {self.unit})"
        return f"{self.name:<58} {self.value:8.1f} {self.unit}  {goal}"


FIGURES: list[Figure] = []
# On a machine that does much else meanwhile, figures are measured but not judged.
BUSY = "SOCLAB_BUSY" in os.environ


def note(name: str, value: float, unit: str = "s", goal: float | None = None) -> None:
    """Keep a figure and hold it against its goal."""
    figure = Figure(name, value, unit, goal)
    FIGURES.append(figure)
    print(figure)
    assert BUSY or goal is None or value <= goal, str(figure)
