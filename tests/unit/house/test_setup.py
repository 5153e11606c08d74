"""scripts/setup on machines that are not ready: it says what to install."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OLD_UV = 'echo "uv 0.1.0"'
PYTHON_3_9 = '[ "$1" = --version ] && echo "Python 3.9.2"; exit 1'
NO_VENV_NO_PIP = '[ "$1" = -c ] && { echo "$0"; exit 0; }; echo "no ensurepip"; exit 1'


@pytest.fixture
def set_up(tmp_path):
    """Run a copy of the script where python3 and uv are what the test says."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "setup", tmp_path / "scripts")
    programs = tmp_path / "bin"
    programs.mkdir()

    def _set_up(python, uv=OLD_UV):
        names = {"uv": uv} | dict.fromkeys(["python3", *(f"python3.{n}" for n in range(11, 15))])
        for name, body in names.items():
            (programs / name).write_text(f"#!/bin/sh\n{body or python}\n", encoding="utf-8")
            (programs / name).chmod(0o755)
        return subprocess.run(
            [tmp_path / "scripts" / "setup"],
            env={
                **os.environ,
                "PATH": f"{programs}:{os.environ['PATH']}",
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
                "PYTHON": str(programs / "python3"),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return _set_up


def test_an_old_python_is_named(set_up):
    done = set_up(PYTHON_3_9)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; found: Python 3.9.2" in done.stderr
    assert "apt install python3" in done.stderr


def test_without_venv_and_pip_the_package_is_named(set_up, tmp_path):
    done = set_up(NO_VENV_NO_PIP)
    assert done.returncode == 1
    assert "apt install python3-venv" in done.stderr
    assert not (tmp_path / "cache").exists()


def test_a_uv_that_is_there_is_used(set_up):
    done = set_up(
        f'exec {sys.executable} "$@"', uv='[ "$1" = sync ] && echo "SYNC $@"; echo "uv 0.9.0"'
    )
    assert done.returncode == 0
    assert "SYNC sync --locked --all-packages --python" in done.stdout
