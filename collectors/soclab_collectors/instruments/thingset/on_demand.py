"""Values that the device does not publish, asked for now and then."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from soclab_collectors.instruments.thingset.generations import read_request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from soclab_collectors.instruments.thingset.dialogue import Dialogue
    from soclab_collectors.instruments.thingset.generations import Generation
    from soclab_collectors.instruments.thingset.messages import Response

_LOG = logging.getLogger(__name__)

CONTENT: Final = 0x85
NOT_FOUND: Final = 0xA4


class _Wanted(NamedTuple):
    """One configured name and where in the device to look for it, the likeliest place first."""

    name: str
    places: list[tuple[str, str]]


class OnDemand:
    """Asks for the configured names that publications miss.

    Parameters
    ----------
    instrument
        Its name, for the log.
    names
        Flat names of generation A, or paths of generations C and D.
    interval_s
        How often they are asked for.
    dialogue
        Where requests go.
    deliver
        Takes the values of one answer by their configured names.
    """

    def __init__(
        self,
        instrument: str,
        names: Sequence[str],
        interval_s: float,
        dialogue: Dialogue,
        deliver: Callable[[dict[str, Any]], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._instrument = instrument
        self._names = names
        self._interval_s = interval_s
        self._dialogue = dialogue
        self._deliver = deliver
        self._monotonic = monotonic
        self._groups: list[list[_Wanted]] = []
        self._next = 0.0

    def plan(self, generation: Generation, published: dict[str, Any]) -> None:
        """Decide what to ask this device for, given the values that it publishes."""
        together: dict[str, list[_Wanted]] = {}
        for name in self._names:
            places = generation.places(name)
            if any(_published(published, name, place) for place in places):
                continue
            if places:
                together.setdefault(places[0][0], []).append(_Wanted(name, places))
            else:
                self._missing(name)
        self._groups = list(together.values())
        self._next = self._monotonic()

    def tend(self) -> None:
        """Ask when it is time and nothing else is being asked."""
        if not self._groups or self._monotonic() < self._next or not self._dialogue.idle:
            return
        self._next = self._monotonic() + self._interval_s
        for group in self._groups:
            self._ask(group)

    def _ask(self, group: list[_Wanted]) -> None:
        request = read_request(group[0].places[0][0], [w.places[0][1] for w in group])
        self._dialogue.ask(request, partial(self._on, group))

    def _on(self, group: list[_Wanted], response: Response | None) -> None:
        if response is None:
            return
        if response.status == NOT_FOUND:
            self._look_elsewhere(group)
            return
        values = response.payload
        if response.status == CONTENT and isinstance(values, list) and len(values) == len(group):
            self._deliver({w.name: value for w, value in zip(group, values, strict=True)})

    def _look_elsewhere(self, group: list[_Wanted]) -> None:
        """One of several is not there, or one is not in this place; find out at once."""
        if group not in self._groups:
            return  # the plan has changed meanwhile
        self._groups.remove(group)
        apart: list[list[_Wanted]] = []
        if len(group) > 1:
            apart = [[wanted] for wanted in group]
        elif len(group[0].places) > 1:
            apart = [[_Wanted(group[0].name, group[0].places[1:])]]
        else:
            self._missing(group[0].name)
        self._groups += apart
        for one in apart:
            self._ask(one)

    def _missing(self, name: str) -> None:
        _LOG.warning("%s: the device has no value named %s", self._instrument, name)


def _published(values: dict[str, Any], name: str, place: tuple[str, str]) -> bool:
    group = values.get(place[0])
    return name in values or (isinstance(group, dict) and place[1] in group)
