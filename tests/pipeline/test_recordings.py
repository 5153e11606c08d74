"""The development recordings through the whole pipeline, from the wire to the state of charge.

Every sample is in InfluxDB once, with its time and its value; Flux and Python count the charge of
each battery and agree to 0.01 %. What they find is also compared with the recording's reference,
for what that is worth.
"""

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest
from soclab_services.config.model import Config, CoulombConfig
from soclab_services.estimation.coulomb import count
from soclab_services.estimation.score import score

from tests.pipeline.flux_tasks import NS_PER_S, run_at, stored_rows
from tests.pipeline.influxd import Influxd
from tests.pipeline.recordings import play, stored
from tests.recordings import BATTERIES, recording, samples

AGREEMENT_PCT = 0.01
# A cell of a minute, and every recording at once instead of a day a run.
COULOMB = CoulombConfig(cell_s=60, settle_s=60, chunk_s=60 * 86_400, catch_up=1)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Laboratory:
    """Plays each recording once; the task counts one while the next is played."""

    def __init__(self, server, folder):
        self.server = server
        self._folder = folder
        self._background = ThreadPoolExecutor(1)
        self._taken_s: dict[str, float] = {}
        self._counted: dict[str, Future[None]] = {}

    def play(self, name):
        """Play a recording, unless that is done; return how many seconds it took."""
        if name not in self._taken_s:
            played, battery = recording(name), BATTERIES[name]
            folder = self._folder / name
            folder.mkdir()
            self._taken_s[name] = play(played, battery, self.server, folder)
            after_ns = int(played.times_ns[-1]) + 3600 * NS_PER_S
            config = Config(coulomb=COULOMB, batteries=(battery,))
            self._counted[name] = self._background.submit(
                run_at, self.server, config, "soc_coulomb", after_ns
            )
        return self._taken_s[name]

    def counted(self, name):
        """Return the rows of the Coulomb counter for a recording."""
        self.play(name)
        self._counted[name].result()
        return stored_rows(self.server, name)

    def close(self):
        self._background.shutdown(cancel_futures=True)
        self.server.stop()


@pytest.fixture(scope="module")
def laboratory(influxd_program, tmp_path_factory):
    server = Influxd(influxd_program, tmp_path_factory.mktemp("influxdb"))
    laboratory = Laboratory(server, tmp_path_factory.mktemp("recordings"))
    yield laboratory
    laboratory.close()


@pytest.mark.parametrize("name", BATTERIES)
def test_every_sample_arrives_once_with_its_value(laboratory, name, figure):
    played = recording(name)
    taken_s = laboratory.play(name)
    for measurement, field, expected in (
        ("battery", "voltage_v", played.battery_v),
        ("battery", "current_a", played.battery_a),
        ("charger", "state", played.stage),
    ):
        times, values = stored(laboratory.server, name, measurement, field)
        np.testing.assert_array_equal(times, played.times_ns)
        np.testing.assert_array_equal(values, expected)
    figure(
        f"{name}: {len(played):,} samples through the wire, each stored once with its value,"
        f" {len(played) / taken_s:,.0f} a second"
    )


@pytest.mark.parametrize("name", BATTERIES)
def test_flux_and_python_agree(laboratory, name, figure):
    played = recording(name)
    in_python, state = count(samples(played), BATTERIES[name], COULOMB.cell_s)
    in_flux = laboratory.counted(name)
    assert list(in_flux) == [row.time_ns for row in in_python]
    assert in_flux[in_python[-1].time_ns]["samples"] == state.samples == len(played)
    for field in ("soc_pct", "sigma_pct"):
        ours = np.array([row[field] for row in in_flux.values()])
        theirs = np.array([getattr(row, field) for row in in_python])
        assert np.abs(ours - theirs).max() < AGREEMENT_PCT
    gaps = np.array([row["unobserved_s"] for row in in_flux.values()])
    assert np.allclose(gaps, [row.unobserved_s for row in in_python], atol=0.01)
    if played.reference is not None:
        found = score(
            np.array(list(in_flux)),
            np.array([row["soc_pct"] for row in in_flux.values()]),
            np.array([row["sigma_pct"] for row in in_flux.values()]),
            played.reference.times_ns,
            100.0 * played.reference.soc,
        )
        figure(f"Coulomb counting of {name}: {found}")
