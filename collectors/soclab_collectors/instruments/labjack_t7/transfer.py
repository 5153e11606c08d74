"""From volts at an analog input to volts or amperes of the battery, one struct per sensor."""

from __future__ import annotations

import math
from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

Positive = Annotated[float, Meta(gt=0)]


class Lem(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="sensor", tag="lem"
):
    """A closed-loop current transducer with a burden resistor, such as LEM LA 55-P."""

    calibration_date: date
    """Date of the last calibration, such as 2026-03-01; stored beside the data."""
    burden_ohm: Positive
    """Burden resistor across which the T7 measures."""
    max_a: Positive
    """Largest current to be measured; what cannot fit the input range is refused."""
    turns: Annotated[int, Meta(ge=1, le=100)] = 1
    """How often the conductor passes through the transducer."""
    ratio: Positive = 1000.0
    """Primary over secondary current."""
    range_at: Positive = 70.0
    """Measuring range in ampere-turns (LA 55-P: 70); beyond it there is no number."""
    zero_v: float = 0.0
    """Volts at the input while no current flows."""
    direction: Literal[1, -1] = 1
    """1 if charging current flows along the arrow on the case, -1 against it."""

    def gain(self) -> float:
        """Return amperes per volt."""
        return self.direction * self.ratio / (self.turns * self.burden_ohm)

    def offset(self) -> float:
        """Return the amperes shown at zero volts."""
        return 0.0 - self.zero_v * self.gain()

    def limit_v(self) -> float:
        """Return the volts beyond which the sensor itself saturates."""
        return self.range_at * self.burden_ohm / self.ratio + abs(self.zero_v)

    def check(self, quantity: str, range_v: float) -> None:
        """Refuse what cannot work with ValueError("key: reason. remedy")."""
        if quantity != "current":
            raise ValueError('quantity: a LEM transducer measures current. Set "current"')
        if self.turns * self.max_a > self.range_at:
            raise ValueError(
                f"transfer.turns: {self.turns} turns of {self.max_a:g} A exceed the transducer's "
                f"{self.range_at:g} ampere-turns. Use fewer turns or a smaller max_a"
            )
        volts = self.max_a / abs(self.gain()) + abs(self.zero_v)
        if volts > range_v:
            raise ValueError(
                f"range_v: {self.max_a:g} A make {volts:.3g} V across the burden, beyond "
                f"±{range_v:g} V. Choose a larger range, a smaller burden or fewer turns"
            )


class Divider(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="sensor", tag="divider"
):
    """A resistive voltage divider."""

    calibration_date: date
    """Date of the last calibration, such as 2026-03-01; stored beside the data."""
    high_ohm: Annotated[float, Meta(ge=0)]
    """Resistor between battery and input; 0 without a divider."""
    low_ohm: Positive
    """Resistor between input and ground."""
    max_v: Positive
    """Largest voltage to be measured; what cannot fit the input range is refused."""
    output_max_v: Positive | None = None
    """Where a buffered divider clips (LJTick-Divider: 3.5)."""

    def gain(self) -> float:
        """Return volts at the battery per volt at the input."""
        return (self.high_ohm + self.low_ohm) / self.low_ohm

    def offset(self) -> float:
        """Return the volts shown at zero volts."""
        return 0.0

    def limit_v(self) -> float:
        """Return the volts beyond which the sensor itself saturates."""
        return math.inf if self.output_max_v is None else self.output_max_v

    def check(self, quantity: str, range_v: float) -> None:
        """Refuse what cannot work with ValueError("key: reason. remedy")."""
        if quantity != "voltage":
            raise ValueError('quantity: a divider measures voltage. Set "voltage"')
        volts = self.max_v / self.gain()
        if volts > self.limit_v():
            raise ValueError(
                f"transfer.output_max_v: {self.max_v:g} V make {volts:.3g} V behind the divider, "
                f"which clips at {self.output_max_v:g} V. Use a divider of a higher ratio"
            )
        if volts > range_v:
            raise ValueError(
                f"range_v: {self.max_v:g} V make {volts:.3g} V behind the divider, beyond "
                f"±{range_v:g} V. Choose a larger range or a divider of a higher ratio"
            )


class Linear(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="sensor", tag="linear"
):
    """Any other sensor with a straight characteristic."""

    calibration_date: date
    """Date of the last calibration, such as 2026-03-01; stored beside the data."""
    gain_per_v: float
    """Volts or amperes per volt at the input; below zero it turns the sign."""
    offset_at_0v: float = 0.0
    """Volts or amperes at zero volts."""

    def gain(self) -> float:
        """Return the quantity per volt."""
        return self.gain_per_v

    def offset(self) -> float:
        """Return the quantity at zero volts."""
        return self.offset_at_0v

    def limit_v(self) -> float:
        """Return infinity: nothing is known of this sensor's range."""
        return math.inf

    def check(self, _quantity: str, _range_v: float) -> None:
        """Refuse what cannot work with ValueError("key: reason. remedy")."""
        if self.gain_per_v == 0 or not math.isfinite(self.gain_per_v):
            raise ValueError("transfer.gain_per_v: it must not be zero. Give the sensor's gain")


AnyTransfer = Lem | Divider | Linear
