"""The build from source: its environment, its progress and how it fails."""

import pytest
from soclab_services.influxdb import VERSION, source
from soclab_services.influxdb.errors import InfluxdbError
from soclab_services.influxdb.install import install

GO = f"""
case "$1" in
  env) echo go1.26.8 ;;
  list) seq 1384 ;;
  build)
    [ -f go.sum ] || exit 9
    while [ "$1" != -o ]; do shift; done
    if [ "$2" = influxd ]; then
      echo first/package >&2; sleep 0.3; echo second/package >&2
      echo "flags $GOFLAGS wrapper $RUSTC_WRAPPER pkg-config $PKG_CONFIG" > "$LOG"
      "$RUSTC_WRAPPER" echo rustc >> "$LOG"
      printf '#!/bin/sh\\necho "InfluxDB v{VERSION} (git: module)"\\n' > influxd
    else
      echo built > "$2"
    fi ;;
esac
"""


@pytest.fixture
def toolchain(machine, monkeypatch, tmp_path):
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setattr(source, "_MESSAGE_INTERVAL_S", 0.1)
    machine.real("sh", "sleep", "seq", "echo")
    machine.program("go", GO)
    machine.program("cargo", "exit 0")
    machine.program("cc", "exit 0")
    return machine


def test_a_build_ends_in_the_cache_and_reports_progress(toolchain, tmp_path):
    installed = install("source", toolchain.said.append)
    assert installed.path == toolchain.cache / VERSION / "influxd"
    assert installed.method == "source"
    assert "about 6 minutes" in toolchain.said[0]
    assert "1 of 1384 packages" in toolchain.said[1]
    flags, wrapped = (tmp_path / "log").read_text().splitlines()
    assert "flags -mod=readonly -buildvcs=false" in flags
    assert wrapped == "rustc --cap-lints allow"
    left = {p.name for p in (toolchain.cache / VERSION).iterdir()}
    assert left == {"influxd", ".lock"}


def test_a_failing_build_shows_what_the_compiler_said(toolchain):
    toolchain.program("go", 'if [ "$1" = build ]; then echo no disk left >&2; exit 1; fi\n' + GO)
    with pytest.raises(InfluxdbError, match="no disk left"):
        install("source", toolchain.said.append)
    assert {p.name for p in (toolchain.cache / VERSION).iterdir()} == {".lock"}


@pytest.mark.parametrize("said", ["go1.19.8", "nonsense"])
def test_an_old_compiler_is_refused_before_anything_is_built(toolchain, said):
    toolchain.program("go", f"echo {said}")
    with pytest.raises(InfluxdbError, match=r"needs Go 1\.23"):
        install("source", toolchain.said.append)


def test_rustup_is_told_to_use_what_is_installed(toolchain, tmp_path):
    toolchain.program("rustup", "echo 1.95-x86_64-unknown-linux-gnu '(default)'")
    environment = source.build_environment(tmp_path)
    assert environment["RUSTUP_TOOLCHAIN"] == "1.95-x86_64-unknown-linux-gnu"
