"""How many lines a second the spool accepts durably, with an fsync every second.

Run: .venv/bin/python -m benchmarks.spool [FOLDER]   (a folder on the disk that matters)
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from soclab_collectors.config.model import SpoolConfig
from soclab_collectors.line_protocol import field_set, series
from soclab_collectors.reading import Stamp
from soclab_collectors.spool import SpoolWriter

from benchmarks.figure import figure

SECONDS = 5.0


def main() -> None:
    """Append for some seconds and count what is durable at the end."""
    tags = series("battery", {"site": "lab", "battery": "b1", "instrument": "bms"})
    fields = {"voltage_v": 12.8437, "current_a": -3.251, "power_w": -41.757, "temperature_c": 21.5}
    where = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        spool = SpoolWriter(Path(folder) / "bms", SpoolConfig(fsync_s=1.0))
        body = f"{tags} {field_set(fields)}"
        started, processor_s = time.perf_counter(), time.process_time()
        slowest_s = 0.0
        number = 0
        while (now := time.perf_counter()) - started < SECONDS:
            spool.append(body, Stamp(1_700_000_000_000_000_000 + number))
            slowest_s = max(slowest_s, time.perf_counter() - now)
            number += 1
        spool.close()  # until the last line is durable
        elapsed_s = time.perf_counter() - started
        processor_s = time.process_time() - processor_s
        assert spool.accepted_lines == number
    rate = number / elapsed_s
    figure("spool, accepted durably at fsync 1 s", rate, "lines/s", at_least=50_000)
    figure("spool, processor time", processor_s / number * 1e6, "us/line")
    figure("spool, slowest append", slowest_s * 1e3, "ms")


if __name__ == "__main__":
    main()
