"""What a charge controller says about itself, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from soclab_collectors.errors import BadReplyError, UnavailableError
from soclab_collectors.instruments.thingset.flags import charger_state_name, error_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from soclab_collectors.instruments.thingset.dialogue import Dialogue
    from soclab_collectors.instruments.thingset.messages import Response
    from soclab_collectors.instruments.thingset.subscription import Subscription
    from soclab_collectors.reading import Reading

PATIENCE_S: Final = 3.0  # for each of: a publication once the device was asked, answers


def describe(
    read: Callable[[], list[Reading]],
    subscription: Subscription,
    dialogue: Dialogue,
    silence_s: float,
    monotonic: Callable[[], float],
) -> dict[str, str | float]:
    """Return the device's generation, what it says it is, and one value of each quantity.

    Raises
    ------
    UnavailableError
        If it does not publish, also after having been asked to.
    """
    values = _values(read, monotonic() + 2 * silence_s + PATIENCE_S, monotonic)
    generation = subscription.generation
    assert generation is not None  # noqa: S101  values come with it
    found: dict[str, str | float] = {
        "protocol": f"ThingSet {generation.version} (generation {generation.letter})"
    }

    def note(response: Response | None) -> None:
        if response is not None and isinstance(response.payload, dict):
            found.update(
                (key, value) for key, value in response.payload.items() if isinstance(value, str)
            )

    dialogue.ask(b"?" + generation.about.encode(), note)
    deadline = monotonic() + PATIENCE_S
    while not dialogue.idle and monotonic() < deadline:
        values |= _read_once(read)
    found |= values
    if "charger.error_flags" in values:
        found["errors"] = error_names(int(values["charger.error_flags"]))
    if "charger.state" in values:
        found["charging"] = charger_state_name(int(values["charger.state"]))
    return found


def _values(
    read: Callable[[], list[Reading]], deadline: float, monotonic: Callable[[], float]
) -> dict[str, float]:
    """Return the values of the first publication."""
    values: dict[str, float] = {}
    while not values:
        if monotonic() >= deadline:
            raise UnavailableError(
                "no ThingSet publication; check cable, baud rate, and that the firmware was"
                " built with serial ThingSet"
            )
        values = _read_once(read)
    return values


def _read_once(read: Callable[[], list[Reading]]) -> dict[str, float]:
    try:
        readings = read()
    except BadReplyError:
        return {}  # a damaged line amid good ones is no finding; without good ones there is one
    return {
        f"{reading.measurement}.{name}": value
        for reading in readings
        for name, value in reading.fields.items()
        if isinstance(value, float)
    }
