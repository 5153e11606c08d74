"""The equivalent circuit that the filters use, as a file holds it.

    V = OCV(s) + K (T - T0) + M(s) h + r(T) (R0(s) I + R1(s) i1 + R2(s) i2)
        + g(s) ln(1 + I+ / I0(s))

s is the state of charge (0..1), I the current (A, above zero charges), I+ what of it charges; i1
and i2 are I behind a low-pass of tau1 and tau2 (two RC pairs), h in [-1, 1] the hysteresis (Plett,
Battery Management Systems vol. 1, ch. 2), g the overpotential of a charge reaction that follows
Tafel with the exchange current I0(s) = I0 (1 - s)^p: small in the beginning, volts towards the end
of a lead-acid battery's charge, when there is little left to react.

Of a charging current the part `coulombic_efficiency` / (1 + exp((s - `half_stored_soc`) /
`half_stored_width`)) is stored; the rest makes gas and heat.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA: Final = 1
# A full battery has a little left to react: its exchange current is not zero.
LEAST_ROOM: Final = 0.002
Chemistry = Literal["la", "lfp"]
Curve = tuple[float, ...]


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a model came from."""

    recordings: tuple[str, ...] = ()
    sha256: tuple[str, ...] = ()
    program: str = ""
    scaled_from_ah: float | None = None


class BatteryModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Parameters of one kind of battery; all curves are over `soc`."""

    schema: int = SCHEMA
    chemistry: Chemistry
    capacity_ah: float
    soc: Curve
    ocv_v: Curve
    r0_ohm: Curve
    r1_ohm: Curve
    r2_ohm: Curve
    hysteresis_v: Curve
    charge_overpotential_v: Curve
    tau1_s: float
    tau2_s: float
    hysteresis_rate: float
    """h approaches its end with exp(-rate |charge| / capacity)."""
    charge_i0_a: float
    charge_i0_exponent: float = 0.0
    coulombic_efficiency: float
    half_stored_soc: float
    half_stored_width: float
    temperature_c: float = 25.0
    resistance_per_k: float
    """r(T) = exp(-resistance_per_k (T - temperature_c))."""
    ocv_v_per_k: float
    lowest_soc: float = 0.0
    """Below it nothing was recorded: the curves go on there by assumption."""
    fit_rms_v: float
    """Of the fit to the recordings: what no state of the filter explains."""
    provenance: Provenance = Provenance()

    def __post_init__(self) -> None:
        """Refuse what cannot be a battery.

        Raises
        ------
        ValueError
            With what is wrong.
        """
        if self.schema != SCHEMA:
            raise ValueError(f"model file of schema {self.schema}, known is {SCHEMA}")
        curves = (
            self.ocv_v,
            self.r0_ohm,
            self.r1_ohm,
            self.r2_ohm,
            self.hysteresis_v,
            self.charge_overpotential_v,
        )
        if len(self.soc) < 2 or any(len(curve) != len(self.soc) for curve in curves):
            raise ValueError("every curve needs as many values as soc, two at least")
        if any(right <= left for left, right in zip(self.soc, self.soc[1:], strict=False)):
            raise ValueError("soc must rise")
        if any(right < left for left, right in zip(self.ocv_v, self.ocv_v[1:], strict=False)):
            raise ValueError("ocv_v must not fall with soc")
        positive = (
            self.capacity_ah,
            self.tau1_s,
            self.tau2_s,
            self.hysteresis_rate,
            self.charge_i0_a,
            self.coulombic_efficiency,
            self.half_stored_width,
        )
        if not all(math.isfinite(value) and value > 0.0 for value in positive):
            raise ValueError("capacity, time constants, rates and efficiency must be above zero")

    def scaled_to(self, capacity_ah: float) -> BatteryModel:
        """Return the model of as many such cells in parallel as have this capacity."""
        times = capacity_ah / self.capacity_ah
        return msgspec.structs.replace(
            self,
            capacity_ah=capacity_ah,
            r0_ohm=tuple(value / times for value in self.r0_ohm),
            r1_ohm=tuple(value / times for value in self.r1_ohm),
            r2_ohm=tuple(value / times for value in self.r2_ohm),
            charge_i0_a=self.charge_i0_a * times,
            provenance=msgspec.structs.replace(self.provenance, scaled_from_ah=self.capacity_ah),
        )


def load_model(path: Path) -> BatteryModel:
    """Read a model file.

    Raises
    ------
    ValueError
        If it is none; with the place and what is wrong.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=BatteryModel)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: {error}") from error


def save_model(model: BatteryModel, path: Path) -> None:
    """Write a model file."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(model), indent=1) + b"\n")
