"""How long to wait before a server that fails is asked again."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 30.0  # within this a server that is back is noticed
_SHORTEST_WAIT_S: Final = 0.1  # full jitter could otherwise mean none at all


class Backoff:
    """Doubles the bound of a random wait with every failure.

    Full jitter, because many Pis miss one server at the same moment and must not return together.

    Parameters
    ----------
    uniform
        Draws from an interval; to be replaced in tests.
    """

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._bound_s = FIRST_WAIT_S

    def wait_s(self) -> float:
        """Return how long to wait this time."""
        bound_s = self._bound_s
        self._bound_s = min(2 * bound_s, LONGEST_WAIT_S)
        return max(_SHORTEST_WAIT_S, self._uniform(0.0, bound_s))

    def reset(self) -> None:
        """Start again from the shortest wait."""
        self._bound_s = FIRST_WAIT_S
