"""What a run of the task soc_coulomb costs: with a long history, many batteries, after an outage.

Run: .venv/bin/python -m benchmarks.soc_task [--full]

The long history is 60 days of one battery at 1 Hz; with --full it is a year (ten minutes more).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from soclab_services.config.model import BatteryConfig, Config, CoulombConfig

from benchmarks.figure import figure
from tests.pipeline.flux_tasks import NS_PER_S, run_at
from tests.pipeline.influxd import Influxd, find_influxd

DAY_S = 86_400
YEAR_DAYS, QUICK_DAYS = 365, 60
START_S = 1_700_006_400  # midnight
RUNS = 15
BATTERIES = 200
BATCH = 20_000


def main() -> None:
    """Measure each; the two histories in turns, so that both see the same machine."""
    program = find_influxd()
    assert program is not None, "influxd not found: run make setup"
    days = YEAR_DAYS if "--full" in sys.argv else QUICK_DAYS
    with tempfile.TemporaryDirectory() as folder:
        history(program, Path(folder), days)
        many_batteries(program, Path(folder))
        after_an_outage(program, Path(folder))


def history(program: Path, folder: Path, days: int) -> None:
    """Compare runs beside a long and a short history."""
    servers = [Influxd(program, folder / f"{length}d") for length in (1, days)]
    pack = battery("pack")
    config = Config(batteries=(pack,))
    now_s = START_S + days * DAY_S
    try:
        for server, length in zip(servers, (1, days), strict=True):
            fill(server, [pack], now_s - length * DAY_S, now_s)
            fill_rows(server, pack, now_s - length * DAY_S, now_s)
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(RUNS):
            for server, times in zip(servers, taken, strict=True):
                fill(server, [pack], now_s, now_s + 10)
                times.append(timed_run(server, config, now_s + 10))
            now_s += 10
        for server in servers:
            counted = server.query(
                'from(bucket: "derived") |> range(start: 0)'
                ' |> filter(fn: (r) => r._field == "samples") |> last()'
            )
            assert counted[0]["_time"].timestamp() == now_s, "the runs did not keep up"
    finally:
        for server in servers:
            server.stop()
    short_s, long_s = (statistics.median(times) for times in taken)
    figure(f"SOC task, run beside {days} days of history", long_s * 1000, "ms")
    figure(f"SOC task, {days} days over one day", long_s / short_s, "", at_most=1.1)


def many_batteries(program: Path, folder: Path) -> None:
    """Time runs for many batteries in step, each new at 1 Hz since the run before."""
    packs = [battery(f"b{number}") for number in range(BATTERIES)]
    server = Influxd(program, folder / "many")
    now_s = START_S + 3700  # more than the time watched for late samples
    try:
        fill(server, packs, START_S, now_s)
        start = Config(coulomb=CoulombConfig(catch_up=50), batteries=tuple(packs))
        for _ in range(BATTERIES // 50):
            run_at(server, start, "soc_coulomb", now_s * NS_PER_S)
        config = Config(batteries=tuple(packs))
        taken = []
        processor_s = server_processor_s(server)
        for _ in range(RUNS):
            fill(server, packs, now_s, now_s + 10)
            now_s += 10
            taken.append(timed_run(server, config, now_s))
        processor_s = server_processor_s(server) - processor_s
        rows = server.query(
            'from(bucket: "derived") |> range(start: 0) |> filter(fn: (r) => r._field == "samples")'
            " |> last() |> group() |> min()"
        )
    finally:
        server.stop()
    assert rows[0]["_value"] == now_s - START_S, "samples are missing"
    name = f"SOC task, {BATTERIES} batteries at 1 Hz every 10 s"
    figure(f"{name}, run", statistics.median(taken), "s", at_most=10)
    figure(f"{name}, longest run", max(taken), "s", at_most=10)
    figure(f"{name}, cores in use", processor_s / RUNS / 10, "cores", at_most=2)


def after_an_outage(program: Path, folder: Path) -> None:
    """Time the run that counts a day at 1 Hz at once."""
    pack = battery("pack")
    config = Config(batteries=(pack,))
    server = Influxd(program, folder / "outage")
    now_s = START_S + 600
    try:
        fill(server, [pack], START_S, now_s)
        run_at(server, config, "soc_coulomb", now_s * NS_PER_S)
        fill(server, [pack], now_s, now_s + DAY_S)
        taken_s = timed_run(server, config, now_s + DAY_S)
        counted = server.count("derived", "soc", "samples")
    finally:
        server.stop()
    assert counted == (600 + DAY_S) / 10, "the day was not counted in one run"
    figure("SOC task, catching up a day at 1 Hz", taken_s, "s a battery", at_most=10)


def battery(name: str) -> BatteryConfig:
    """Return a battery with a shunt of its own."""
    return BatteryConfig(name=name, instrument=f"shunt-{name}", site="lab", capacity_ah=100.0)


def fill(server: Influxd, packs: list[BatteryConfig], start_s: int, stop_s: int) -> None:
    """Store samples at 1 Hz, as they come: all batteries second by second."""
    lines: list[str] = []
    series = [f"battery,battery={p.name},instrument={p.instrument},site=lab" for p in packs]
    for second in range(start_s, stop_s):
        fields = f"current_a={second % 601 / 100 - 3!r},voltage_v={12 + second % 997 / 997!r}"
        lines += [f"{one} {fields} {second}000000000" for one in series]
        if len(lines) >= BATCH:
            server.write("\n".join(lines))
            lines.clear()
    if lines:
        server.write("\n".join(lines))


def fill_rows(server: Influxd, pack: BatteryConfig, start_s: int, stop_s: int) -> None:
    """Store rows as the task would have done: computing a year of them takes too long here."""
    series = f"soc,battery={pack.name},method=coulomb,site=lab"
    lines: list[str] = []
    for stamp in range(start_s + 10, stop_s + 1, 10):
        done_s = stamp - start_s
        lines.append(
            f"{series} soc_pct={50 + stamp % 601 / 100!r},charge_ah=50,sigma_pct=25,"
            f"unobserved_s=0,observed_s={done_s},throughput_ah={done_s / 3600!r},"
            f"base_sigma_pct=25,full_held_s=-1,empty_held_s=-1,sample_age_s=1,"
            f"sample_current_a={(stamp - 1) % 601 / 100 - 3!r},samples={done_s} {stamp}000000000"
        )
        if len(lines) >= BATCH:
            server.write("\n".join(lines), "derived")
            lines.clear()
    if lines:
        server.write("\n".join(lines), "derived")


def timed_run(server: Influxd, config: Config, now_s: int) -> float:
    """Return how many seconds a run took."""
    started = time.perf_counter()
    run_at(server, config, "soc_coulomb", now_s * NS_PER_S)
    return time.perf_counter() - started


def server_processor_s(server: Influxd) -> float:
    """Return the processor time of the server so far, in seconds."""
    assert server.process is not None
    stat = Path(f"/proc/{server.process.pid}/stat").read_text(encoding="ascii")
    user, system = stat.rsplit(") ", 1)[1].split()[11:13]
    return (int(user) + int(system)) / 100  # ticks a second on Linux


if __name__ == "__main__":
    main()
