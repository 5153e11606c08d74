"""What a program of soclab that every Raspberry Pi runs is called in the data."""

from __future__ import annotations

import platform
from typing import Final

OF_PROGRAMS: Final = ("uploader", "wlan")
"""Their folders in the spool; what their names begin with in the data."""

LONGEST: Final = 64
"""Characters that the contract allows in a name."""


def of_this_host(program: str) -> str:
    """Return tag ``instrument`` of such a program: ``uploader-pi1``.

    The host's name is part of it, since two programs that share a series have no restarts,
    no rates and no last words of their own.
    """
    return f"{program}-{platform.node().partition('.')[0]}"[:LONGEST].rstrip("-.")
