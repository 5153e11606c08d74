"""A household with a battery, and the recording of it that a faulty instrument makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from soclab_services.battery_model.fit import Characterisation
from soclab_services.estimation.compiled import compiled
from soclab_services.recordings.load import Recording
from soclab_services.recordings.meta import Meta

from benchmarks.soc.cell import Cell, lead_acid, lfp, limited, twin

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from soclab_services.battery_model.model import BatteryModel, Chemistry

    Array = NDArray[np.float64]

NOMINAL_AH: Final = 100.0
ABSORPTION_V: Final[dict[Chemistry, float]] = {"la": 14.4, "lfp": 14.2}
FLOAT_V: Final[dict[Chemistry, float]] = {"la": 13.6, "lfp": 13.5}
HOUR_S: Final = 3600.0
DAY_H: Final = 24.0


class Faults(NamedTuple):
    """What is wrong with instrument, battery and what is known of it."""

    offset_a: float = 0.0
    step_a: float = 0.0
    """Added to the offset from the middle on."""
    gain: float = 0.0
    capacity: float = 1.0
    resistance: float = 1.0
    offset_v: float = 0.0
    gaps: int = 0
    prior_error: float = 0.0


class Case(NamedTuple):
    """A recording with the truth, and what an estimator is told."""

    name: str
    family: str
    recording: Recording
    meta: Meta
    bias_a: float


def cell_of(chem: Chemistry, faults: Faults, model: BatteryModel | None = None) -> Cell:
    """Return a battery with these faults: this project's own, or one that is as a model says."""
    if model is not None:
        return twin(model, faults.capacity, faults.resistance)
    make = lead_acid if chem == "la" else lfp
    return make(NOMINAL_AH * faults.capacity, faults.resistance)


def household(
    chem: Chemistry,
    seed: int,
    days: float,
    step_s: float,
    season: str,
    faults: Faults,
    model: BatteryModel | None = None,
) -> Case:
    """Return a recording of a household's battery."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(int(days * DAY_H * HOUR_S / step_s)) * step_s
    solar_a, load_a, temperature_c = _weather_and_people(time_s, season, rng)
    start_soc = float(rng.uniform(0.45, 0.9))
    current_a, voltage_v, soc, stage = _live(
        cell_of(chem, faults, model),
        solar_a,
        load_a,
        temperature_c,
        step_s,
        start_soc,
        ABSORPTION_V[chem],
        FLOAT_V[chem],
    )
    true = Recording(time_s, current_a, voltage_v, temperature_c, stage, soc, "t_s", {})
    prior = start_soc + faults.prior_error
    if not 0.0 <= prior <= 1.0:
        prior = start_soc - faults.prior_error
    meta = Meta(
        chem=chem,
        nominal_Ah=NOMINAL_AH,
        prior_soc=min(max(prior, 0.0), 1.0),
        vabs=ABSORPTION_V[chem],
        vfloat=FLOAT_V[chem],
        sample_s=step_s,
    )
    name = f"{chem}-{season}-{seed}"
    return Case(name, "", measured(true, faults, rng), meta, faults.offset_a + faults.step_a)


def measured(true: Recording, faults: Faults, rng: np.random.Generator) -> Recording:
    """Return what the instrument makes of the truth."""
    n = len(true.time_s)
    offset_a = faults.offset_a + faults.step_a * (np.arange(n) > n // 2)
    current_a = true.current_a * (1.0 + faults.gain) + offset_a + rng.normal(0.0, 0.02, n)
    voltage_v = true.voltage_v + faults.offset_v + rng.normal(0.0, 0.004, n)
    kept = np.ones(n, dtype=bool)
    for _ in range(faults.gaps):
        begin = float(rng.uniform(0.05, 0.95)) * float(true.time_s[-1] - true.time_s[0])
        end = begin + float(rng.uniform(1.0, 6.0)) * HOUR_S
        kept &= (true.time_s - true.time_s[0] < begin) | (true.time_s - true.time_s[0] > end)
    return true._replace(
        time_s=true.time_s[kept],
        current_a=np.round(current_a, 2)[kept],
        voltage_v=np.round(voltage_v, 2)[kept],
        temperature_c=true.temperature_c[kept],
        stage=true.stage[kept],
        soc=true.soc[kept],
    )


def _weather_and_people(
    time_s: Array, season: str, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    hour = time_s / HOUR_S % DAY_H
    day = (time_s / HOUR_S // DAY_H).astype(int)
    winter = season == "winter"
    most_a, noon_h, light_h = (14.0, 12.0, 8.0) if winter else (24.0, 12.5, 12.0)
    clear = rng.uniform(0.15 if winter else 0.3, 1.0, day[-1] + 1)
    minutes = np.arange(int(time_s[-1] / 60.0) + 2)
    cloud = np.convolve(rng.normal(0.0, 1.0, len(minutes)), np.ones(12) / 12**0.5, "same")
    cloud = np.clip(1.0 + 0.25 * np.interp(time_s, minutes * 60.0, cloud), 0.0, 1.3)
    height = np.maximum(np.cos(np.pi * (hour - noon_h) / light_h), 0.0)
    height[np.abs(hour - noon_h) > light_h / 2.0] = 0.0
    solar_a = most_a * height**1.3 * clear[day] * cloud
    load_a = 0.5 + 1.3 * ((hour > 17.0) & (hour < 23.0)) + 0.5 * rng.random(day[-1] + 1)[day]
    for _ in range(int(8 * (day[-1] + 1))):
        begin_s = float(rng.uniform(0.0, time_s[-1]))
        end_s = begin_s + float(rng.choice([60.0, 300.0, 1200.0]))
        load_a[(time_s >= begin_s) & (time_s < end_s)] += float(rng.choice([3.0, 8.0, 20.0, 40.0]))
    base_c = 8.0 if winter else 20.0
    daily_c = rng.normal(0.0, 2.5, day[-1] + 1)
    temperature_c = base_c + daily_c[day] + 4.0 * np.cos(2.0 * np.pi * (hour - 15.0) / DAY_H)
    return solar_a, load_a, temperature_c


@compiled
def _live(
    cell: Cell,
    solar_a: Array,
    load_a: Array,
    temperature_c: Array,
    step_s: float,
    start_soc: float,
    absorption_v: float,
    float_v: float,
) -> tuple[Array, Array, Array, NDArray[np.int8]]:
    n = len(solar_a)
    current_a = np.empty(n)
    voltage_v = np.empty(n)
    soc = np.empty(n)
    stages = np.ones(n, np.int8)
    state = np.zeros(5)
    state[0] = start_soc
    moved = np.zeros(5)
    stage = 1
    absorbed_s = 0.0
    off = False
    for k in range(n):
        warm_v = -0.018 * (temperature_c[k] - 25.0) if cell.lead_acid else 0.0
        limit_v = (float_v if stage == 3 else absorption_v) + warm_v
        load = 0.03 if off else load_a[k]
        offered_a = solar_a[k] - load
        i, v = limited(cell, state, offered_a, limit_v, temperature_c[k], step_s, moved)
        state[:] = moved
        at_limit = i < offered_a - 1e-6
        if stage == 1 and at_limit:
            stage, absorbed_s = 2, 0.0
        elif stage == 2:
            absorbed_s += step_s
            tail = i < (1.5 if cell.lead_acid else 4.0)
            if at_limit and (tail or absorbed_s > 4 * 3600.0):
                stage = 3
            elif v < limit_v - 0.3:
                stage = 1
        elif stage == 3 and (v < float_v - 0.7 or (solar_a[k] <= 0.0 and i < -0.3)):
            stage = 1
        off = state[0] < 0.05 or (off and state[0] < 0.12)
        current_a[k], voltage_v[k], soc[k] = i, v, state[0]
        stages[k] = stage
    return current_a, voltage_v, soc, stages


def characterise(chem: Chemistry) -> list[Characterisation]:
    """Return a C/20 and an HPPC recording of a new battery at 25 degC."""
    slow = [(2.0, 0.0), (18.5, -5.0), (2.0, 0.0), (19.5, 5.0), (3.0, 2.0), (2.0, 0.0)]
    pulses = [(1.0, 0.0)]
    for _ in range(9):
        pulses += [(30 / HOUR_S, -40.0), (120 / HOUR_S, 0.0), (30 / HOUR_S, 25.0), (0.25, 0.0)]
        pulses += [(0.5, -20.0), (1.0, 0.0)]
    return [_driven(chem, slow, 30.0), _driven(chem, pulses, 10.0)]


def _driven(chem: Chemistry, program: list[tuple[float, float]], step_s: float) -> Characterisation:
    cell = cell_of(chem, Faults())
    state, moved = np.zeros(5), np.zeros(5)
    state[0], state[4] = 1.0, 1.0
    rows = []
    time_s = 0.0
    for hours, wanted_a in program:
        for _ in range(round(hours * HOUR_S / step_s)):
            i, v = limited(cell, state, wanted_a, ABSORPTION_V[chem], 25.0, step_s, moved)
            state[:] = moved
            rows.append((time_s, i, v, state[0]))
            time_s += step_s
    columns = np.array(rows).T
    return Characterisation(*(np.ascontiguousarray(column) for column in columns))
