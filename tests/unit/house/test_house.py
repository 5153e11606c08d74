"""Properties of the repository as a whole."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SECRET = "influxdb_token = '" + "mKq3Xn8sVz0Jb5RtYw2L" * 4 + "Hd9Pf4=='\n"


def test_help_lists_every_target():
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    shown = subprocess.check_output(["make", "--no-print-directory"], cwd=ROOT, text=True)
    assert re.findall(r"^  make (\S+) ", shown, re.MULTILINE) == declared.split()


def test_ci_runs_what_everybody_runs():
    assert (ROOT / ".ci" / "run").read_text().split("\n") == [
        "#!/usr/bin/env bash",
        "set -euo pipefail",
        "make test",
        "",
    ]


def test_no_path_of_one_machine():
    # On a guest of the virtual lab, /root is the same everywhere.
    guests = ("scripts/nspawn-hosts", "tests/molecule", "ansible/roles/*/molecule/*")
    apart = [f":!{path}" for path in ("tests/unit/house", *guests)]
    found = subprocess.run(
        ["git", "grep", "-nIE", r"/(home|Users)/[a-z]+/|/root/", "--", *apart],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""


def test_packages_come_from_pypi():
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    registries = {p["source"].get("registry") for p in lock["package"]}
    assert registries == {None, "https://pypi.org/simple"}


@pytest.mark.parametrize(("text", "returncode"), [("nothing = 1\n", 0), (SECRET, 1)])
def test_a_secret_is_found(tmp_path, text, returncode):
    for name in ("scripts", ".config", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    scripts = tmp_path / "own"
    scripts.mkdir()
    (scripts / "scan-secrets").write_bytes((ROOT / "scripts" / "scan-secrets").read_bytes())
    (scripts / "scan-secrets").chmod(0o755)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / "settings.py").write_text(text, encoding="utf-8")
    done = subprocess.run([scripts / "scan-secrets"], capture_output=True, text=True, check=False)
    assert done.returncode == returncode, done.stdout + done.stderr
    assert ("SOCLAB.INFLUXDB.TOKEN" in done.stdout) == bool(returncode)
