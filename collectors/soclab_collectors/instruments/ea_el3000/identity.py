"""Who is on the line: asked once at the start, because scaling comes from the device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from soclab_collectors.errors import BadReplyError
from soclab_collectors.instruments.ea_el3000.objects import (
    DEVICE_TYPE,
    NOMINAL_CURRENT,
    NOMINAL_POWER,
    NOMINAL_VOLTAGE,
    SERIAL,
)

if TYPE_CHECKING:
    from soclab_collectors.instruments.ea_el3000.session import Session

# The actual values of other families have another layout in as many bytes [M, D].
_FAMILY: Final = "EL "
# Models whose nominal values are known: a device that says otherwise is not believed. [M]
_KNOWN_NOMINALS: Final = {"EL 3160-60A": (160.0, 60.0, 400.0)}
_TOLERANCE: Final = 0.01


class Identity(NamedTuple):
    """A load and what 100 % means to it."""

    model: str
    serial: str
    nominal_voltage_v: float
    nominal_current_a: float
    nominal_power_w: float


def identify(session: Session, expected_serial: str) -> Identity:
    """Ask the device who it is.

    Raises
    ------
    UnavailableError
        If nobody answers.
    BadReplyError
        If it is no EL 3000, not the expected one, or not what its model should be.
    """
    model = session.ask(DEVICE_TYPE)
    if not model.startswith(_FAMILY):
        raise BadReplyError(
            f"the device calls itself {model!r}, which is no EL 3000: its values would be misread."
            " Check which device is on this port"
        )
    identity = Identity(
        model,
        session.ask(SERIAL),
        session.ask(NOMINAL_VOLTAGE),
        session.ask(NOMINAL_CURRENT),
        session.ask(NOMINAL_POWER),
    )
    if expected_serial and identity.serial != expected_serial:
        raise BadReplyError(
            f"the load has serial number {identity.serial}, expected is {expected_serial}."
            " Swap the cables, or correct expected_serial"
        )
    known = _KNOWN_NOMINALS.get(model, identity[2:])
    if any(abs(n - k) > _TOLERANCE * k for n, k in zip(identity[2:], known, strict=True)):
        raise BadReplyError(f"an {model} has nominal values {known}, this one says {identity[2:]}")
    return identity
