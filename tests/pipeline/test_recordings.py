"""Every sample of the development recordings arrives in InfluxDB once, with time and value."""

import numpy as np
import pytest
from soclab_simulators.replay import read_recording

from tests.pipeline import recordings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(params=recordings.NAMES)
def recording(request):
    path = recordings.FOLDER / f"{request.param}.parquet"
    if not path.exists():
        pytest.skip(f"reason: no recordings in {recordings.FOLDER}, remedy: set SOCLAB_RECORDINGS")
    return read_recording(path)


def test_every_sample_arrives_once_with_its_value(recording, influxdb, tmp_path, figure):
    taken_s = recordings.play(recording, influxdb, tmp_path)
    battery = recordings.battery_of(recording.name)
    for measurement, field, expected in (
        ("battery", "voltage_v", recording.battery_v),
        ("battery", "current_a", recording.battery_a),
        ("charger", "state", recording.stage),
    ):
        times, values = recordings.stored(influxdb, battery, measurement, field)
        np.testing.assert_array_equal(times, recording.times_ns)
        np.testing.assert_array_equal(values, expected)
    figure(
        f"{recording.name}: {len(recording):,} samples through the wire, each stored once with its"
        f" value, {len(recording) / taken_s:,.0f} a second"
    )
