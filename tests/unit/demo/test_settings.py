"""What a demo writes is what the programs accept, for the plant and for any recording."""

import json
import tomllib

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from soclab_collectors.config import load_config as load_collectors
from soclab_services.config import load_config as load_server
from soclab_services.influxdb.server import Server
from soclab_simulators.demo.entry import parse_duration
from soclab_simulators.demo.scenario import create_scenario
from soclab_simulators.demo.settings import INSTRUMENTS, write_settings
from soclab_simulators.demo.state import DemoError, State
from soclab_simulators.lab import LabConfig


@pytest.fixture
def state(tmp_path):
    state = State(tmp_path / 'a "quoted" folder')
    state.prepare(fresh=False)
    return state


@pytest.fixture
def recording(tmp_path):
    def write(name, about=None, stage=1, step_s=1):
        table = pa.table(
            {
                "t_s": np.arange(100) * step_s,
                "I_mA": np.full(100, -500),
                "V_mV": np.full(100, 12_500),
                "stage": np.full(100, stage),
                "soc_ppm": np.linspace(500_000, 400_000, 100).astype(int),
            }
        )
        pq.write_table(table, tmp_path / f"{name}.parquet")
        rows = [{"file": name} | about] if about else []
        (tmp_path / "sim_meta.json").write_text(json.dumps(rows))
        return tmp_path / f"{name}.parquet"

    return write


def settings_of(state, scenario):
    files = write_settings(state, scenario, Server(state.influxdb))
    collectors = load_collectors(files.collectors)
    lab = msgspec.convert(tomllib.loads(files.simulators.read_text()), LabConfig)
    server = load_server(files.server)
    names = [i.name for i in INSTRUMENTS]
    assert [i.name for i in collectors.instruments] == [d.name for d in lab.devices] == names
    ports = {d.name: d.port for d in lab.devices}
    assert {i.name: i.path for i in collectors.instruments[1:]} == {
        name: ports[name] for name in names[1:]
    }
    assert collectors.instruments[0].transport.port == ports["labjack"]
    (battery,) = server.batteries
    assert {i.battery for i in collectors.instruments} == {battery.name}
    assert battery.site == collectors.site
    assert battery.instrument in names
    return collectors, lab, server


def test_the_plant(state):
    collectors, lab, server = settings_of(state, create_scenario(state, None, 60.0))
    assert collectors.clock.source == "trusted"
    assert lab.recording is None
    assert server.batteries[0].full.hold_s < 12  # the plant's charger holds absorption for 12 s
    assert server.influxdb.token_file.endswith("task_token")


def test_a_recording_that_says_all_about_its_battery(state, recording):
    about = {"nominal_Ah": 100, "prior_soc": 0.4, "vabs": 14.4, "chem": "lfp"}
    scenario = create_scenario(state, recording("Pack A", about), 60.0)
    collectors, lab, server = settings_of(state, scenario)
    assert collectors.clock.source == "replay"
    assert lab.plant is None
    (battery,) = server.batteries
    assert battery.name == "pack-a"
    assert (battery.capacity_ah, battery.initial_soc_pct) == (100.0, 40.0)
    assert battery.coulombic_efficiency == 1.0
    assert (battery.full.voltage_v, battery.full.tail_current_a) == (14.3, 1.5)
    assert scenario.truth.at(scenario.window()[0].timestamp()) == pytest.approx(50.0)
    assert scenario.truth.at(0.0) is None
    assert not scenario.over()


def test_a_recording_that_says_nothing(state, recording):
    scenario = create_scenario(state, recording("lab", stage=3, step_s=300), float("inf"))
    _, _, server = settings_of(state, scenario)
    (battery,) = server.batteries
    assert (battery.capacity_ah, battery.initial_soc_pct) == (12.0, 50.0)
    assert battery.full.charger_state == 3
    assert battery.max_gap_s == 900
    assert (
        settings_of(state, create_scenario(state, recording("idle", stage=0), 1.0))[2]
        .batteries[0]
        .full
        is None
    )


def test_what_is_no_recording(state, tmp_path):
    (tmp_path / "notes.parquet").write_text("notes")
    with pytest.raises(DemoError, match="Name a recording"):
        create_scenario(state, tmp_path / "notes.parquet", 60.0)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), (" 2 min ", 120), ("1h", 3600)]
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5s", "5 days", "s"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="Write 90s, 5m or 1h"):
        parse_duration(text)
