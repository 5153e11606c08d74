"""Programs are restarted when they crash, stopped when asked, and die with their parent."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from soclab_simulators.demo import unit as unit_module
from soclab_simulators.demo.programs import Programs
from soclab_simulators.demo.state import DemoError, State
from soclab_simulators.demo.unit import Unit


def wait_until(condition, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def unit(tmp_path, monkeypatch):
    monkeypatch.setattr(unit_module, "FIRST_BACKOFF_S", 0.05)
    with (tmp_path / "lock").open("w") as lock:
        made = []

        def make(script):
            made.append(Unit("it", ["/bin/sh", "-c", script], tmp_path / "it.log", lock.fileno()))
            made[-1].start()
            return made[-1]

        yield make
        for one in made:
            one.stop(0.0)


def test_a_crashed_program_is_started_again(unit):
    program = unit("echo here; exec sleep 60")
    first = program.pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not program.running)
    program.supervise()
    assert "crashed (exit -9)" in program.describe()
    wait_until(lambda: program.supervise() or program.running)
    assert program.pid != first
    assert (program.restarts, program.describe()) == (1, "restarted 1x")


def test_waits_grow_between_crashes(unit):
    program = unit("exit 1")
    started = time.monotonic()
    wait_until(lambda: program.supervise() or program.restarts == 4)
    assert time.monotonic() - started > 0.05 + 0.1 + 0.2 + 0.4


def test_a_refused_configuration_is_not_tried_again(unit):
    program = unit("echo key.x: unknown; exit 78")
    wait_until(lambda: program.supervise() or program.given_up)
    assert program.describe() == "refused its configuration: key.x: unknown"
    program.supervise()
    assert not program.running


def test_stopping_insists(unit):
    program = unit("trap '' TERM; echo ready; while :; do sleep 0.1; done")
    wait_until(lambda: "ready" in program.output())
    pid = program.pid
    program.stop(0.2)
    assert not Path(f"/proc/{pid}").exists()
    program.supervise()
    assert (program.running, program.describe()) == (False, "stopped")


def test_ctrl_c_of_the_terminal_does_not_reach_it(unit):
    program = unit("exec sleep 60")
    assert os.getpgid(program.pid) != os.getpgrp()


def test_it_dies_with_a_parent_that_is_killed(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from soclab_simulators.demo.unit import Unit\n"
        "with open(sys.argv[1] + '/lock', 'w') as lock:\n"
        "    one = Unit('it', ['/bin/sleep', '60'], Path(sys.argv[1], 'log'), lock.fileno())\n"
        "    one.start(); print(one.pid, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        pid = int(parent.stdout.readline())
        wait_until(lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n")
        parent.kill()
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def test_the_state_is_locked_until_the_last_program_is_gone(unit, tmp_path, monkeypatch):
    monkeypatch.setattr("soclab_simulators.demo.state._LOCK_PATIENCE_S", 0.2)
    first = State(tmp_path / "state")
    first.acquire(lambda _: None)
    child = Unit("it", ["/bin/sleep", "60"], tmp_path / "child.log", first.lock_descriptor)
    child.start()
    first._lock.close()  # as if the demo had died
    said = []
    with pytest.raises(DemoError, match="a demo is running"):
        State(tmp_path / "state").acquire(said.append)
    assert said == ["waiting for the programs of an earlier demo to end"]
    child.stop(1.0)
    State(tmp_path / "state").acquire(said.append)


def test_a_fresh_start_forgets_only_its_own(tmp_path):
    state = State(tmp_path)
    state.prepare(fresh=False)
    (tmp_path / "influxdb").mkdir()
    (tmp_path / "thesis").mkdir()
    state.prepare(fresh=True)
    assert (tmp_path / "thesis").exists()
    assert not (tmp_path / "influxdb").exists()
    assert state.archive.is_dir()


def test_only_the_last_archives_are_kept(tmp_path):
    for name in ("1", "2", "3", "4"):
        (tmp_path / "archive" / name).mkdir(parents=True)
    state = State(tmp_path)
    state.prepare(fresh=False)
    assert {p.name for p in (tmp_path / "archive").iterdir()} == {"3", "4", state.archive.name}


@pytest.mark.parametrize(
    ("script", "message"),
    [("echo no such port; exit 1", "it ended: no such port"), ("exec sleep 60", "READY has not")],
)
def test_waiting_for_a_program_says_what_it_said(tmp_path, script, message):
    state = State(tmp_path)
    state.prepare(fresh=False)
    programs = Programs(state)
    one = programs.start("it", ["/bin/sh", "-c", script])
    with pytest.raises(DemoError, match=message):
        programs.wait(one, lambda: False, 0.3, "READY")
    programs.stop()
    assert not one.running
