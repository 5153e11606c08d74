"""The program soclab-simulators: ready when it says so, gone when it is told to go."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).parent / "soclab-simulators"


@pytest.fixture
def configure(tmp_path):
    def configure(text):
        (tmp_path / "simulators.toml").write_text(text)
        return [PROGRAM, "--config", tmp_path / "simulators.toml"]

    return configure


@pytest.fixture
def program(configure, tmp_path):
    """Run the program; it is killed if a test fails before it has stopped it."""
    with subprocess.Popen(
        configure(devices(tmp_path)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        yield program
        program.kill()


def devices(folder):
    return f"""
[plant]
directory = "{folder}/plant"
[[devices]]
kind = "labjack_t7"
name = "daq"
port = 0
stream_port = 0
[[devices]]
kind = "ea_el3000"
name = "load"
port = "{folder}/serial/by-id/load"
[[devices]]
kind = "thingset"
name = "mppt"
port = "{folder}/serial/by-id/mppt"
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_is_ready_when_it_says_so_and_cleans_up(program, tmp_path, number):
    word, _, addresses = program.stdout.readline().partition(" ")
    assert word == "READY"
    found = json.loads(addresses)
    assert found.keys() == {"daq", "load", "mppt"}
    assert Path(found["load"]).exists()
    host, _, port = found["daq"].partition(":")
    assert (host, int(port) > 0) == ("127.0.0.1", True)
    program.send_signal(number)
    _, errors = program.communicate(timeout=10)
    assert (program.returncode, errors) == (0, "")
    assert not Path(found["load"]).is_symlink()
    assert 0 < json.loads((tmp_path / "plant/plant.json").read_text())["soc"] < 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "either a section"),
        ('[plant]\ndirectory = "x"\ncolour = "red"\n', "colour"),
        ("[plant", "simulators.toml"),
        ('devices = []\n[plant]\ndirectory = "x"\n[recording]\nfile = ""\n', "recording"),
    ],
)
def test_a_wrong_configuration_is_refused(configure, text, message):
    if not text:
        text = "devices = []\n"
    done = subprocess.run(configure(text), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (78, "")
    assert message in done.stderr


@pytest.fixture
def stopped_plant(tmp_path):
    (tmp_path / "plant").mkdir()
    (tmp_path / "plant/plant.json").write_text('{"soc": 0.123, "phase": 0.75}')


def test_the_plant_goes_on_where_it_stopped(stopped_plant, program, tmp_path):
    program.stdout.readline()
    program.terminate()
    program.communicate(timeout=10)
    first = (tmp_path / "plant/truth.csv").read_text().splitlines()[0]
    assert float(first.split(",")[1]) == pytest.approx(0.123, abs=0.01)
