"""rollup_1m in a real InfluxDB: the four numbers of every minute, also when samples come late."""

import itertools
from collections import defaultdict

import numpy as np
import pytest
from soclab_services.config.model import Config, RollupConfig

from tests.pipeline.flux_tasks import NS_PER_S, run_at

START_S = 1_700_000_040  # the beginning of a minute
MINUTE_NS = 60 * NS_PER_S
_names = (f"meter{number}" for number in itertools.count())


@pytest.fixture
def server(influxdb_factory):
    """Return a server of one's own: every instrument in it is summarised."""
    return influxdb_factory()


def at(seconds):
    return (START_S + seconds) * NS_PER_S


def configure(**changes):
    return Config(rollup=RollupConfig(**{"late_window_s": 600, "chunk_s": 3600, **changes}))


def series(duration_s, seed=0):
    """Return times (ns) and values at uneven times."""
    rng = np.random.default_rng(seed)
    times_s = np.unique(rng.integers(0, duration_s, duration_s // 3))
    return (START_S + times_s) * NS_PER_S, np.round(rng.normal(0, 5, len(times_s)), 3)


def write(server, instrument, times_ns, values, field="current_a"):
    server.write(
        "\n".join(
            f"battery,battery=b,instrument={instrument},site=lab {field}={value} {time}"
            for time, value in zip(times_ns.tolist(), values.tolist(), strict=True)
        )
    )


def stored(server, instrument, field="current_a"):
    """Return {statistic: {minute: value}}."""
    rows = server.query(
        f"""from(bucket: "rollup_1m") |> range(start: 0)
        |> filter(fn: (r) => r._measurement == "battery" and r.instrument == "{instrument}"
            and r._field == "{field}" and r.battery == "b" and r.site == "lab")"""
    )
    found = defaultdict(dict)
    for row in rows:
        found[row["stat"]][round(row["_time"].timestamp())] = row["_value"]
    return dict(found)


def expected(times_ns, values, until_s):
    """Return the same by numpy."""
    found = defaultdict(dict)
    for minute in np.unique(times_ns // MINUTE_NS):
        within = values[times_ns // MINUTE_NS == minute]
        if (minute + 1) * MINUTE_NS <= at(until_s):
            for stat, function in {
                "mean": np.mean,
                "min": np.min,
                "max": np.max,
                "count": np.size,
            }.items():
                found[stat][int(minute) * 60] = pytest.approx(float(function(within)))
    return dict(found)


def test_a_history_in_chunks(server):
    times, values = series(7200)
    write(server, "shunt", times, values)
    lengths = []
    for _ in range(4):
        run_at(server, configure(), "rollup_1m", at(7205))
        lengths.append(len(stored(server, "shunt")["count"]))
    assert lengths == [60, 120, 120, 120]
    assert stored(server, "shunt") == expected(times, values, 7205)


def test_minute_by_minute_with_late_samples_and_a_second_series(server):
    times, values = series(1800, seed=1)
    temperature = np.full(len(times), 21.5)
    rng = np.random.default_rng(2)
    arrival = times + rng.choice([0, 1, 130, 450], len(times), p=[0.6, 0.3, 0.05, 0.05]) * NS_PER_S
    for now_s in range(60, 2461, 60):
        new = (arrival >= at(now_s - 60)) & (arrival < at(now_s))
        if new.any():
            write(server, "shunt", times[new], values[new])
            write(server, "shunt", times[new], temperature[new], "temperature_c")
        run_at(server, configure(), "rollup_1m", at(now_s))
    assert stored(server, "shunt") == expected(times, values, 2460)
    assert stored(server, "shunt", "temperature_c") == expected(times, temperature, 2460)


def test_a_backlog_older_than_the_window_is_summarised(server):
    config = configure()
    times, values = series(6000, seed=3)
    for name in ("here", "away"):
        write(server, name, times[times < at(1200)], values[times < at(1200)])
    run_at(server, config, "rollup_1m", at(1200))
    later = times >= at(1200)
    write(server, "here", times[later], values[later])
    for _ in range(2):
        run_at(server, config, "rollup_1m", at(6000))
    write(server, "away", times[later], values[later])
    for _ in range(2):
        run_at(server, config, "rollup_1m", at(6060))
    for name in ("here", "away"):
        assert stored(server, name) == expected(times, values, 6060)


def test_texts_are_left_out_and_change_nothing(server):
    times, values = series(300, seed=4)
    write(server, "shunt", times, values)
    server.write(
        f'event,battery=b,instrument=shunt,kind=note,site=lab text="hello" {times[0]}\n'
        f'relay,battery=b,instrument=shunt,site=lab closed=1,reason="sun" {times[0]}\n'
        f'thingset_extra,battery=b,instrument=shunt,site=lab x="?" {times[0]}'
    )
    run_at(server, configure(), "rollup_1m", at(300))
    assert stored(server, "shunt") == expected(times, values, 300)
    assert server.count("rollup_1m", "relay") == 4
    assert server.count("rollup_1m", "event") == 0


def test_running_again_changes_nothing(server):
    times, values = series(600, seed=5)
    write(server, "shunt", times, values)
    run_at(server, configure(), "rollup_1m", at(600))
    once = stored(server, "shunt")
    run_at(server, configure(), "rollup_1m", at(600))
    assert stored(server, "shunt") == once
