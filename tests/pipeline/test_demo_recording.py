"""A recording played through the wires arrives sample by sample, each once, with its own time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from soclab_simulators.demo.archive import Archive
from soclab_simulators.demo.audit import parse_fields

SOCLAB = Path(sys.executable).parent / "soclab"
ROWS = 3000

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def recording(tmp_path):
    """Write a charge and a discharge at irregular times, with a gap of two hours."""
    random = np.random.default_rng(5)
    steps = random.choice([1, 1, 1, 2, 5], ROWS)
    steps[ROWS // 2] = 7200
    current = np.round(4000 * np.sin(np.arange(ROWS) / 300)).astype(np.int32)
    charge = 0.5 + np.cumsum(current / 1000 * steps) / 3600 / 40
    table = pa.table(
        {
            "t_unix": 1_620_000_000 + np.cumsum(steps),
            "I_mA": current,
            "V_mV": (12_800 + current // 10 + random.integers(-9, 10, ROWS)).astype(np.int32),
            "stage": np.ones(ROWS, np.int8),
            "soc_ppm": (1e6 * charge).astype(np.int32),
        }
    )
    pq.write_table(table, tmp_path / "bench.parquet")
    return tmp_path / "bench.parquet"


def arrived(archive, instrument, measurement):
    """Return time in ns and fields of every line that an instrument had accepted."""
    return sorted(
        (time_ns, parse_fields(fields))
        for segment in Archive(archive).new_segments()
        for key, fields, time_ns in segment.lines()
        if key.startswith(f"{measurement},") and f"instrument={instrument}," in key
    )


def test_every_sample_arrives_once_with_its_value(recording, influxd_program, tmp_path):
    state = tmp_path / "state"
    path = f"{influxd_program.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [SOCLAB, "demo", "--json", "--recording", recording, "--speed", "inf", "--state", state],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": path},
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["lost"] == result["duplicated"] == 0  # InfluxDB holds what the archive holds

    table = pq.read_table(recording)
    times = [t * 1_000_000_000 for t in table["t_unix"].to_pylist()]
    volts = np.asarray(table["V_mV"]) / 1000
    amperes = np.asarray(table["I_mA"]) / 1000
    (run,) = (state / "archive").iterdir()
    # The charge controller shows every digit; converter and load have steps of their own:
    # 16 bits of ±10 V behind a divider of 2 and at 0.1 V/A, 1/25600 of 160 V and 60 A.
    expected = {
        ("mppt", "battery"): (5e-7, 5e-7, amperes),
        ("labjack", "battery"): (1e-3, 5e-3, amperes),
        ("load", "load"): (160 / 25_600, 60 / 25_600, np.maximum(-amperes, 0)),
    }
    for (instrument, measurement), (step_v, step_a, expected_a) in expected.items():
        lines = arrived(run, instrument, measurement)
        if instrument == "mppt":
            lines = [line for line in lines if "voltage_v" in line[1]]
        assert [time_ns for time_ns, _ in lines] == times, instrument
        found_v = np.array([fields["voltage_v"] for _, fields in lines])
        found_a = np.array([fields["current_a"] for _, fields in lines])
        np.testing.assert_allclose(found_v, volts, rtol=0, atol=step_v, err_msg=instrument)
        np.testing.assert_allclose(found_a, expected_a, rtol=0, atol=step_a, err_msg=instrument)
    print(f"{ROWS} rows, {result['stored']} readings; Coulomb counting: {result['soc']}")


def test_what_is_no_recording_is_refused_with_a_remedy(tmp_path):
    (tmp_path / "notes.parquet").write_text("not Parquet")
    done = subprocess.run(
        [SOCLAB, "demo", "--recording", tmp_path / "notes.parquet", "--state", tmp_path / "state"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "cannot be read as Parquet" in done.stderr
