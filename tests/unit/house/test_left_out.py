"""The run's own accountant: what it reports, and when it makes a run fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[2] / "conftest.py"
# Without this project's settings, and leaving no cache behind.
ALONE = ("-p", "no:cacheprovider", "-c", os.devnull)
TESTS = """
import pytest

def test_runs():
    pass

@pytest.mark.skip(reason="no fridge; buy one")
def test_fridge():
    pass

@pytest.mark.xfail(reason="water is wet")
def test_dry():
    assert False
"""
BOTH = """
[[left_out]]
test = "test_things.py::test_fridge"
reason = "CI has no kitchen"
[[left_out]]
test = "test_things.py::test_d*"
reason = "CI has no towel"
"""
STALE = """
[[left_out]]
test = "test_things.py::test_runs"
reason = "once upon a time"
"""


@pytest.fixture
def run(tmp_path):
    def _run(*arguments, tests=TESTS, listed="", ci="true"):
        shutil.copy(CONFTEST, tmp_path)
        (tmp_path / "left_out.toml").write_text(listed, encoding="utf-8")
        (tmp_path / "test_things.py").write_text(tests, encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-m", "pytest", *ALONE, "--rootdir", str(tmp_path), *arguments],
            cwd=tmp_path,
            env={**os.environ, "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    return _run


def test_says_what_was_left_out_and_why(run):
    done = run(ci="")
    assert done.returncode == 0
    assert "1 left out: no fridge; buy one\n    test_things.py::test_fridge\n" in done.stdout
    assert "1 left out: water is wet\n    test_things.py::test_dry\n" in done.stdout
    assert "1 passed, 1 skipped, 1 xfailed" in done.stdout.splitlines()[-1]


def test_in_ci_leaving_out_fails(run):
    done = run()
    assert done.returncode == 1
    assert "test_things.py::test_fridge (NOT LISTED)" in done.stdout


def test_in_ci_a_listed_reason_suffices(run):
    done = run(listed=BOTH)
    assert done.returncode == 0
    assert "test_fridge (listed: CI has no kitchen)" in done.stdout
    assert "stale" not in done.stdout


@pytest.mark.parametrize("arguments", [["-k", "runs"], ["--deselect", "test_things.py::test_dry"]])
@pytest.mark.parametrize("processes", [[], ["-p", "xdist", "-n", "2"]], ids=["one", "two"])
def test_deselecting_is_leaving_out(run, arguments, processes):
    done = run(*arguments, *processes, listed=STALE)
    assert done.returncode == 1
    assert "left out: deselected" in done.stdout


def test_a_module_that_skips_itself_is_left_out(run):
    done = run(tests="import pytest\npytest.skip('no sea', allow_module_level=True)\n")
    assert done.returncode != 0
    assert "1 left out: no sea\n    test_things.py (NOT LISTED)" in done.stdout


def test_what_several_processes_left_out_is_reported(run):
    done = run("-p", "xdist", "-n", "2")
    assert done.returncode == 1
    assert "test_things.py::test_fridge (NOT LISTED)" in done.stdout
    assert run("-p", "xdist", "-n", "2", listed=BOTH).returncode == 0


def test_a_stale_entry_is_reported(run):
    done = run(listed=BOTH + STALE)
    assert done.returncode == 0
    assert "left_out.toml: test_things.py::test_runs was not left out here" in done.stdout


def test_no_tests_at_all_is_no_success(run):
    assert run(tests="", listed=BOTH).returncode == pytest.ExitCode.NO_TESTS_COLLECTED
