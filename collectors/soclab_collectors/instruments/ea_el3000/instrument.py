"""The load as an instrument: what it measures at its terminals, and its state."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from soclab_collectors.errors import BadReplyError, UnavailableError
from soclab_collectors.instruments.ea_el3000.device_errors import NOT_DEFINED, DeviceError
from soclab_collectors.instruments.ea_el3000.identity import Identity, identify
from soclab_collectors.instruments.ea_el3000.objects import (
    ACTUAL,
    CHARGE,
    FULL_SCALE,
    SOFTWARE,
    STATUS,
)
from soclab_collectors.instruments.ea_el3000.session import Session
from soclab_collectors.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soclab_collectors.clock import Clock
    from soclab_collectors.instruments.ea_el3000.config import EaEl3000Config
    from soclab_collectors.instruments.ea_el3000.objects import Actual, Object
    from soclab_collectors.instruments.ea_el3000.session import Line

T = TypeVar("T")

_LOG = logging.getLogger(__name__)


class EaEl3000:
    """Reads a load; it never writes, so that the front panel stays usable.

    Parameters
    ----------
    config
        Its settings.
    clock
        Stamps readings and paces telegrams.
    line
        The serial line.
    """

    def __init__(self, config: EaEl3000Config, clock: Clock, line: Line) -> None:
        self.config = config
        self.interval_s: float | None = config.interval_s
        self._clock = clock
        self._line = line
        self._session: Session | None = None
        self._identity: Identity | None = None
        self._undefined: set[int] = set()
        self._failing: set[int] = set()
        self._last_charge_ah = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the device is open and identified."""
        return self._session is not None

    @property
    def session(self) -> Session:
        """The dialogue with the opened device."""
        if self._session is None:
            raise UnavailableError(f"{self.config.path} is not open")
        return self._session

    @property
    def identity(self) -> Identity:
        """Model, serial number and nominal values of the opened device."""
        if self._identity is None:
            raise UnavailableError(f"{self.config.path} is not open")
        return self._identity

    def open(self) -> None:
        """Connect and identify the device."""
        config = self.config
        self._line.open()
        session = Session(
            self._line,
            self._clock,
            node=config.device_node,
            gap_s=config.telegram_gap_s,
            timeout_s=config.reply_timeout_s,
        )
        self._undefined.clear()
        self._failing.clear()
        identity = identify(session, config.expected_serial)
        if identity != self._identity:
            _LOG.info("%s: %s, serial number %s, %g V, %g A, %g W", config.name, *identity)
        self._session, self._identity = session, identity

    def read(self) -> Sequence[Reading]:
        """Return the values of this moment; state and counter are left out if they fail."""
        fields = self._scale(self.session.ask(ACTUAL))
        stamp = self._clock.stamp()
        status = self._ask_or_leave_out(STATUS)
        if status is not None:
            fields |= {
                "enabled": float(status.enabled),
                "remote": float(status.remote),
                "mode": float(status.mode),
            }
        charge_ah = self._ask_or_leave_out(CHARGE)
        if charge_ah is not None:
            if charge_ah < self._last_charge_ah:
                _LOG.info("%s: the ampere-hour counter was reset", self.config.name)
            self._last_charge_ah = charge_ah
            fields["charge_ah"] = charge_ah
        return [Reading("load", fields, stamp)]

    def probe(self) -> dict[str, str | float]:
        """Return who the load is and its values."""
        software = self._ask_or_leave_out(SOFTWARE)
        about = {} if software is None else {"software": software}
        return self.identity._asdict() | about | dict(self.read()[0].fields)

    def counters(self) -> dict[str, float]:
        """Return none: the unit counts everything there is."""
        return {}

    def close(self) -> None:
        """Release the port."""
        self._session = None
        self._line.close()

    def _scale(self, actual: Actual) -> dict[str, float]:
        """Value = raw / 25600 of nominal; a load's current is never below zero [C, M]."""
        identity = self.identity
        return {
            "voltage_v": actual.voltage * identity.nominal_voltage_v / FULL_SCALE,
            "current_a": actual.current * identity.nominal_current_a / FULL_SCALE,
            "power_w": actual.power * identity.nominal_power_w / FULL_SCALE,
        }

    def _ask_or_leave_out(self, wanted: Object[T]) -> T | None:
        """Return an object that a reading can do without, or None.

        One attempt: waiting for more would make the next reading late, which asks again anyway.
        """
        if wanted.number in self._undefined:
            return None
        try:
            value = self.session.ask(wanted, attempts=1)
        except (BadReplyError, UnavailableError) as error:
            if isinstance(error, DeviceError) and error.code == NOT_DEFINED:
                self._undefined.add(wanted.number)
                _LOG.info("%s: has no %s; not asked for again", self.config.name, wanted.name)
            elif wanted.number not in self._failing:
                self._failing.add(wanted.number)
                _LOG.warning("%s: readings lack the %s: %s", self.config.name, wanted.name, error)
            return None
        if wanted.number in self._failing:
            self._failing.discard(wanted.number)
            _LOG.info("%s: readings have the %s again", self.config.name, wanted.name)
        return value
