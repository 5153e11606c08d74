"""The virtual plant obeys physics, repeats itself by seed, and passes its anchors every day."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from soclab_simulators.plant.battery import Battery, BatteryParameters, open_circuit_v
from soclab_simulators.plant.charger import Stage
from soclab_simulators.plant.plant import DAY_S, STEP_S, Plant
from soclab_simulators.plant.source import EA_EL3000, LABJACK, MPPT, Imperfection, PlantSource


class ManualClock:
    """A test double: time that passes when told."""

    def __init__(self):
        self.now_s = 1_000_000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return ManualClock()


def watch(plant, clock, seconds, every_s=1.0):
    for _ in range(int(seconds / every_s)):
        clock.now_s += every_s
        yield plant.snapshot()


@given(st.floats(0, 1), st.floats(0, 1))
def test_open_circuit_voltage_rises_with_charge(a, b):
    low, high = sorted((a, b))
    assert 10.0 <= open_circuit_v(low) <= open_circuit_v(high) <= 14.2


@given(st.lists(st.floats(-20, 20), max_size=50), st.floats(0.1, 0.9))
def test_charge_is_conserved_but_for_the_efficiency(currents, soc):
    parameters = BatteryParameters(capacity_ah=10.0)  # large enough never to be full or empty
    battery = Battery(parameters, soc)
    expected_as = soc * 36_000.0
    for current in currents:
        battery.step(current, 1.0)
        expected_as += current * (parameters.coulombic_efficiency if current > 0 else 1.0)
    assert battery.soc == pytest.approx(expected_as / 36_000.0, abs=1e-9)


def test_a_battery_is_never_more_than_full_or_less_than_empty():
    battery = Battery(BatteryParameters(), 0.5)
    for current, limit in ((50.0, 1.0), (-50.0, 0.0)):
        for _ in range(1000):
            battery.step(current, 1.0)
        assert battery.soc == limit


def test_one_seed_gives_one_history(clock):
    first, second, other = (Plant(seed, clock=clock) for seed in (7, 7, 8))
    histories = [[p.snapshot() for _ in watch(p, clock, 60)] for p in (first,)]
    histories.append([second.snapshot()])
    assert histories[0][-1] == histories[1][-1]
    assert other.snapshot() != second.snapshot()


def test_what_is_seen_does_not_depend_on_how_often_one_looks(clock):
    rarely, often = Plant(3, clock=clock), Plant(3, clock=clock)
    *_, seen_often = watch(often, clock, 100, every_s=0.13)
    assert rarely.snapshot() == seen_often


@pytest.mark.parametrize("seed", range(1, 7))
def test_three_days_pass_both_anchors_within_safe_limits(seed, clock):
    plant = Plant(seed, clock=clock)
    stages, lowest, switched_off = set(), 1.0, False
    for seen in watch(plant, clock, 3 * DAY_S):
        stages.add(Stage(seen.stage))
        lowest = min(lowest, seen.soc)
        switched_off |= not plant.charger.load_on
        assert 9.5 < seen.battery_v <= plant.charger.parameters.absorption_v + 1e-9
        assert -40 < seen.battery_a <= plant.charger.parameters.max_a
        assert seen.load_a >= 0
        assert seen.solar_a >= 0
        assert 20 < seen.temperature_c < 60
        # Power into the battery and the consumers comes from the sun, less what conversion takes.
        assert seen.battery_v * (seen.battery_a + seen.load_a) <= seen.solar_v * seen.solar_a + 1e-6
    assert stages == set(Stage)
    assert 0 < lowest < 0.03
    assert switched_off


def test_full_means_full(clock):
    plant = Plant(1, clock=clock)
    at_float = next(s for s in watch(plant, clock, DAY_S) if s.stage == Stage.FLOAT)
    assert at_float.soc > 0.998


def test_a_commanded_load_is_seen_in_the_battery(clock):
    plant = Plant(1, clock=clock)
    clock.now_s += 2 * STEP_S
    before = plant.snapshot()
    plant.commanded_load = lambda: 9.0
    clock.now_s += STEP_S
    after = plant.snapshot()
    assert plant.electronic_load_a == 9.0
    assert after.load_a - before.load_a == pytest.approx(9.0 - 1.6)
    assert after.battery_a < before.battery_a - 7


def test_each_device_sees_the_plant_through_its_own_sensors(clock):
    plant = Plant(1, clock=clock)
    exact = PlantSource(plant, Imperfection(), seed=1)
    assert exact.snapshot() == plant.snapshot()
    for imperfection in (LABJACK, EA_EL3000, MPPT):
        source = PlantSource(plant, imperfection, seed=1)
        errors = [source.snapshot().battery_a - plant.snapshot().battery_a for _ in range(500)]
        true_a = plant.snapshot().battery_a
        expected = true_a * (imperfection.current_gain - 1) + imperfection.current_offset_a
        mean = sum(errors) / len(errors)
        assert mean == pytest.approx(expected, abs=4 * imperfection.current_noise_a / 500**0.5)


def test_the_electronic_load_shows_only_its_own_current(clock):
    plant = Plant(1, clock=clock)
    source = PlantSource(plant, Imperfection(), seed=1, only_electronic_load=True)
    assert source.snapshot().load_a == pytest.approx(1.6)
    assert plant.snapshot().load_a > 1.6


def test_publications_keep_their_deadlines():
    async def collect():
        source = PlantSource(Plant(1), Imperfection(), seed=1, publication_period_s=0.05)
        times = [(await source.publication()).time_s]
        await asyncio.sleep(0.12)  # a busy wire: the next publications come at once, none drifts
        return [*times, *[(await source.publication()).time_s for _ in range(3)]]

    times = asyncio.run(collect())
    assert times[-1] - times[0] == pytest.approx(0.15, abs=0.04)
