"""How many lines a second the uploader brings into a real influxd on this machine.

Run: .venv/bin/python -m benchmarks.uploader
"""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

from benchmarks.figure import figure
from tests.pipeline.influxd import Influxd, find_influxd
from tests.pipeline.uploading import START_NS, Bench, write_config

INSTRUMENTS = 4
LINES = 1_000_000


def main() -> None:
    """Fill a spool with a backlog, drain it, count what is stored."""
    program = find_influxd()
    assert program is not None, "influxd not found: run make setup"
    with tempfile.TemporaryDirectory() as folder:
        server = Influxd(program, Path(folder) / "influxdb")
        try:
            bench = Bench(write_config(Path(folder), server.url, server.write_token_file))
            each = LINES // INSTRUMENTS
            for instrument in range(INSTRUMENTS):
                fill(bench.directory / f"i{instrument}", instrument, each)
            started, processor_s = time.perf_counter(), time.process_time()
            bench.drain(max_steps=LINES)
            elapsed_s = time.perf_counter() - started
            processor_s = time.process_time() - processor_s
            stored = server.count("raw", "battery", "voltage_v")
        finally:
            server.stop()
    assert stored == LINES, f"{stored} of {LINES} stored"
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    figure("uploader, stored in influxd", LINES / elapsed_s, "lines/s", at_least=100_000)
    figure("uploader, processor time", processor_s / LINES * 1e5, "s/100,000 lines")
    figure("uploader, most memory, with the tools of this benchmark", peak_mb, "MB")


def fill(folder: Path, instrument: int, lines: int) -> None:
    """Write closed segments as a spool writer leaves them after an outage."""
    folder.mkdir()
    series = f"battery,battery=b{instrument},instrument=i{instrument},site=lab"
    a_segment = 40_000
    for number, first in enumerate(range(0, lines, a_segment), start=1):
        rows = (
            f"{series} voltage_v={12 + n % 997 / 997!r},current_a={n % 313 / 100 - 1.5!r}"
            f" {START_NS + n * 10**9}\n"
            for n in range(first, min(first + a_segment, lines))
        )
        (folder / f"{number:012d}.lp").write_text("".join(rows))


if __name__ == "__main__":
    main()
