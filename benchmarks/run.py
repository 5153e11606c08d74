"""Runs every benchmark, one after the other, and prints all their figures together at the end.

Each runs alone, so that none measures the load of another.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figure import MARK

HERE = Path(__file__).parent


def programs() -> list[str]:
    """Return every benchmark of this folder: what can be run by itself, but for this program."""
    own = sorted(p for p in HERE.glob("*.py") if p.name != Path(__file__).name)
    return [p.stem for p in own if 'if __name__ == "__main__":' in p.read_text(encoding="utf-8")]


def main() -> int:
    """Return how many benchmarks failed."""
    figures: list[str] = []
    failed: list[str] = []
    names = programs()
    for number, name in enumerate(names, start=1):
        print(f"[{number}/{len(names)}] benchmarks/{name}.py", flush=True)
        started = time.monotonic()
        found, returncode = _run(name)
        figures += found
        if returncode:
            failed.append(name)
        took_s = time.monotonic() - started
        print(f"  {'FAILED' if returncode else 'done'} after {took_s:.0f} s", flush=True)
    print("\nFigures of this machine:")
    print("\n".join(figures))
    if failed:
        print(f"Failed, figures missing: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


def _run(name: str) -> tuple[list[str], int]:
    """Run one benchmark, pass on what it prints, return its figures."""
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        figures = []
        for line in process.stdout:
            if line.startswith(MARK):
                figures.append(line.removeprefix(MARK).strip())
            print(f"  {line}", end="", flush=True)
    return figures, process.returncode


if __name__ == "__main__":
    sys.exit(main())
