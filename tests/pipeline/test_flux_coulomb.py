"""soc_coulomb in a real InfluxDB: in any order of samples, its rows are those of Python."""

import itertools

import numpy as np
import pytest
from soclab_collectors.measurements import CONTRACT
from soclab_services.config.model import (
    BatteryConfig,
    Config,
    CoulombConfig,
    EmptyAnchor,
    FullAnchor,
)
from soclab_services.estimation.coulomb import Samples, count

from tests.pipeline.flux_tasks import NS_PER_S, run_at, stored_rows, write_samples

START_S = 1_750_000_000  # a multiple of a cell
CELL_S = 10
AGREEMENT_PCT = 1e-4
_names = (f"pack{number}" for number in itertools.count())


@pytest.fixture
def battery():
    """Return a battery of one's own in the shared server."""
    name = next(_names)
    return BatteryConfig(
        name=name,
        instrument=f"shunt-{name}",
        site="lab",
        capacity_ah=2.0,
        coulombic_efficiency=0.95,
        initial_soc_pct=60.0,
        initial_sigma_pct=5.0,
        max_gap_s=30,
        full=FullAnchor(voltage_v=14.0, tail_current_a=0.5, hold_s=60, charger_state=3),
        empty=EmptyAnchor(voltage_v=11.0, current_a=1.0, hold_s=30),
    )


def configure(*batteries, **changes):
    timing = {"settle_s": 30, "late_window_s": 600, "chunk_s": 86_400, "catch_up": 3, **changes}
    return Config(coulomb=CoulombConfig(cell_s=CELL_S, **timing), batteries=batteries)


def irregular(seed, duration_s):
    """Return samples at uneven times, with gaps, missing voltages, anchors and clamping."""
    rng = np.random.default_rng(seed)
    steps = rng.choice([0.1, 0.9, 1.0, 3.0, 12.0, 29.9], 20_000, p=[0.1, 0.3, 0.4, 0.1, 0.08, 0.02])
    steps[rng.integers(0, 20_000, 60)] = 300.0
    times_s = np.cumsum(steps + rng.uniform(0, 0.01, 20_000))
    times_s = times_s[times_s < duration_s]
    phase = times_s // 400 % 5  # charge, rest at full, discharge, rest at empty, charger in float
    current = np.choose(phase.astype(int), [6.0, 0.2, -8.0, -0.3, 2.0])
    voltage = np.choose(phase.astype(int), [13.0, 14.2, 12.0, 10.5, 13.6])
    state = np.choose(phase.astype(int), [1.0, 2.0, 0.0, 0.0, 3.0])
    size = len(times_s)
    voltage[rng.random(size) < 0.05] = np.nan
    state[rng.random(size) < 0.05] = np.nan
    current += rng.normal(0, 0.05, size)
    time_ns = START_S * NS_PER_S + np.round(times_s * 1e6).astype(np.int64) * 1000
    return Samples(time_ns, current, voltage, state)


def at(seconds):
    return (START_S + seconds) * NS_PER_S


def pick(samples, chosen):
    return Samples(*(column[chosen] for column in samples))


def between(samples, start_s, stop_s):
    return pick(samples, (samples.time_ns >= at(start_s)) & (samples.time_ns < at(stop_s)))


def assert_counted(server, battery, samples, until_s):
    """Every row that InfluxDB holds is the row of Python, and none is missing."""
    due = between(samples, 0, until_s // CELL_S * CELL_S)
    expected, state = count(due, battery, CELL_S)
    rows = stored_rows(server, battery.name)
    assert list(rows) == [row.time_ns for row in expected]
    for field in ("soc_pct", "sigma_pct", "unobserved_s"):
        theirs = [getattr(row, field) for row in expected]
        np.testing.assert_allclose([r[field] for r in rows.values()], theirs, atol=AGREEMENT_PCT)
    last = rows[expected[-1].time_ns]
    assert last["samples"] == state.samples
    assert last["charge_ah"] == pytest.approx(last["soc_pct"] / 100 * battery.capacity_ah)
    np.testing.assert_allclose(
        [last["full_held_s"], last["empty_held_s"]],
        [state.full_held_s, state.empty_held_s],
        atol=1e-3,
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_history_at_once(influxdb, battery, seed):
    samples = irregular(seed, 7200)
    write_samples(influxdb, battery, samples)
    run_at(influxdb, configure(battery), "soc_coulomb", at(7203))
    assert_counted(influxdb, battery, samples, 7203)


def test_run_by_run_is_the_same_as_at_once(influxdb, battery):
    samples = irregular(4, 1800)
    config = configure(battery)
    for now_s in range(0, 1800, 90):
        write_samples(influxdb, battery, between(samples, now_s, now_s + 90))
        run_at(influxdb, config, "soc_coulomb", at(now_s + 90 + 3))
        assert_counted(influxdb, battery, samples, now_s + 90 + 3)
    before = stored_rows(influxdb, battery.name)
    run_at(influxdb, config, "soc_coulomb", at(1803))
    assert stored_rows(influxdb, battery.name) == before


@pytest.mark.slow
def test_out_of_order_and_late_samples_are_counted_as_if_in_time(influxdb, battery):
    samples = irregular(5, 1500)
    config = configure(battery)
    rng = np.random.default_rng(6)
    delay_s = np.where(rng.random(len(samples.time_ns)) < 0.2, rng.uniform(0, 500, 1), 0.0)
    delay_s[rng.random(len(delay_s)) < 0.05] = 400.0
    arrival_ns = samples.time_ns + (delay_s * NS_PER_S).astype(np.int64)
    for now_s in range(60, 2100, 60):
        arrived = (arrival_ns >= at(now_s - 60)) & (arrival_ns < at(now_s))
        write_samples(influxdb, battery, pick(samples, arrived))
        run_at(influxdb, config, "soc_coulomb", at(now_s))
    assert_counted(influxdb, battery, samples, 2100)


def test_later_than_the_window_is_left_alone(influxdb, battery):
    samples = irregular(7, 1500)
    config = configure(battery, late_window_s=300)
    late = (samples.time_ns > at(100)) & (samples.time_ns < at(200))
    write_samples(influxdb, battery, pick(samples, ~late))
    run_at(influxdb, config, "soc_coulomb", at(1500))
    write_samples(influxdb, battery, pick(samples, late))
    run_at(influxdb, config, "soc_coulomb", at(1500))
    assert_counted(influxdb, battery, pick(samples, ~late), 1500)


def test_recomputing_goes_on_where_it_was_cut_off(influxdb, battery):
    samples = irregular(8, 1500)
    late = (samples.time_ns > at(300)) & (samples.time_ns < at(400))
    write_samples(influxdb, battery, pick(samples, ~late))
    run_at(influxdb, configure(battery, late_window_s=1400), "soc_coulomb", at(1500))
    write_samples(influxdb, battery, pick(samples, late))
    # A chunk this short is refused by load_config; it stands for a run that died half-way.
    short = configure(battery, late_window_s=1400, chunk_s=300)
    run_at(influxdb, short, "soc_coulomb", at(1500))
    rows = stored_rows(influxdb, battery.name)
    counted = [rows[time]["samples"] for time in sorted(rows)]
    assert counted != sorted(counted)  # the old rows behind have counted less
    for _ in range(4):
        run_at(influxdb, short, "soc_coulomb", at(1500))
    assert_counted(influxdb, battery, samples, 1500)


def test_a_long_history_is_counted_in_chunks_and_silence_is_jumped_over(influxdb, battery):
    recent = irregular(9, 3600)
    month_ns = 30 * 86_400 * NS_PER_S
    samples = Samples(
        np.concatenate([recent.time_ns - month_ns, recent.time_ns]),
        *(np.concatenate([column, column]) for column in recent[1:]),
    )
    write_samples(influxdb, battery, samples)
    config = configure(battery, chunk_s=1800)
    covered = []
    for _ in range(5):
        run_at(influxdb, config, "soc_coulomb", at(3600))
        covered.append(len(stored_rows(influxdb, battery.name)))
    assert covered[0] < covered[1] < covered[2] < covered[3] == covered[4]
    expected, _ = count(samples, battery, CELL_S)
    rows = stored_rows(influxdb, battery.name)
    assert list(rows) == [row.time_ns for row in expected]
    np.testing.assert_allclose(
        [r["soc_pct"] for r in rows.values()], [r.soc_pct for r in expected], atol=AGREEMENT_PCT
    )


@pytest.mark.slow
def test_a_backlog_is_caught_up_beside_batteries_in_step(influxdb):
    packs = [
        BatteryConfig(name=next(_names), instrument="shunt", site="lab", capacity_ah=2.0)
        for _ in range(4)
    ]
    config = configure(*packs, catch_up=1, late_window_s=300)
    samples = irregular(10, 4000)
    for pack in packs:
        write_samples(influxdb, pack, between(samples, 0, 1000))
    for _ in packs:
        run_at(influxdb, config, "soc_coulomb", at(1000))
    in_step, *away = packs
    for now_s in range(1200, 3601, 200):
        write_samples(influxdb, in_step, between(samples, now_s - 200, now_s))
        run_at(influxdb, config, "soc_coulomb", at(now_s))
    assert_counted(influxdb, in_step, samples, 3600)
    for pack in away:  # back again: the spool is uploaded, oldest first
        write_samples(influxdb, pack, between(samples, 1000, 3600))
    for run in range(3):
        run_at(influxdb, config, "soc_coulomb", at(3600 + CELL_S * run))
        assert_counted(influxdb, in_step, between(samples, 0, 3600), 3600 + CELL_S * run)
    for pack in away:
        assert_counted(influxdb, pack, between(samples, 0, 3600), 3600)


def test_only_its_own_instrument_is_counted(influxdb, battery):
    samples = irregular(11, 900)
    other = BatteryConfig(
        name=battery.name, instrument="another", site="lab", capacity_ah=battery.capacity_ah
    )
    write_samples(influxdb, battery, samples)
    write_samples(
        influxdb, other, samples._replace(current_a=-samples.current_a, charger_state=None)
    )
    config = configure(battery)
    for now_s in (400, 900):
        run_at(influxdb, config, "soc_coulomb", at(now_s))
    assert_counted(influxdb, battery, samples, 900)


def test_the_charger_may_be_another_instrument(influxdb, battery):
    samples = irregular(12, 1500)
    write_samples(influxdb, battery, samples._replace(charger_state=None))
    tags = f"battery={battery.name},instrument=mppt-{battery.name},site=lab"
    known = ~np.isnan(samples.charger_state)
    pairs = zip(samples.time_ns[known], samples.charger_state[known], strict=True)
    influxdb.write("\n".join(f"charger,{tags} state={state} {time}" for time, state in pairs))
    run_at(influxdb, configure(battery), "soc_coulomb", at(1500))
    assert_counted(influxdb, battery, samples, 1500)


def test_what_is_written_is_in_the_contract(influxdb, battery):
    write_samples(influxdb, battery, irregular(13, 300))
    run_at(influxdb, configure(battery), "soc_coulomb", at(300))
    row = next(iter(stored_rows(influxdb, battery.name).values()))
    tags = {"site": "lab", "battery": battery.name, "method": "coulomb"}
    assert {key: row[key] for key in tags} == tags
    known = set(CONTRACT["soc"].fields)
    written = {name for name in set(row) - set(tags) - {"time"} if row[name] not in (None, "")}
    of_filters = ("bias_", "capacity_", "resistance_", "to_")  # that is the estimator's alone
    assert written == {name for name in known if not name.startswith(of_filters)}
    assert all(isinstance(row[field], int | float) for field in written)


def test_nothing_recorded_nothing_written(influxdb, battery):
    run_at(influxdb, configure(battery), "soc_coulomb", at(300))
    assert stored_rows(influxdb, battery.name) == {}
