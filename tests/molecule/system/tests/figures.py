"""What was measured, beside its goal: printed, not judged. How long is the machine's affair."""

from __future__ import annotations

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
        if self.goal is not None and self.value > self.goal:
            goal += " MISSED"
        return f"{self.name:<58} {self.value:8.1f} {self.unit}  {goal}"


FIGURES: list[Figure] = []


def note(name: str, value: float, unit: str = "s", goal: float | None = None) -> None:
    """Keep a figure and print it."""
    figure = Figure(name, value, unit, goal)
    FIGURES.append(figure)
    print(figure)
