"""InfluxDB built from its published Go module, its dependencies pinned by go.mod and go.sum.

The module drives cargo for Flux's Rust parts through influxdata/pkg-config, which takes the place
of pkg-config during the build. The result has no web interface.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soclab_services.influxdb import VERSION
from soclab_services.influxdb.errors import InfluxdbError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# The tags and the linker variable are those of the vendor's own build script.
TAGS: Final = "sqlite_foreign_keys sqlite_json"
_LDFLAGS: Final = f"-X main.version=v{VERSION} -X main.commit=module"
_OLDEST_GO: Final = (1, 23)  # what go.mod asks for
_MESSAGE_INTERVAL_S: Final = 15.0
TOOLS: Final = {
    "go": "Install Go 1.23 or newer: https://go.dev/doc/install",
    "cargo": "Install Rust: https://rustup.rs",
    "cc": "Install a C compiler (Debian: apt-get install gcc libc6-dev)",
}


def install_from_source(folder: Path, say: Callable[[str], None]) -> Path:
    """Build influxd; return it within ``folder``. Takes minutes."""
    _check_tools()
    with tempfile.TemporaryDirectory(dir=folder) as scratch_name:
        scratch = Path(scratch_name)
        for file in ("go.mod", "go.sum"):
            packaged = resources.files("soclab_services.influxdb") / "source_build" / file
            (scratch / file).write_bytes(packaged.read_bytes())
        environment = build_environment(scratch)
        say("building InfluxDB from its Go module: about 6 minutes on 2 cores, once")
        _go_build(
            scratch,
            environment,
            ["-o", "pkg-config", "github.com/influxdata/pkg-config"],
            lambda _, took_s: say(f"building its helper program first: {took_s / 60:.1f} min"),
        )
        package = "github.com/influxdata/influxdb/v2/cmd/influxd"
        total = _count_packages(scratch, environment, package)
        _go_build(
            scratch,
            environment,
            ["-v", "-tags", TAGS, "-ldflags", _LDFLAGS, "-o", "influxd", package],
            lambda done, took_s: say(
                f"building: {took_s / 60:.1f} min, {done} of {total} packages begun"
            ),
        )
        built = folder / "influxd.built"
        (scratch / "influxd").replace(built)
    return built


def _check_tools() -> None:
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        raise InfluxdbError(
            f"building from source needs {', '.join(missing)}",
            "; ".join(TOOLS[tool] for tool in missing) + ".",
        )
    said = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=False)
    found = re.search(r"go(\d+)\.(\d+)", said.stdout)
    if found is None or (int(found[1]), int(found[2])) < _OLDEST_GO:
        raise InfluxdbError(
            f"building from source needs Go 1.23, not {said.stdout.strip() or said.stderr.strip()}",
            f"{TOOLS['go']}.",
        )


def build_environment(scratch: Path) -> dict[str, str]:
    """Return the environment of the build; writes the compiler wrapper that it names."""
    wrapper = scratch / "rustc-wrapper"
    # Flux turns lints into errors and newer compilers know more lints. RUSTFLAGS would not reach
    # the build scripts, a wrapper does.
    wrapper.write_text('#!/bin/sh\nexec "$@" --cap-lints allow\n', encoding="ascii")
    wrapper.chmod(0o700)
    environment = os.environ | {
        "PKG_CONFIG": str(scratch / "pkg-config"),
        "PATH": f"{scratch}:{os.environ.get('PATH', '')}",
        "RUSTC_WRAPPER": str(wrapper),
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "CGO_ENABLED": "1",
    }
    if shutil.which("rustup"):
        # Without it rustup would fetch the old toolchain that Flux's sources name.
        active = subprocess.run(
            ["rustup", "show", "active-toolchain"], capture_output=True, text=True, check=False
        )
        if active.stdout.split():
            environment["RUSTUP_TOOLCHAIN"] = active.stdout.split()[0]
    return environment


def _count_packages(scratch: Path, environment: Mapping[str, str], package: str) -> int:
    listed = subprocess.run(
        ["go", "list", "-deps", "-tags", TAGS, package],
        cwd=scratch,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return len(listed.stdout.splitlines())


def _go_build(
    scratch: Path,
    environment: Mapping[str, str],
    arguments: list[str],
    progress: Callable[[int, float], None],
) -> None:
    """Run ``go build``; what it printed last ends up in the error if it fails."""
    log = scratch / "build.log"
    started = time.monotonic()
    with (
        log.open("w") as output,
        subprocess.Popen(
            ["go", "build", *arguments], cwd=scratch, env=environment, stdout=output, stderr=output
        ) as build,
    ):
        try:
            while build.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    build.wait(_MESSAGE_INTERVAL_S)
                    break
                progress(log.read_bytes().count(b"\n"), time.monotonic() - started)
        except BaseException:
            build.terminate()
            raise
    if build.returncode:
        said = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        raise InfluxdbError(
            f"go build failed with exit code {build.returncode}:\n{said}\n",
            "Check the connection to the Go module proxy and the crates registry, then try again.",
        )
