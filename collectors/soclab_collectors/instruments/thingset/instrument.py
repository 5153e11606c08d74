"""A charge controller that publishes: every intact line becomes readings, nothing else does."""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

from soclab_collectors.errors import BadReplyError, UnavailableError
from soclab_collectors.instruments.thingset.dialogue import Dialogue
from soclab_collectors.instruments.thingset.lines import LineBuffer
from soclab_collectors.instruments.thingset.mapping import Mapper
from soclab_collectors.instruments.thingset.messages import Publication, Response, parse_line
from soclab_collectors.instruments.thingset.on_demand import OnDemand
from soclab_collectors.instruments.thingset.probe import describe
from soclab_collectors.instruments.thingset.shape import ShapeGuard
from soclab_collectors.instruments.thingset.subscription import Subscription
from soclab_collectors.reading import Reading, Stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from soclab_collectors.clock import Clock
    from soclab_collectors.instruments.thingset.config import ThingSetConfig

_LOG = logging.getLogger(__name__)

READ_BYTES: Final = 16_384
WAIT_S: Final = 0.5  # bounds how late overdue answers are noticed and how long stopping takes
MOST_ERRORS: Final = 100  # reported one by one; a flood need not be remembered whole
# Publishing is asked for after silence_s; a device that has not begun by then is not there.
SILENCES_UNTIL_UNAVAILABLE: Final = 3


class Line(Protocol):
    """What is needed of a serial line."""

    def open(self) -> None: ...  # noqa: D102
    def write(self, data: bytes) -> None: ...  # noqa: D102
    def read(self, most: int, timeout_s: float) -> bytes: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class ThingSetInstrument:
    """Reads a charge controller.

    Parameters
    ----------
    config
        Its settings.
    clock
        Stamps every accepted publication, once, when its line end has arrived.
    line
        The serial line it is on.
    monotonic
        Measures silence: that of the wire, which passes in real time also in a replay.
    """

    interval_s: float | None = None

    def __init__(
        self,
        config: ThingSetConfig,
        clock: Clock,
        line: Line,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = config.name
        self._silence_s = config.silence_s
        self._clock = clock
        self._stamp: Callable[[], Stamp] = clock.stamp
        self._line = line
        self._monotonic = monotonic
        self._mapper = Mapper(
            keep_extra=config.extra == "keep",
            voltage_max_v=config.voltage_max_v,
            current_max_a=config.current_max_a,
        )
        self._dialogue = Dialogue(line.write, monotonic)
        self._subscription = Subscription(
            config.name, self._dialogue, config.publication_period_s, monotonic
        )
        self._on_demand = OnDemand(
            config.name,
            config.request,
            config.request_interval_s,
            self._dialogue,
            self._take_answer,
            monotonic,
        )
        self._shape = ShapeGuard()
        self._buffer = LineBuffer()
        self._first_line = True
        self._errors: deque[str] = deque(maxlen=MOST_ERRORS)
        self._readings: list[Reading] = []
        self._last_heard = 0.0
        self._continuous = False
        self._uptime_s = 0.0
        self._odd_uptime_s = math.inf
        self._planned = False

    def open(self) -> None:
        """Open the line; the device introduces itself with its first publication."""
        self._line.open()
        self._dialogue.reset()
        self._buffer = LineBuffer()
        self._first_line = True
        self._errors.clear()
        self._last_heard = self._monotonic()
        self._lose_sight()

    def read(self) -> list[Reading]:
        """Return the readings of all publications that arrive within half a second.

        A damaged line raises BadReplyError, each by itself and after the readings around it.
        """
        self._tend()
        self._receive()
        readings, self._readings = self._readings, []
        if not readings and self._errors:
            raise BadReplyError(self._errors.popleft())
        return readings

    def probe(self) -> dict[str, str | float]:
        """Wait for a publication and describe the device; takes no row of a replay."""
        self._stamp = self._clock.now
        try:
            return describe(
                self.read, self._subscription, self._dialogue, self._silence_s, self._monotonic
            )
        finally:
            self._stamp = self._clock.stamp

    def counters(self) -> dict[str, float]:
        """Return how many values came under unknown names."""
        return {"unknown_total": self._mapper.unknown_total}

    def close(self) -> None:
        """Release the line."""
        self._line.close()

    def _tend(self) -> None:
        """Send what is due to be sent."""
        silent_s = self._monotonic() - self._last_heard
        if silent_s >= SILENCES_UNTIL_UNAVAILABLE * self._silence_s:
            raise UnavailableError(f"no publication for {silent_s:.0f} s")
        if silent_s >= self._silence_s:
            self._lose_sight()
            self._subscription.enable()
        self._on_demand.tend()
        self._dialogue.tend()

    def _receive(self) -> None:
        overflows = self._buffer.overflows
        wait_s = 0.0 if self._errors else WAIT_S
        for line in self._buffer.feed(self._line.read(READ_BYTES, wait_s)):
            try:
                self._take(line)
            except BadReplyError as error:
                if not self._first_line:  # opened amid a line: its rest says nothing
                    self._errors.append(str(error))
            self._first_line = False
        for _ in range(self._buffer.overflows - overflows):
            self._errors.append("a line without end")

    def _take(self, line: bytes) -> None:
        message = parse_line(line)
        if isinstance(message, Publication):
            self._take_publication(message)
        elif isinstance(message, Response):
            self._dialogue.answered(message)

    def _take_publication(self, message: Publication) -> None:
        """Accept a publication, or raise BadReplyError before anything has changed."""
        generation = self._subscription.generation
        changed = generation is not None and generation.letter != message.generation
        fields = self._mapper.fields(message.values)
        if not fields:
            return
        uptime_s = fields.get("charger", {}).get("uptime_s", self._uptime_s)
        restarted = not changed and self._restarted(uptime_s)
        if restarted or changed:
            self._shape.forget()
        self._shape.check(message.text + b"#" * message.has_crc)
        stamp = self._stamp()
        self._readings += [Reading(name, values, stamp) for name, values in fields.items()]
        self._last_heard = self._monotonic()
        self._continuous = True
        self._uptime_s = uptime_s
        self._odd_uptime_s = math.inf
        self._dialogue.with_crc = message.has_crc
        if self._subscription.publication_from(message.generation) or not self._planned:
            self._planned = True
            assert self._subscription.generation is not None  # noqa: S101  just set
            self._on_demand.plan(self._subscription.generation, message.values)
        if restarted:
            _LOG.warning("%s: the device restarted %.0f s ago", self._name, uptime_s)
            self._subscription.enable()

    def _restarted(self, uptime_s: float) -> bool:
        """Tell whether the device restarted since the last publication.

        Raises
        ------
        BadReplyError
            If the uptime fell to what a restart cannot explain: digits are not all there, in this
            line or in the one before. The next line tells; it is accepted if it agrees with this.
        """
        if uptime_s >= self._uptime_s:
            return False
        if not self._continuous or uptime_s <= self._silence_s + 1:
            return True  # lines came until now, so a restart was moments ago
        if uptime_s >= self._odd_uptime_s:
            return False
        self._odd_uptime_s = uptime_s
        raise BadReplyError(f"uptime fell from {self._uptime_s:.0f} to {uptime_s:.0f} s")

    def _take_answer(self, values: dict[str, Any]) -> None:
        """Turn the answer to a request into readings; no row of a replay is taken for it."""
        nested: dict[str, Any] = {}
        for name, value in values.items():
            group, _, item = name.rpartition("/")
            (nested.setdefault(group, {}) if group else nested)[item] = value
        fields = self._mapper.fields(nested, asked_for=True)
        stamp = self._clock.now()
        self._readings += [Reading(name, found, stamp) for name, found in fields.items()]

    def _lose_sight(self) -> None:
        """After a time without lines anything may have happened to the device."""
        self._continuous = False
        self._planned = False
        self._shape.forget()
