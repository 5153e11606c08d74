"""``soclab demo`` as a user runs it: exact at the end, and nothing left behind however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SOCLAB = Path(sys.executable).parent / "soclab"
UNITS = {"influxd", "simulators", "labjack", "load", "mppt", "uploader"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.usefixtures("influxd_program"),
]


def processes(state):
    """Return the command lines by pid of everything that was started for this state folder."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if str(state) in command:
                found[int(folder.name)] = command
    return found


def wait_until(condition, timeout_s):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture
def state(tmp_path):
    yield tmp_path / "state"
    for pid in processes(tmp_path / "state"):  # only after a failure
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def start(state, influxd_program, tmp_path):
    """Start a demo in the state folder; its standard error goes to a file."""
    path = f"{influxd_program.parent}:{os.environ['PATH']}"

    def start(*arguments):
        with (tmp_path / "stderr").open("ab") as stderr:
            return subprocess.Popen(
                [SOCLAB, "demo", "--state", state, *arguments],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env=os.environ | {"PATH": path},
            )

    return start


def finish(process, state, timeout_s=60):
    """Return the one line of JSON of a demo that ended well, leaving nothing behind."""
    output, _ = process.communicate(timeout=timeout_s)
    assert process.returncode == 0, (output, (state.parent / "stderr").read_text())
    assert processes(state) == {}
    (line,) = output.splitlines()
    return json.loads(line)


def unit_pids(state):
    """Return the pids of the programs of a running demo, by name of the unit."""
    marks = {
        "influxd": "--http-bind-address",
        "simulators": "soclab-simulators",
        "labjack": "soclab-collector run labjack",
        "load": "soclab-collector run load",
        "mppt": "soclab-collector run mppt",
        "uploader": "soclab-uploader",
    }
    running = processes(state)
    return {n: pid for n, mark in marks.items() for pid, c in running.items() if mark in c}


def readings(state):
    """Return how many lines of the first instrument InfluxDB has confirmed so far."""
    segments = (state / "archive").glob("*/labjack/*.lp")
    return sum(segment.read_text().count("\n") for segment in segments)


def test_every_reading_is_stored_once_and_a_second_start_takes_up_the_state(start, state, figure):
    first = finish(start("--for", "20s", "--json"), state)
    assert first["accepted"] >= 50  # three instruments at 1 Hz and what the units say of themselves
    assert first["stored"] + first["waiting"] == first["accepted"]
    assert first["lost"] == first["duplicated"] == 0
    assert first["restarts"] == {}
    assert 0 < first["latency_s"]["p50"] <= first["latency_s"]["p99"]
    coulomb = first["soc"]["coulomb"]
    assert coulomb["max_error_pct"] < 10
    assert coulomb["rmse_pct"] <= coulomb["max_error_pct"]
    assert coulomb["sigma_pct"] > 0

    second = finish(start("--for", "5s", "--json"), state)
    assert second["lost"] == second["duplicated"] == 0
    assert second["accepted"] < first["accepted"]  # counted since this start
    figure(
        f"demo: first reading after {first['first_reading_s']} s, at a second start after"
        f" {second['first_reading_s']} s (goal: 10)"
    )
    secrets = state / "influxdb" / "secrets"
    assert {oct(f.stat().st_mode & 0o777) for f in secrets.iterdir()} == {"0o600"}


def test_crashed_programs_are_restarted_and_nothing_is_lost(start, state):
    demo = start("--for", "40s", "--json")
    wait_until(lambda: unit_pids(state).keys() == UNITS, 30)
    time.sleep(3)
    for name in sorted(UNITS):
        os.kill(unit_pids(state)[name], signal.SIGKILL)
        wait_until(lambda: unit_pids(state).keys() == UNITS, 30)
    result = finish(demo, state)
    assert result["restarts"].keys() == UNITS
    assert result["accepted"] >= 30
    assert result["lost"] == result["duplicated"] == 0


def test_a_killed_demo_leaves_no_orphans_and_loses_nothing(start, state):
    demo = start()
    wait_until(lambda: readings(state) > 10, 40)
    demo.kill()
    demo.communicate()
    wait_until(lambda: processes(state) == {}, 20)
    result = finish(start("--for", "5s", "--json"), state)
    assert result["lost"] == result["duplicated"] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_demo_ends_in_order(start, state, number):
    demo = start()
    wait_until(lambda: readings(state) > 0, 40)
    demo.send_signal(number)
    output, _ = demo.communicate(timeout=40)
    assert demo.returncode == 0, output
    assert "0 lost, 0 duplicated" in output
    assert processes(state) == {}


def test_a_demo_interrupted_while_it_starts_stops_at_once(start, state):
    demo = start("--json")
    wait_until(lambda: "simulators" in unit_pids(state), 30)
    demo.send_signal(signal.SIGINT)
    output, _ = demo.communicate(timeout=20)
    assert (demo.returncode, output) == (130, "")
    assert processes(state) == {}


def test_a_demo_that_cannot_start_says_what_to_do_and_cleans_up(start, state):
    state.mkdir()
    (state / "spool").write_text("a file where a folder should be")
    demo = start("--for", "5s", "--json")
    output, _ = demo.communicate(timeout=40)
    assert (demo.returncode, output) == (1, "")
    assert "spool" in (state.parent / "stderr").read_text()
    assert processes(state) == {}


def test_a_senseless_duration_is_a_usage_error(start):
    demo = start("--for", "soon")
    demo.communicate(timeout=20)
    assert demo.returncode == 2
