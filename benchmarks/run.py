"""Runs every benchmark, one after the other, and prints all their figures together at the end."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.figure import MARK

# From the wire to the task; each runs alone, so that none measures another one's load.
ORDER = ("collector_unit", "labjack_stream", "spool", "uploader", "soc_task", "telegraf_peer")


def main() -> int:
    """Return how many benchmarks failed."""
    figures: list[str] = []
    failed: list[str] = []
    for number, name in enumerate(ORDER, start=1):
        print(f"[{number}/{len(ORDER)}] benchmarks/{name}.py", flush=True)
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
