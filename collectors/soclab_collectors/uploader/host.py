"""What the uploader says of the host it runs on: room on its disk, heat of its processor."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_THERMAL: Final = Path("/sys/class/thermal/thermal_zone0/temp")  # of the processor, on a Pi


def host_fields(directory: Path, thermal: Path = _THERMAL) -> dict[str, float]:
    """Return fields of measurement ``collector``.

    ``disk_free_bytes`` (B) and ``disk_used_pct`` (%) are of the file system of ``directory``, as
    ``df`` has them for a user that is not root; ``cpu_temperature_c`` (°C) is left out where the
    host has no such sensor.
    """
    disk = os.statvfs(directory)
    used = disk.f_blocks - disk.f_bfree
    fields = {"disk_free_bytes": float(disk.f_bavail * disk.f_frsize)}
    if whole := used + disk.f_bavail:
        fields["disk_used_pct"] = 100.0 * used / whole
    # Most virtual machines have no such sensor, and one may have no value at a moment.
    with suppress(OSError, ValueError):
        fields["cpu_temperature_c"] = int(thermal.read_text(encoding="ascii")) / 1000.0
    return fields
