"""A configuration that cannot work is refused with file, key and remedy: a new case is a file."""

import json
import tomllib
from pathlib import Path

import pytest
from soclab_collectors.collector.main import main
from soclab_collectors.config import load_config
from soclab_collectors.errors import ConfigError

CASES = Path(__file__).parent
REFUSED = sorted((CASES / "refused").glob("*.toml"))
ACCEPTED = sorted((CASES / "accepted").glob("*.toml"))


@pytest.mark.parametrize("path", REFUSED, ids=lambda p: p.stem)
def test_refused(path, capsys):
    expected = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect: ")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value) == expected.replace("FILE", str(path))
    assert caught.value.remedy
    assert main(["check", "--config", str(path)]) == 78
    assert str(caught.value) in capsys.readouterr().err


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda p: p.stem)
def test_accepted(path, capsys):
    config = load_config(path)
    names = [i["name"] for i in tomllib.loads(path.read_text(encoding="utf-8"))["instruments"]]
    assert [i.name for i in config.instruments] == names
    assert main(["check", "--json", "--config", str(path)]) == 0
    assert list(json.loads(capsys.readouterr().out)["instruments"]) == names


def test_there_are_cases():
    assert len(REFUSED) >= 10
    assert ACCEPTED


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: No such file"):
        load_config(tmp_path / "none.toml")
