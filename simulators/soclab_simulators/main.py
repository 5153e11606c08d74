"""The program ``soclab-simulators``: a plant or a recording, and the devices that measure it.

Prints one line ``READY {…}`` with the name and address of every device once all can be reached,
and runs until SIGTERM or SIGINT. As a unit it tells the service manager as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from soclab_collectors import systemd

from soclab_simulators.lab import Lab, LabConfig

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    parser = argparse.ArgumentParser(prog="soclab-simulators", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        data = tomllib.loads(options.config.read_text(encoding="utf-8"))
        config = msgspec.convert(data, LabConfig)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        print(f"soclab-simulators: {options.config}: {error}", file=sys.stderr)  # noqa: T201
        return os.EX_CONFIG
    asyncio.run(_run(config))
    return os.EX_OK


async def _run(config: LabConfig) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with Lab(config) as lab:
        print(f"READY {json.dumps(lab.addresses())}", flush=True)  # noqa: T201
        systemd.notify("READY=1")
        running = asyncio.create_task(lab.run())
        stopping = asyncio.create_task(stopped.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()  # a device that fails takes the program down: someone restarts it
        running.cancel()
        stopping.cancel()


if __name__ == "__main__":
    sys.exit(main())
