"""Recordings keep their values to the last digit, and what is missing stays missing."""

import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from soclab_simulators.replay import RecordingError, read_recording

SIMULATED = {
    "t_s": pa.array([172800, 172810, 172830], pa.int32()),
    "I_mA": pa.array([-420, 0, 1501], pa.int32()),
    "V_mV": pa.array([12500, 0, 13807], pa.int32()),
    "T_dC": pa.array([206, -15, 0], pa.int16()),
    "stage": pa.array([1, 2, 3], pa.int8()),
    "soc_ppm": pa.array([699999, 700000, 1000000], pa.int32()),
}
REAL = {
    "t_unix": pa.array([1620231060, 1620231061, 1620235000], pa.int32()),
    "I_mA": pa.array([-363, 40, 0], pa.int32()),
    "V_mV": pa.array([12000, 13740, 12000], pa.int32()),
    "load_W": pa.array([6.0, -0.5, 0.0], pa.float32()),
    "solar_W": pa.array([-12.0, 0.0, 0.0], pa.float32()),
    "degC": pa.array([30.5, 30.5, 30.5], pa.float32()),
}


@pytest.fixture
def written(tmp_path):
    def write(columns, name="pack.parquet"):
        path = tmp_path / name
        pq.write_table(pa.table(columns), path)
        return path

    return write


def test_a_recording_without_date_begins_where_the_caller_says(written):
    recording = read_recording(written(SIMULATED), start_s=1000.5)
    assert recording.times_ns.tolist() == [1_000_500_000_000, 1_010_500_000_000, 1_030_500_000_000]
    assert recording.name == "pack"
    assert len(recording) == 3


def test_values_are_exact(written):
    recording = read_recording(written(SIMULATED))
    shown = recording.snapshots(0, 3)
    assert [s.battery_v for s in shown] == [12.5, 0.0, 13.807]
    assert [s.battery_a for s in shown] == [-0.42, 0.0, 1.501]
    assert [s.temperature_c for s in shown] == [20.6, -1.5, 0.0]
    assert [s.stage for s in shown] == [1, 2, 3]
    assert [s.load_a for s in shown] == [0.42, 0.0, 0.0]  # what discharges is the load
    assert [s.solar_v for s in shown] == [0.0, 0.0, 0.0]
    assert recording.reference.soc.tolist() == [0.699999, 0.7, 1.0]
    assert recording.snapshot(2) == shown[2]


def test_real_recordings_keep_their_dates_and_powers(written):
    recording = read_recording(written(REAL), start_s=5.0)
    assert recording.times_ns[0] == 1620231060 * 10**9
    first, second, _ = recording.snapshots(0, 3)
    assert (first.load_a, first.solar_a, first.solar_v) == (0.5, 1.0, 12.0)
    assert second.load_a == 0.0  # a load never returns current
    assert first.temperature_c == 30.5
    assert math.isnan(first.soc)
    assert recording.reference is None


def test_what_lies_beside_it_is_found(written, tmp_path):
    path = written(REAL)
    reference = {"t_unix": pa.array([1620231061]), "soc_ref_c": pa.array([9950])}
    written(reference, "pack.ref.parquet")
    (tmp_path / "sim_meta.json").write_text(json.dumps([{"file": "pack", "nominal_Ah": 12}]))
    recording = read_recording(path)
    assert recording.reference.soc.tolist() == [0.995]
    assert recording.about["nominal_Ah"] == 12
    assert len(recording.first(2)) == 2
    assert recording.first(2).reference is recording.reference


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({k: v for k, v in REAL.items() if k != "V_mV"}, "no column V_mV"),
        ({k: v for k, v in REAL.items() if k != "t_unix"}, "no column t_unix"),
        ({**REAL, "t_unix": pa.array([1, 1, 2])}, "do not increase"),
        ({k: v[:0] for k, v in REAL.items()}, "empty"),
        ({**REAL, "I_mA": pa.array([1, None, 2])}, "no value in some rows of I_mA"),
    ],
)
def test_what_is_no_recording_is_refused(written, columns, message):
    with pytest.raises(RecordingError, match=message):
        read_recording(written(columns))


def test_what_is_no_parquet_is_refused(tmp_path):
    with pytest.raises(RecordingError, match="cannot be read"):
        read_recording(tmp_path / "missing.parquet")
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(RecordingError, match="cannot be read"):
        read_recording(tmp_path / "text.parquet")


def test_absent_temperature_is_no_number(written):
    columns = {k: v for k, v in SIMULATED.items() if k not in {"T_dC", "stage", "soc_ppm"}}
    shown = read_recording(written(columns)).snapshot(0)
    assert np.isnan(shown.temperature_c)
    assert shown.stage == 0
