"""Keeps the device publishing: recognises its generation and switches reporting on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from soclab_collectors.instruments.thingset.generations import (
    GENERATIONS,
    LIST_ROOT,
    LIST_ROOT_V06,
    READ_REPORTING,
    Generation,
    recognise,
    reporting_requests,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from soclab_collectors.instruments.thingset.dialogue import Dialogue
    from soclab_collectors.instruments.thingset.messages import Response

_LOG = logging.getLogger(__name__)

ENABLE_INTERVAL_S: Final = 60.0  # a device that does not obey is not to be flooded
CHANGED: Final = (0x84, 0x85)  # v0.6 may answer a write with the values applied


class Subscription:
    """Asks for publications when there are none.

    Parameters
    ----------
    name
        The instrument, for the log.
    dialogue
        Where requests go.
    period_s
        Wished publication period, or None for what the device is set to.
    """

    def __init__(
        self,
        name: str,
        dialogue: Dialogue,
        period_s: float | None,
        monotonic: Callable[[], float],
    ) -> None:
        self.generation: Generation | None = None
        self._name = name
        self._dialogue = dialogue
        self._period_s = period_s
        self._monotonic = monotonic
        self._next_attempt = monotonic()

    def publication_from(self, letter: str) -> bool:
        """Note which generation just published; return whether that is news."""
        if self.generation is not None and self.generation.letter == letter:
            return False
        before, self.generation = self.generation, GENERATIONS[letter]
        _LOG.info(
            "%s: the device speaks ThingSet %s (generation %s%s)",
            self._name,
            self.generation.version,
            letter,
            f", before {before.letter}" if before else "",
        )
        if self._period_s is not None:
            if letter == "D":
                self._dialogue.ask(READ_REPORTING, self._on_reporting)
            else:
                _LOG.warning(
                    "%s: publication_period_s has no effect: ThingSet %s has no such setting",
                    self._name,
                    self.generation.version,
                )
        return True

    def enable(self) -> None:
        """Switch publishing on, at most once a minute."""
        if self._monotonic() < self._next_attempt or not self._dialogue.idle:
            return
        self._next_attempt = self._monotonic() + ENABLE_INTERVAL_S
        if self.generation is None:
            self._dialogue.ask(LIST_ROOT, self._on_root)
        elif self.generation.letter == "D":
            self._dialogue.ask(READ_REPORTING, self._on_reporting)
        else:
            self._dialogue.ask(self.generation.enable, self._on_enabled)

    def _on_root(self, response: Response | None) -> None:
        found = recognise(response)
        if found is not None:
            self._enable_as(found)
        else:
            self._dialogue.ask(LIST_ROOT_V06, self._on_root_v06)

    def _on_root_v06(self, response: Response | None) -> None:
        found = recognise(response)
        if found is not None:
            self._enable_as(found)
        else:
            _LOG.warning("%s: silent, and no answer says which device this is", self._name)

    def _enable_as(self, generation: Generation) -> None:
        if generation.letter == "D":
            self._dialogue.ask(READ_REPORTING, self._on_reporting)
        else:
            self._dialogue.ask(generation.enable, self._on_enabled)

    def _on_reporting(self, response: Response | None) -> None:
        reporting = response.payload if response is not None else None
        for request in reporting_requests(reporting, self._period_s):
            self._dialogue.ask(request, self._on_enabled)

    def _on_enabled(self, response: Response | None) -> None:
        if response is not None and response.status in CHANGED:
            return
        said = "nothing" if response is None else f"{response.status:02X}"
        _LOG.warning("%s: asked to publish, the device answered %s", self._name, said)
        self.generation = None  # perhaps it is not what it was; ask it next time
