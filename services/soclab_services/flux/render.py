"""Flux tasks with their parameters from the configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from soclab_collectors.measurements import BUCKET_DERIVED, BUCKET_RAW, BUCKET_ROLLUP, CONTRACT

from soclab_services.estimation.anchors import disconnected_below_v
from soclab_services.estimation.coulomb import typical_current_a
from soclab_services.flux.sources import source

if TYPE_CHECKING:
    from soclab_services.config.model import BatteryConfig, Config

COULOMB: Final = "soc_coulomb"
ROLLUP: Final = "rollup_1m"

_PARAMETERS: Final = re.compile(
    r"(?<=// soclab:parameters begin\n).*?(?=// soclab:parameters end\n)", re.DOTALL
)
_NOT_CONFIGURED: Final = -1.0  # voltages and states of chargers are never below zero


class RenderedTask(NamedTuple):
    """A task as InfluxDB is to run it."""

    name: str
    flux: str
    active: bool


def render(config: Config) -> tuple[RenderedTask, ...]:
    """Return every task; one without anything to do is not active."""
    coulomb = source(COULOMB)
    if config.batteries:  # else it keeps the example in its source, which nothing is named like
        coulomb = _with(coulomb, _coulomb(config))
    return (
        RenderedTask(COULOMB, coulomb, active=bool(config.batteries)),
        RenderedTask(ROLLUP, _with(source(ROLLUP), _rollup(config)), active=True),
    )


def _with(flux: str, parameters: str) -> str:
    rendered, found = _PARAMETERS.subn(lambda _: parameters, flux)
    if found != 1:
        raise ValueError("a Flux task needs one block of parameters")
    return rendered


def _coulomb(config: Config) -> str:
    timing = config.coulomb
    batteries = "".join(f"    {_battery(b, timing.cell_s)},\n" for b in config.batteries)
    into_cell = f"{{r with since: float(v: r._time) % {_number(timing.cell_s * 1e9)}}}"
    return f"""\
{_option(COULOMB, timing.every_s, timing.offset_s)}
raw = {_text(BUCKET_RAW)}
derived = {_text(BUCKET_DERIVED)}
cell = {timing.cell_s}s
settle = {timing.settle_s}s
late = {timing.late_window_s}s
chunk = {timing.chunk_s}s
turns = {list(range(timing.catch_up))}

// Only a literal is computed for many rows at once.
intoCell = (tables=<-) =>
    tables |> map(fn: (r) => ({into_cell}))
batteries = [
{batteries}]

"""


def _rollup(config: Config) -> str:
    timing = config.rollup
    return f"""\
{_option(ROLLUP, timing.every_s, timing.offset_s)}
raw = {_text(BUCKET_RAW)}
rollup = {_text(BUCKET_ROLLUP)}
late = {timing.late_window_s}s
chunk = {timing.chunk_s}s
turns = {list(range(timing.catch_up))}
isNumber = (r) =>
    {_is_number()}

"""


def _is_number() -> str:
    """Return what leaves out every field that may be a text: a text has no mean."""
    texts = {name for m in CONTRACT.values() for name, f in m.fields.items() if f.text}
    numbers = [f'r._field != "{name}"' for name in sorted(texts)]
    numbers += [f'r._measurement != "{m}"' for m, d in sorted(CONTRACT.items()) if d.open_fields]
    return " and ".join(numbers)


def _option(name: str, every_s: int, offset_s: int) -> str:
    return f"option task = {{name: {_text(name)}, every: {every_s}s, offset: {offset_s}s}}\n"


def _battery(battery: BatteryConfig, cell_s: int) -> str:
    full, empty = battery.full, battery.empty
    values = {
        "capacity_ah": battery.capacity_ah,
        "efficiency": battery.coulombic_efficiency,
        "initial_soc_pct": battery.initial_soc_pct,
        "initial_sigma_pct": battery.initial_sigma_pct,
        "offset_sigma_a": battery.current_offset_sigma_a,
        "gain_sigma": battery.current_gain_sigma,
        "gap_sigma_a": typical_current_a(battery),
        "max_gap_s": battery.max_gap_s,
        "anchor_sigma_pct": battery.anchor_sigma_pct,
        "full_voltage_v": full.voltage_v if full else None,
        "full_current_a": full.tail_current_a if full else None,
        "full_charger_state": full.charger_state if full else None,
        "full_hold_s": full.hold_s if full else None,
        "empty_voltage_v": empty.voltage_v if empty else None,
        "empty_floor_v": disconnected_below_v(empty) if empty else None,
        "empty_current_a": empty.current_a if empty else None,
        "empty_hold_s": empty.hold_s if empty else None,
        "cell_s": cell_s,
    }
    names = {"battery": battery.name, "site": battery.site, "instrument": battery.instrument}
    pairs = [f"{key}: {_text(name)}" for key, name in names.items()]
    pairs += [
        f"{key}: {_number(_NOT_CONFIGURED if value is None else value)}"
        for key, value in values.items()
    ]
    return f"{{{', '.join(pairs)}}}"


def _text(name: str) -> str:
    """Return a string literal; names are checked to need no escaping."""
    return f'"{name}"'


def _number(value: float) -> str:
    """Return a float literal: Flux knows no exponents."""
    return np.format_float_positional(value, trim="0")
