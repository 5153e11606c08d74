"""A collector reduced to clock and instrument: writes what it reads as lines, until killed.

Arguments: port, timeline, output. Every batch of readings is written at once, so that what stands
in the output is what was read, also after kill -9.
"""

import os
import sys
import time
from pathlib import Path

from soclab_collectors.clock.replay import ReplayClock
from soclab_collectors.errors import BadReplyError, UnavailableError
from soclab_collectors.instruments.thingset.config import ThingSetConfig


def main():
    port, timeline, output = sys.argv[1:]
    instrument = ThingSetConfig(name="mppt", battery="b1", path=port).create(
        ReplayClock(Path(timeline))
    )
    file = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    while True:
        try:
            instrument.open()
            while True:
                try:
                    readings = instrument.read()
                except BadReplyError as error:
                    os.write(file, f"error {error}\n".encode())
                    continue
                lines = [
                    f"{r.stamp.time_ns} {r.fields['voltage_v']!r} {r.fields['current_a']!r}"
                    f" {r.fields.get('temperature_c')!r}\n"
                    for r in readings
                    if r.measurement == "battery"
                ]
                os.write(file, "".join(lines).encode())
        except UnavailableError:
            time.sleep(0.1)


if __name__ == "__main__":
    main()
