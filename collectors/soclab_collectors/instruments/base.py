"""What every instrument is to the unit that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol

import msgspec

from soclab_collectors.measurements import NAME_PATTERN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soclab_collectors.clock import Clock
    from soclab_collectors.reading import Reading

Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN)]


class InstrumentConfig(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"
):
    """Settings that every ``[[instruments]]`` entry has."""

    name: Name
    """Name of the instrument: a tag of its readings and its folder in the spool."""
    battery: Name
    """Battery that it measures; a tag of its readings."""

    def port(self) -> str:
        """Return what only one instrument may use: a device path or an address."""
        raise NotImplementedError

    def validate(self) -> None:
        """Refuse what no type can express; raise ValueError("key: reason. remedy")."""

    def create(self, clock: Clock) -> Instrument:
        """Return the instrument; no hardware is touched before ``open``."""
        raise NotImplementedError


class Instrument(Protocol):
    """Turns bytes of its device into readings.

    ``open``, ``read`` and ``probe`` raise UnavailableError if the device cannot be reached (the
    unit closes it and opens it again later) and BadReplyError if it answered nonsense (the unit
    counts it and goes on).
    """

    interval_s: float | None
    """Polling interval, or None where the device publishes and ``read`` waits for it."""

    def open(self) -> None:
        """Connect and identify the device."""

    def read(self) -> Sequence[Reading]:
        """Return the next readings, waiting at most a few seconds; empty if there is nothing."""

    def probe(self) -> dict[str, str | float]:
        """Return what the opened device says about itself and one value of each quantity."""

    def counters(self) -> dict[str, float]:
        """Return counters of its own that belong into measurement ``collector``."""

    def close(self) -> None:
        """Release the device; never raises."""
