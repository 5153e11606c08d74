"""Flux and Python count the charge of every development recording: they agree to 0.01 %.

What InfluxDB returns is also compared with the recording's reference, for what that is worth.
"""

import numpy as np
import pytest
from soclab_services.config.model import Config, CoulombConfig
from soclab_services.estimation.coulomb import count
from soclab_services.estimation.score import score

from tests.pipeline.flux_tasks import NS_PER_S, run_at, stored_rows, write_samples
from tests.pipeline.influxd import Influxd
from tests.recordings import BATTERIES, recording, samples

AGREEMENT_PCT = 0.01
CELL_S = 60
# All nine have their turn in one run, and each its whole length.
CONFIG = Config(
    coulomb=CoulombConfig(cell_s=CELL_S, settle_s=60, chunk_s=60 * 86_400, catch_up=len(BATTERIES)),
    batteries=tuple(BATTERIES.values()),
)


@pytest.fixture(scope="module")
def counted(influxd_program, tmp_path_factory):
    server = Influxd(influxd_program, tmp_path_factory.mktemp("influxdb"))
    taken = {name: recording(name) for name in BATTERIES}
    for name, battery in BATTERIES.items():
        write_samples(server, battery, samples(taken[name]))
    newest_ns = max(int(r.times_ns[-1]) for r in taken.values())
    run_at(server, CONFIG, "soc_coulomb", newest_ns + 3600 * NS_PER_S)
    yield server
    server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("name", BATTERIES)
def test_flux_and_python_agree(counted, name, figure):
    taken, battery = recording(name), BATTERIES[name]
    in_python, state = count(samples(taken), battery, CELL_S)
    in_flux = stored_rows(counted, name)
    assert list(in_flux) == [row.time_ns for row in in_python]
    assert in_flux[in_python[-1].time_ns]["samples"] == state.samples == len(taken)
    for field in ("soc_pct", "sigma_pct"):
        ours = np.array([row[field] for row in in_flux.values()])
        theirs = np.array([getattr(row, field) for row in in_python])
        assert np.abs(ours - theirs).max() < AGREEMENT_PCT
    gaps = np.array([row["unobserved_s"] for row in in_flux.values()])
    assert np.allclose(gaps, [row.unobserved_s for row in in_python], atol=0.01)
    if taken.reference is not None:
        found = score(
            np.array(list(in_flux)),
            np.array([row["soc_pct"] for row in in_flux.values()]),
            np.array([row["sigma_pct"] for row in in_flux.values()]),
            taken.reference.times_ns,
            100.0 * taken.reference.soc,
        )
        figure(f"Coulomb counting of {name}: {found}")
