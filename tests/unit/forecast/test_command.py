"""``soclab forecast`` as a user runs it, on histories made here and on the recordings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from soclab_services.cli.main import app
from typer.testing import CliRunner

from tests import recordings
from tests.unit.forecast.histories import returning, wandering

if TYPE_CHECKING:
    from pathlib import Path

    from soclab_services.forecast.history import History


def write(history: History, path: Path, time: str = "t_unix", column: str = "soc_pct") -> Path:
    time_s = (19_000 * 24 + np.arange(len(history.soc_pct))) * 3600
    pq.write_table(pa.table({time: time_s, column: history.soc_pct}), path)
    return path


def soclab(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["forecast", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_train_then_run(tmp_path: Path) -> None:
    file = write(returning(40), tmp_path / "h.parquet")
    code, said, _ = soclab("train", file, "-o", tmp_path / "f.json")
    assert code == 0
    assert "The learned model beats" in said
    code, said, _ = soclab("run", file, "--model", tmp_path / "f.json", "--json")
    assert code == 0
    answer = json.loads(said)
    assert answer["method"] == "learned"
    assert answer["from"]["time"] == "2022-02-16T23:00Z"
    assert answer["hours"][0]["time"] == "2022-02-17T00:00Z"
    assert len(answer["hours"]) == 24
    assert all(one["low_pct"] <= one["soc_pct"] <= one["high_pct"] for one in answer["hours"])
    code, said, _ = soclab("run", file, "--model", tmp_path / "f.json")
    assert said.count("\n") == 26


def test_what_does_not_win_is_not_saved_and_it_says_so(tmp_path: Path) -> None:
    file = write(wandering(40), tmp_path / "h.parquet")
    code, said, _ = soclab("train", file, "-o", tmp_path / "f.json")
    assert code == 0
    assert "not saved" in said
    assert said.endswith("f.json: persistence\n")
    assert json.loads((tmp_path / "f.json").read_text())["weights"] == []


def test_json_has_every_figure(tmp_path: Path) -> None:
    file = write(returning(20), tmp_path / "h.parquet")
    answer = json.loads(soclab("train", file, "-o", tmp_path / "f.json", "--json")[1])
    assert set(answer["scores"]) >= {"persistence", "same_hour_mean", "learned"}
    assert answer["winner"] in answer["scores"]
    assert answer["held_back_days"] == 6
    assert answer["known_days"] == 20.0


def test_another_column_in_its_own_unit(tmp_path: Path) -> None:
    history = returning(20)
    file = write(history._replace(soc_pct=1e4 * history.soc_pct), tmp_path / "h", column="own_ppm")
    assert soclab("train", file, "-o", tmp_path / "f.json", "--column", "own_ppm")[0] == 0
    assert "no column soc_pct" in soclab("train", file, "-o", tmp_path / "f.json")[2]
    code, _, said = soclab("train", file, "-o", tmp_path / "f.json", "--column", "own")
    assert (code, "Let it end in _pct or _ppm" in said) == (65, True)


def test_what_cannot_be_used_is_an_error_and_writes_nothing(tmp_path: Path) -> None:
    file = write(returning(8), tmp_path / "h.parquet")
    code, _, said = soclab("train", file, "-o", tmp_path / "f.json")
    assert (code, "Record 4.0 days more" in said) == (65, True)
    code, _, said = soclab("train", tmp_path / "none.parquet", "-o", tmp_path / "f.json")
    assert (code, "none.parquet" in said) == (65, True)
    (tmp_path / "text.parquet").write_text("no Parquet")
    code, _, said = soclab("train", tmp_path / "text.parquet", "-o", tmp_path / "f.json")
    assert (code, "Give a Parquet file" in said) == (65, True)
    code, _, said = soclab("run", file, "--model", tmp_path / "f.json")
    assert (code, "soclab forecast train" in said) == (65, True)
    assert not (tmp_path / "f.json").exists()


def test_a_file_or_a_battery_but_not_both_and_no_neither(tmp_path: Path) -> None:
    for more in ([], ["h.parquet", "--battery", "b"], ["--battery", 'b" or "']):
        code, _, _ = soclab("train", *more, "-o", tmp_path / "f.json")
        assert code == 2
    code, _, said = soclab("train", "--battery", "b", "--config", tmp_path / "c", "-o", "f.json")
    assert (code, "soclab.toml" in said or "No such file" in said) == (78, True)


@pytest.mark.parametrize("name", ["plfp_a", "elfp_winter_a"])
def test_on_recordings_no_forecaster_is_as_bad_as_persistence(name: str, tmp_path: Path) -> None:
    file = recordings.folder() / f"{name}.parquet"
    answer = json.loads(soclab("train", file, "-o", tmp_path / "f.json", "--json")[1])
    scores = answer["scores"]
    assert scores[answer["winner"]]["mae_pct"] < 0.7 * scores["persistence"]["mae_pct"]
    # The learned model is written only where it wins.
    assert (answer["winner"] == "learned") == (answer["gain_pct"] > answer["gain_sigma_pct"])
