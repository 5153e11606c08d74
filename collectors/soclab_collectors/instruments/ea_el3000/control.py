"""Sets a load from software, within limits, and leaves it switched off whatever happens.

A load stays as it was told when the program that told it dies: no watchdog is known [G]. An
external cut-off (a battery management system, a fuse) is therefore mandatory.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Final

from soclab_collectors.errors import BadReplyError, ConfigError, UnavailableError
from soclab_collectors.instruments.ea_el3000.objects import (
    CONTROL,
    FULL_SCALE,
    SET_CURRENT,
    SET_POWER,
    SET_RESISTANCE,
    STATUS,
    Object,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from soclab_collectors.instruments.ea_el3000.instrument import EaEl3000
    from soclab_collectors.reading import Reading

_LOG = logging.getLogger(__name__)

# Data of the control object: which bit, and its new value [D].
_REMOTE: Final = 0x10
_INPUT: Final = 0x01
_ATTEMPTS: Final = 3
_STEP_TOLERANCE: Final = 1e-9  # of a step: binary fractions must not cost a whole one


class LoadControl:
    """Remote control of one load, as a context.

    Entering takes remote control, switches the input off and sets 0 A and the permitted power;
    leaving, also by an exception, switches the input off and gives the panel back. Every setting
    is read back before it is believed.

    Parameters
    ----------
    instrument
        The load; opened here unless it is open already. Its unit must not be running, since
        the port has one owner at a time.

    Raises
    ------
    ConfigError
        If the configuration does not permit control.
    UnavailableError, BadReplyError
        From every function: if the load does not answer, or did not do as told.
    ValueError
        From every function that sets: beyond what the configuration or the load allows.

    Examples
    --------
    >>> with LoadControl(config.create(clock)) as load:   # doctest: +SKIP
    ...     load.set_current(5.0)
    ...     load.switch_input(on=True)
    ...     load.read()
    """

    def __init__(self, instrument: EaEl3000) -> None:
        config = instrument.config
        if not config.control or config.max_current_a is None or config.max_power_w is None:
            raise ConfigError(
                f"instruments.{config.name}.control",
                "software is not permitted to control this load",
                "Set control = true, with max_current_a and max_power_w.",
            )
        self._instrument = instrument
        self._config = config
        self._max_current_a = config.max_current_a
        self._max_power_w = config.max_power_w
        self._opened_here = False

    def __enter__(self) -> Self:
        """Take remote control with the input off and the limits set."""
        instrument = self._instrument
        try:
            if not instrument.is_open:
                self._opened_here = True
                instrument.open()
            self._switch(_REMOTE, on=True)
            self.switch_input(on=False)
            self.set_current(0.0)
            self.set_power(min(self._max_power_w, instrument.identity.nominal_power_w))
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Switch the input off and give the panel back; raises if that cannot be confirmed."""
        problem = self._release()
        if problem is not None and error is None:
            raise problem

    def switch_input(self, *, on: bool) -> None:
        """Switch the load's input."""
        self._switch(_INPUT, on=on)

    def set_current(self, current_a: float) -> None:
        """Set the current that the load draws at most."""
        nominal_a = self._instrument.identity.nominal_current_a
        _check("current", "A", current_a, 0.0, min(self._max_current_a, nominal_a))
        self._set(SET_CURRENT, math.floor(current_a / nominal_a * FULL_SCALE + _STEP_TOLERANCE))

    def set_power(self, power_w: float) -> None:
        """Set the power that the load draws at most."""
        nominal_w = self._instrument.identity.nominal_power_w
        _check("power", "W", power_w, 0.0, min(self._max_power_w, nominal_w))
        self._set(SET_POWER, math.floor(power_w / nominal_w * FULL_SCALE + _STEP_TOLERANCE))

    def set_resistance(self, resistance_ohm: float) -> None:
        """Set the resistance of resistance mode, which is chosen at the panel."""
        nominal_ohm = self._config.nominal_resistance_ohm
        if nominal_ohm is None:
            raise ConfigError(
                f"instruments.{self._config.name}.nominal_resistance_ohm",
                "the load cannot be asked for the scale of resistances",
                "Set the upper end of its resistance range, as its data sheet says.",
            )
        voltage_v = float(self.read()[0].fields["voltage_v"])
        # At this voltage, I = U/R and P = U²/R.
        lowest_ohm = max(voltage_v / self._max_current_a, voltage_v**2 / self._max_power_w)
        _check("resistance", "Ω", resistance_ohm, lowest_ohm, nominal_ohm)
        # Upwards: the step below would draw more than was asked for.
        raw = math.ceil(resistance_ohm / nominal_ohm * FULL_SCALE - _STEP_TOLERANCE)
        self._set(SET_RESISTANCE, raw)

    def read(self) -> Sequence[Reading]:
        """Return what the load measures, as the instrument does."""
        return self._instrument.read()

    def _set(self, target: Object[int], raw: int) -> None:
        def done() -> str:
            found = self._instrument.session.ask(target)
            return "" if found == raw else f"{target.name} is {found} after it was set to {raw}"

        self._write_until(target, raw.to_bytes(2, "big"), done)

    def _switch(self, mask: int, *, on: bool) -> None:
        def done() -> str:
            status: Status = self._instrument.session.ask(STATUS)
            found = status.remote if mask == _REMOTE else status.enabled
            name = "remote control" if mask == _REMOTE else "the input"
            word = "on" if on else "off"
            return "" if found == on else f"{name} is not {word} after it was switched {word}"

        self._write_until(CONTROL, bytes((mask, mask if on else 0)), done)

    def _write_until(self, target: Object[int], data: bytes, done: Callable[[], str]) -> None:
        """Write and read back, again if the line lost it; an error of the device is final."""
        problem = ""
        for _ in range(_ATTEMPTS):
            self._instrument.session.write(target, data)
            problem = done()
            if not problem:
                return
        raise BadReplyError(f"{self._config.name}: {problem}")

    def _release(self) -> UnavailableError | BadReplyError | None:
        """Input off, then remote off; the second is tried even if the first fails."""
        problem: UnavailableError | BadReplyError | None = None
        # A load that was never opened was never told anything.
        for mask in (_INPUT, _REMOTE) if self._instrument.is_open else ():
            try:
                self._switch(mask, on=False)
            except (UnavailableError, BadReplyError) as error:
                problem = problem or error
        if problem is not None:
            _LOG.critical(
                "%s: cannot confirm that the load is off: %s. Switch it off at its panel",
                self._config.name,
                problem,
            )
        if self._opened_here:
            self._instrument.close()
            self._opened_here = False
        return problem


def _check(quantity: str, unit: str, value: float, lowest: float, highest: float) -> None:
    if not lowest <= value <= highest:  # NaN is refused too
        raise ValueError(
            f"{quantity} {value:g} {unit} is outside {lowest:g} to {highest:g} {unit}, which"
            " configuration and load allow"
        )
