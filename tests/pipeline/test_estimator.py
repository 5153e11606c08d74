"""The estimator on a real InfluxDB: killed, late, cut off, fed garbage; beside the Flux task."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
import urllib3
from soclab_services.config.model import Config, CoulombConfig
from soclab_services.estimation.coulomb import NS_PER_S, Samples
from soclab_services.estimator.config import (
    EstimatedBattery,
    EstimatorConfig,
    ServerConfig,
    TimingConfig,
)
from soclab_services.estimator.estimator import Estimator
from soclab_services.estimator.influx import Influx, ServerError

from tests.pipeline.flux_tasks import run_at, stored_rows, write_samples
from tests.unit.estimation.batteries import day_and_night

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.pipeline.influxd import Influxd

# The first run on a machine compiles the filters: a minute of an idle core.
pytestmark = pytest.mark.timeout(1200)

HOUR_NS = 3600 * NS_PER_S
STEP_S = 30.0
HOURS = 12
TIMING = TimingConfig(cell_s=60, chunk_s=3600, save_every_s=600, settle_s=0)
SOCLAB = Path(sys.executable).parent / "soclab"


@pytest.fixture(scope="module")
def token_file(influxdb: Influxd, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a token that may do what the estimator's may, and nothing else."""
    org_id = influxdb.request("GET", f"/api/v2/orgs?org={influxdb.org}")["orgs"][0]["id"]

    def may(action: str, bucket: str) -> dict[str, Any]:
        found = influxdb.request("GET", f"/api/v2/buckets?name={bucket}")["buckets"][0]["id"]
        return {"action": action, "resource": {"type": "buckets", "id": found, "orgID": org_id}}

    made = influxdb.request(
        "POST",
        "/api/v2/authorizations",
        orgID=org_id,
        description="estimator",
        permissions=[may("read", "raw"), may("read", "derived"), may("write", "derived")],
    )
    file = tmp_path_factory.mktemp("token") / "token"
    file.write_text(made["token"])
    return file


@pytest.fixture
def configured(influxdb: Influxd, token_file: Path, tmp_path: Path) -> Callable[..., Any]:
    """Return a configuration for some batteries, each with a folder of its own for states."""

    def configure(*packs: EstimatedBattery, server: Influxd = influxdb) -> EstimatorConfig:
        token = token_file
        if server is not influxdb:
            token = tmp_path / "operator"
            token.write_text(server.admin_token)
        return EstimatorConfig(
            influxdb=ServerConfig(url=server.url, token_file=str(token), timeout_s=20.0),
            state_directory=str(tmp_path / "states" / packs[0].name),
            timing=TIMING,
            batteries=packs,
        )

    return configure


def battery(name: str, **more: Any) -> EstimatedBattery:
    return EstimatedBattery(
        **{
            "name": name,
            "site": "lab",
            "instrument": "shunt",
            "capacity_ah": 100.0,
            "chemistry": "la",
            "max_gap_s": 120.0,
            "initial_soc_pct": 70.0,
            "methods": ("ekf", "coulomb_python"),
            **more,
        }
    )


@pytest.fixture(scope="module")
def begin_ns() -> int:
    """Return the beginning of all samples here: a full hour, some hours ago."""
    return time.time_ns() // HOUR_NS * HOUR_NS - (HOURS + 1) * HOUR_NS


@pytest.fixture(scope="module")
def samples(begin_ns: int) -> Samples:
    recording = day_and_night(HOURS, STEP_S, bias_a=0.1)
    time_ns = begin_ns + (recording.time_s * NS_PER_S).astype(np.int64)
    return Samples(time_ns, recording.current_a, recording.voltage_v)


def part(samples: Samples, chosen: slice | np.ndarray) -> Samples:
    return Samples(*(column[chosen] for column in samples[:3]))


def caught_up(estimator: Estimator, now_ns: int) -> None:
    while estimator.look(now_ns):
        pass


def rows(server: Influxd, name: str) -> dict[tuple[str, int], dict[str, float]]:
    """Return every row of a battery's estimates by method and time."""
    answer = urllib3.request(
        "GET",
        f"{server.url}/query",
        fields={
            "db": "derived",
            "epoch": "ns",
            "q": f"SELECT * FROM soc WHERE battery = '{name}' GROUP BY method",  # noqa: S608  ours
        },
        headers={"Authorization": f"Token {server.admin_token}"},
    )
    found = {}
    for series in answer.json()["results"][0].get("series", []):
        for values in series["values"]:
            row = dict(zip(series["columns"], values, strict=True))
            found[series["tags"]["method"], row.pop("time")] = {
                k: v for k, v in row.items() if isinstance(v, float | int)
            }
    return found


@pytest.fixture(scope="module")
def undisturbed(
    influxdb: Influxd,
    token_file: Path,
    samples: Samples,
    begin_ns: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[tuple[str, int], dict[str, float]]:
    """Return what a run says that nothing disturbs, and that sees all data at once."""
    pack = battery("undisturbed")
    write_samples(influxdb, pack, samples)
    config = EstimatorConfig(
        influxdb=ServerConfig(url=influxdb.url, token_file=str(token_file)),
        state_directory=str(tmp_path_factory.mktemp("states")),
        timing=msgspec.structs.replace(TIMING, chunk_s=86_400),
        batteries=(pack,),
    )
    caught_up(Estimator(config, Influx(config.influxdb)), begin_ns + HOURS * HOUR_NS)
    found = rows(influxdb, pack.name)
    assert len(found) == 2 * HOURS * 60
    return found


def test_killed_in_the_middle_it_goes_on_with_the_same_numbers(
    influxdb: Influxd,
    configured: Callable[..., EstimatorConfig],
    samples: Samples,
    undisturbed: dict[tuple[str, int], dict[str, float]],
    tmp_path: Path,
) -> None:
    pack = battery("killed")
    write_samples(influxdb, pack, samples)
    config = configured(pack)
    file = tmp_path / "estimator.toml"
    file.write_text(_as_toml(config))
    command = [SOCLAB, "estimator", "run", "--once", "--config", str(file)]
    folder = Path(config.state_directory) / pack.name
    kills = 0
    for states in (2, 5):  # killed while it works, each time a little further
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 900
        while process.poll() is None and len(list(folder.glob("*.state"))) < states:
            assert time.monotonic() < deadline, "no state was ever stored"
            time.sleep(0.005)
        kills += process.poll() is None
        process.kill()
        process.wait()
    subprocess.run(command, check=True, timeout=900)
    assert rows(influxdb, pack.name) == undisturbed
    assert kills > 0


def test_late_data_is_computed_again(
    influxdb: Influxd,
    configured: Callable[..., EstimatorConfig],
    samples: Samples,
    undisturbed: dict[tuple[str, int], dict[str, float]],
    begin_ns: int,
) -> None:
    pack = battery("late")
    late = slice(700, 760)
    write_samples(influxdb, pack, part(samples, np.delete(np.arange(len(samples.time_ns)), late)))
    config = configured(pack)
    estimator = Estimator(config, Influx(config.influxdb))
    now_ns = begin_ns + HOURS * HOUR_NS
    caught_up(estimator, now_ns)
    assert rows(influxdb, pack.name) != undisturbed
    write_samples(influxdb, pack, part(samples, late))
    # Hours that are not the newest are looked at less often.
    for minute in range(1, 17):
        caught_up(estimator, now_ns + minute * 60 * NS_PER_S)
    assert rows(influxdb, pack.name) == undisturbed


def test_a_backlog_after_a_silent_day_is_no_late_data(
    influxdb: Influxd,
    configured: Callable[..., EstimatorConfig],
    samples: Samples,
    undisturbed: dict[tuple[str, int], dict[str, float]],
    begin_ns: int,
) -> None:
    pack = battery("cut-off")
    write_samples(influxdb, pack, part(samples, slice(0, 500)))
    config = configured(pack)
    estimator = Estimator(config, Influx(config.influxdb))
    now_ns = begin_ns + HOURS * HOUR_NS
    caught_up(estimator, now_ns)
    caught_up(estimator, now_ns + 70 * NS_PER_S)
    write_samples(influxdb, pack, part(samples, slice(500, None)))
    for minute in range(2, 5):
        caught_up(estimator, now_ns + minute * 70 * NS_PER_S)
    assert rows(influxdb, pack.name) == undisturbed


def test_a_server_that_is_away_costs_nothing(
    influxdb_factory: Callable[..., Influxd],
    configured: Callable[..., EstimatorConfig],
    samples: Samples,
    undisturbed: dict[tuple[str, int], dict[str, float]],
    begin_ns: int,
) -> None:
    server = influxdb_factory()
    pack = battery("away")
    write_samples(server, pack, samples)
    config = configured(pack, server=server)
    estimator = Estimator(config, Influx(config.influxdb))
    now_ns = begin_ns + HOURS * HOUR_NS
    for _ in range(3):
        estimator.look(now_ns)
    server.kill()
    with pytest.raises(ServerError) as said:
        estimator.look(now_ns)
    assert said.value.away
    server.start()
    caught_up(estimator, now_ns)
    assert rows(server, pack.name) == undisturbed


def test_a_token_that_may_not_is_named(
    influxdb: Influxd, configured: Callable[..., EstimatorConfig], begin_ns: int, tmp_path: Path
) -> None:
    config = configured(battery("refused"))
    (tmp_path / "wrong").write_text("no-such-token")
    server = msgspec.structs.replace(config.influxdb, token_file=str(tmp_path / "wrong"))
    estimator = Estimator(config, Influx(server))
    with pytest.raises(ServerError, match="The token must be allowed to read raw") as said:
        estimator.look(begin_ns)
    assert not said.value.away


def test_garbage_makes_bands_wider_and_stops_nobody(
    influxdb: Influxd,
    configured: Callable[..., EstimatorConfig],
    samples: Samples,
    undisturbed: dict[tuple[str, int], dict[str, float]],
    begin_ns: int,
) -> None:
    spoilt, healthy = battery("spoilt"), battery("healthy")
    voltage_v, current_a = samples.voltage_v.copy(), samples.current_a.copy()
    voltage_v[300:500] = 0.0
    voltage_v[500:520] = np.nan
    current_a[520:530] = 1e9
    write_samples(influxdb, spoilt, samples._replace(current_a=current_a, voltage_v=voltage_v))
    write_samples(influxdb, healthy, samples)
    # A second site with the same names, rows without a current, a charger of nobody.
    lines = [
        f"battery,battery=spoilt,instrument=shunt,site=other current_a=0.5 {begin_ns + NS_PER_S}",
        f"battery,battery=spoilt,instrument=shunt,site=lab temperature_c=20 {begin_ns + 7}",
        f"charger,battery=nobody,instrument=mppt,site=lab state=3 {begin_ns + 7}",
    ]
    influxdb.write("\n".join(lines))
    config = configured(spoilt, healthy)
    caught_up(Estimator(config, Influx(config.influxdb)), begin_ns + HOURS * HOUR_NS)
    assert rows(influxdb, "healthy") == undisturbed
    found = {t: row for (m, t), row in rows(influxdb, "spoilt").items() if m == "ekf"}
    after_ns = begin_ns + 266 * 60 * NS_PER_S
    assert len(found) == HOURS * 60 - 115
    assert found[after_ns]["sigma_pct"] > undisturbed["ekf", after_ns]["sigma_pct"]


def test_it_counts_what_the_flux_task_counts(
    influxdb: Influxd,
    configured: Callable[..., EstimatorConfig],
    samples: Samples,
    begin_ns: int,
) -> None:
    pack = battery("counted", methods=("coulomb_python", "ekf"))
    write_samples(influxdb, pack, samples)
    now_ns = begin_ns + HOURS * HOUR_NS
    timing = CoulombConfig(cell_s=60, settle_s=60, late_window_s=3600)
    run_at(influxdb, Config(coulomb=timing, batteries=(pack,)), "soc_coulomb", now_ns)
    config = configured(pack)
    caught_up(Estimator(config, Influx(config.influxdb)), now_ns)
    found = rows(influxdb, pack.name)
    theirs = stored_rows(influxdb, pack.name)
    assert len(theirs) == HOURS * 60
    for time_ns, row in theirs.items():
        ours = found["coulomb_python", time_ns]
        assert ours["soc_pct"] == pytest.approx(row["soc_pct"], abs=0.01)
        assert ours["sigma_pct"] == pytest.approx(row["sigma_pct"], abs=0.01)
    (checked,) = influxdb.query(
        'from(bucket: "derived") |> range(start: 0) |> filter(fn: (r) => r._measurement =='
        ' "soc_check" and r.battery == "counted" and r._field == "methods") |> last()'
    )
    assert checked["_value"] == 3.0


def _as_toml(config: EstimatorConfig) -> str:
    """Return a configuration as its file would be written."""
    import tomli_w  # noqa: PLC0415  comes with the deploy group

    plain = msgspec.to_builtins(config)

    def without_none(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: without_none(v) for k, v in value.items() if v is not None}
        return [without_none(v) for v in value] if isinstance(value, list | tuple) else value

    return str(tomli_w.dumps(without_none(plain)))
