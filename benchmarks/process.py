"""What a running process costs, from /proc."""

from __future__ import annotations

import os
import re
from pathlib import Path


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used, all its threads, without its children."""
    # The second field, the name, may hold spaces: fields count from behind its closing bracket.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def pss_mb(pid: int) -> float:
    """Return the resident memory of a process in MB, pages shared with others counted in part."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    assert found, rollup
    return int(found[1]) * 1024 / 1e6
