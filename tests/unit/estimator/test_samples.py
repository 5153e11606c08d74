"""What belongs to a sample of the current: temperature, charger's state, however it is cut."""

from __future__ import annotations

import numpy as np
from soclab_services.estimator.battery import disagreement
from soclab_services.estimator.samples import NS_PER_S, Carried, Readings, join

CELL_NS = 10 * NS_PER_S


def readings(
    time_s: list[float], temperature: dict[float, float], state: dict[float, float]
) -> Readings:
    def columns(values: dict[float, float]) -> tuple[np.ndarray, np.ndarray]:
        return (
            (np.array([*values], float) * NS_PER_S).astype(np.int64),
            np.array([*values.values()], float),
        )

    time_ns = (np.array(time_s) * NS_PER_S).astype(np.int64)
    return Readings(
        time_ns,
        np.ones(len(time_ns)),
        np.full(len(time_ns), 12.0),
        *columns(temperature),
        *columns(state),
    )


MEASURED = readings([1, 5, 12, 25, 2000], {4: 20.0, 30: 21.0}, {0: 1.0, 11: 3.0, 39: 2.0})


def test_a_temperature_holds_for_a_while_a_stage_until_the_next() -> None:
    samples, carried = join(MEASURED, Carried(), CELL_NS)
    np.testing.assert_array_equal(samples.temperature_c, [np.nan, 20.0, 20.0, 20.0, np.nan])
    np.testing.assert_array_equal(samples.stage, [1.0, 1.0, 3.0, 3.0, 2.0])
    assert carried == Carried(30 * NS_PER_S, 21.0, 2.0)


def test_a_state_counts_in_its_own_cell_only() -> None:
    samples, _ = join(MEASURED, Carried(), CELL_NS)
    np.testing.assert_array_equal(samples.charger_state, [1.0, np.nan, 3.0, np.nan, np.nan])


def test_cut_between_cells_it_is_the_same() -> None:
    whole, _ = join(MEASURED, Carried(), CELL_NS)
    carried, parts = Carried(), []
    for start_s, stop_s in ((0, 10), (10, 20), (20, 3000)):
        part = MEASURED.between(start_s * NS_PER_S, stop_s * NS_PER_S)
        samples, carried = join(part, carried, CELL_NS)
        parts.append(samples)
    for k, column in enumerate(whole):
        np.testing.assert_array_equal(np.concatenate([part[k] for part in parts]), column)


def test_nothing_measured() -> None:
    samples, carried = join(MEASURED.between(40, 50), Carried(7, 20.0, 3.0), CELL_NS)
    assert len(samples.time_ns) == 0
    assert carried == Carried(7, 20.0, 3.0)


def test_methods_that_differ_more_than_they_are_sure() -> None:
    said = disagreement({"ekf": (50.0, 3.0), "spkf": (51.0, 3.0), "coulomb": (62.0, 4.0)})
    assert said == {"methods": 3.0, "spread_pct": 12.0, "distance": 12.0 / 5.0}
