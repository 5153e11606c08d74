"""The collector side for the kill test: appends readings at a rate and keeps a ledger of them.

Usage: kill9_writer.py CONFIG NAME LEDGER LINES_PER_S
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from soclab_collectors.config import load_config
from soclab_collectors.line_protocol import field_set, series
from soclab_collectors.reading import Stamp
from soclab_collectors.spool import SpoolWriter


def main() -> None:
    """Append until SIGTERM."""
    config = load_config(Path(sys.argv[1]))
    name, rate = sys.argv[2], float(sys.argv[4])
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    ledger = os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(ledger, b"\n")  # ends what a killed predecessor may have been writing
    tags = series("battery", {"site": config.site, "instrument": name})
    spool = SpoolWriter(Path(config.spool.directory) / name, config.spool)
    chance = random.Random()
    while not stopped:
        time.sleep(1 / rate)
        now_ns, value = time.time_ns(), chance.uniform(10, 15)
        os.write(ledger, f"+ {now_ns} {value!r}\n".encode())
        spool.append(f"{tags} {field_set({'voltage_v': value})}", Stamp(now_ns))
        os.write(ledger, f"= {now_ns}\n".encode())
    spool.close()


if __name__ == "__main__":
    main()
