"""Formats flux/*.flux as Flux itself does, and notes in flux/formatted.sha256 that it did.

The formatter is part of libflux, which is built once from its Go module (minutes, in the cache).
A test compares the sums, so that nobody needs the formatter to see that it was forgotten.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import Final

import platformdirs
from soclab_services.influxdb.source import build_environment

FLUX: Final = Path(__file__).parents[1] / "flux"
SUMS: Final = FLUX / "formatted.sha256"
LIBRARY: Final = "github.com/influxdata/flux/libflux/go/libflux"
PROGRAM: Final = """\
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"%s"
)

func main() {
	source, err := io.ReadAll(os.Stdin)
	tree := libflux.ParseString(string(source))
	if err == nil {
		err = tree.GetError(libflux.NewOptions(context.Background()))
	}
	formatted := ""
	if err == nil {
		formatted, err = tree.Format()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(formatted)
}
"""


def main() -> None:
    """Format every task."""
    formatter = find_formatter()
    sums = []
    for path in sorted(FLUX.glob("*.flux")):
        done = subprocess.run(
            [formatter], input=path.read_bytes(), stdout=subprocess.PIPE, check=False
        )
        if done.returncode:
            sys.exit(f"{path} was not formatted (see above)")
        path.write_bytes(done.stdout)
        sums.append(f"{hashlib.sha256(done.stdout).hexdigest()}  {path.name}\n")
    SUMS.write_text("".join(sums), encoding="ascii")


def find_formatter() -> Path:
    """Return the formatter, built if it is not in the cache."""
    cached = platformdirs.user_cache_path("soclab") / "fluxfmt" / "fluxfmt"
    if cached.exists():
        return cached
    print("building the Flux formatter from its Go module: some minutes, once", file=sys.stderr)
    cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
        scratch = Path(folder)
        for file in ("go.mod", "go.sum"):  # those of InfluxDB: the Flux that will run the tasks
            packaged = resources.files("soclab_services.influxdb") / "source_build" / file
            (scratch / file).write_bytes(packaged.read_bytes())
        (scratch / "main.go").write_text(PROGRAM % LIBRARY, encoding="ascii")
        environment = build_environment(scratch)
        for program, package in (("pkg-config", "github.com/influxdata/pkg-config"), (cached, ".")):
            command = ["go", "build", "-o", str(program), package]
            subprocess.run(command, cwd=scratch, env=environment, check=True)
    return cached


if __name__ == "__main__":
    main()
