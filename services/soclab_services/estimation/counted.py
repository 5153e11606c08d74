"""Coulomb counting of a whole recording, by the same rules as the Flux task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from soclab_services.config.model import BatteryConfig, EmptyAnchor, FullAnchor
from soclab_services.estimation import coulomb
from soclab_services.estimation.blocks import FLOAT_STAGE, NEAR_V, TAIL_A_PER_AH, rules
from soclab_services.estimation.trajectory import Trajectory

if TYPE_CHECKING:
    from soclab_services.battery_model.model import BatteryModel
    from soclab_services.recordings.load import Recording
    from soclab_services.recordings.meta import Meta

CELL_S: Final = 10
# A start value may be wrong by this, and a sensor of this quality be in use.
INITIAL_SIGMA_PCT: Final = 25.0
OFFSET_A_PER_AH: Final = 0.003
GAIN: Final = 0.01
# Both chemistries are empty here, at any current a household takes.
EMPTY_V: Final = {"la": 10.8, "lfp": 11.0}


def by_coulomb(recording: Recording, model: BatteryModel, meta: Meta) -> Trajectory:
    """Count charge from anchor to anchor."""
    given = rules(recording, model, meta)
    full = None
    if meta.vabs is not None:
        full = FullAnchor(
            voltage_v=meta.vabs - NEAR_V,
            tail_current_a=TAIL_A_PER_AH * meta.nominal_Ah,
            charger_state=float(FLOAT_STAGE) if meta.chem == "la" else None,
        )
    cell_s = max(CELL_S, int(np.ceil(given.gap_s / 6.0)))
    battery = BatteryConfig(
        name="recording",
        site="recording",
        instrument="recording",
        capacity_ah=meta.nominal_Ah,
        coulombic_efficiency=model.coulombic_efficiency,
        initial_soc_pct=100.0 * meta.prior_soc,
        initial_sigma_pct=INITIAL_SIGMA_PCT,
        current_offset_sigma_a=OFFSET_A_PER_AH * meta.nominal_Ah,
        current_gain_sigma=GAIN,
        max_gap_s=given.gap_s,
        full=full,
        empty=EmptyAnchor(voltage_v=EMPTY_V[meta.chem], current_a=0.1 * meta.nominal_Ah),
    )
    time_ns = np.round(recording.time_s * coulomb.NS_PER_S).astype(np.int64)
    samples = coulomb.Samples(
        time_ns, recording.current_a, recording.voltage_v, recording.stage.astype(np.float64)
    )
    rows, _ = coulomb.count(samples, battery, cell_s)
    ends_ns = np.array([row.time_ns for row in rows])
    # At a sample the newest row that had ended by then.
    newest = np.searchsorted(ends_ns, time_ns, side="right") - 1
    soc_pct = np.array([row.soc_pct for row in rows])[np.maximum(newest, 0)]
    sigma_pct = np.array([row.sigma_pct for row in rows])[np.maximum(newest, 0)]
    soc_pct[newest < 0] = battery.initial_soc_pct
    sigma_pct[newest < 0] = battery.initial_sigma_pct
    n = len(time_ns)
    return Trajectory(soc_pct / 100.0, sigma_pct / 100.0, np.zeros(n), np.full(n, meta.nominal_Ah))
