"""The command line: exit codes, what goes to standard output, and quick help."""

import json
import subprocess
import sys

import pytest
from soclab_services.cli.main import app
from soclab_services.influxdb import VERSION
from typer.testing import CliRunner


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(app, arguments)


def test_json_is_all_there_is_on_standard_output(machine, run):
    path = machine.influxd(f"v{VERSION}")
    done = run("influxdb", "install", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"path": str(path), "method": "path", "version": VERSION}


def test_path_installs_nothing(machine, run):
    done = run("influxdb", "path")
    assert (done.exit_code, done.stdout) == (69, "")
    assert "soclab influxdb install" in done.stderr
    path = machine.influxd("v2.7.1")
    assert run("influxdb", "path").stdout.strip() == str(path)


def test_a_failed_installation_exits_with_unavailable(machine, run):
    done = run("influxdb", "install", "--method", "path")
    assert done.exit_code == 69
    assert "influxd is not on PATH" in done.stderr


def test_an_unknown_method_is_a_usage_error(run):
    assert run("influxdb", "install", "--method", "magic").exit_code == 2


def test_the_version_is_shown(run):
    assert run("--version").stdout.startswith("soclab 0.")


def test_help_imports_nothing_heavy():
    script = (
        "import sys, soclab_services.cli.main as m; from typer.testing import CliRunner;"
        "done = CliRunner().invoke(m.app, ['--help']); assert done.exit_code == 0, done.output;"
        "assert 'influxdb' in done.output and 'demo' in done.output;"
        "heavy = {'numpy', 'pyarrow', 'influxdb_client', 'pymodbus'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
