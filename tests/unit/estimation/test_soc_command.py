"""``soclab soc`` and ``soclab model`` as a user runs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from soclab_services.battery_model.model import load_model, save_model
from soclab_services.cli.main import app
from typer.testing import CliRunner

if TYPE_CHECKING:
    from pathlib import Path

from tests.unit.estimation.batteries import day_and_night, lead_acid

# The first run on a machine compiles the filters: a minute of an idle core.
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    recording = day_and_night(24.0, 10.0)
    columns = {
        "t_s": recording.time_s.astype(np.int32),
        "I_mA": np.round(1000.0 * recording.current_a).astype(np.int32),
        "V_mV": np.round(1000.0 * recording.voltage_v).astype(np.int32),
        "soc_ppm": np.round(1e6 * recording.soc).astype(np.int32),
    }
    pq.write_table(pa.table(columns), tmp_path / "taken.parquet")
    meta = {"file": "taken", "chem": "la", "nominal_Ah": 100, "prior_soc": 0.7, "kind": "test"}
    (tmp_path / "META.json").write_text(json.dumps([meta]))
    save_model(lead_acid(), tmp_path / "model.json")
    return tmp_path


def run(lab: Path, *more: str) -> tuple[int, str]:
    arguments = ["soc", "estimate", str(lab / "taken.parquet"), "--meta", str(lab / "META.json")]
    arguments += ["-o", str(lab / "out.parquet"), *more]
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_estimates_have_the_columns_promised_and_can_be_scored(lab: Path) -> None:
    assert run(lab, "--model", str(lab / "model.json"))[0] == 0
    table = pq.read_table(lab / "out.parquet")
    assert table.column_names == ["t_s", "soc_pct", "sigma_pct", "bias_a", "capacity_ah"]
    scored = CliRunner().invoke(
        app, ["soc", "score", str(lab / "taken.parquet"), str(lab / "out.parquet"), "--json"]
    )
    metrics = json.loads(scored.output)
    truth_pct = pq.read_table(lab / "taken.parquet")["soc_ppm"].to_numpy() / 1e4
    errors_pct = table["soc_pct"].to_numpy() - truth_pct
    assert metrics["rmse_pct"] == pytest.approx(np.sqrt(np.mean(errors_pct**2)), rel=1e-3)
    assert metrics["samples"] == table.num_rows


def test_a_model_of_another_battery_is_refused(lab: Path) -> None:
    save_model(lead_acid().scaled_to(12.0), lab / "small.json")
    code, output = run(lab, "--model", str(lab / "small.json"))
    assert code == 65
    assert "the model is of 12 Ah" in output


def test_a_chemistry_that_differs_is_refused(lab: Path) -> None:
    text = (lab / "model.json").read_text().replace('"la"', '"lfp"')
    (lab / "other.json").write_text(text)
    code, output = run(lab, "--model", str(lab / "other.json"))
    assert code == 65
    assert "the model is of lfp, the recording of la" in output


def test_without_model_and_characterisation_it_says_what_to_do(lab: Path) -> None:
    code, output = run(lab)
    assert code == 65
    assert "give --model" in output


def test_a_model_file_is_read_as_it_was_written(lab: Path) -> None:
    assert load_model(lab / "model.json") == lead_acid()
