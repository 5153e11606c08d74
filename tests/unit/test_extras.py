"""A command whose extra is not installed says how to get it."""

import subprocess
import sys

import pytest

ESTIMATE = ["soc", "estimate", "a.parquet", "--meta", "m.json", "-o", "o.parquet"]
FIT = ["model", "fit", "a", "b", "--chemistry", "la", "--capacity-ah", "9", "-o", "m.json"]
COMMANDS = {"numba": ESTIMATE, "pyarrow": ESTIMATE, "scipy": FIT}


@pytest.mark.parametrize("module", COMMANDS)
def test_the_extra_is_named(module):
    program = (
        f"import sys; sys.modules[{module!r}] = None; sys.argv[1:] = {COMMANDS[module]!r};"
        "from soclab_services.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 69, done.stderr
    assert f"needs {module}" in done.stderr
    assert "soclab-services[estimation]" in done.stderr
    assert "Traceback" not in done.stderr
