"""Which serial port names a configuration may use."""

from __future__ import annotations

from typing import Final

STABLE_DIRECTORY: Final = "/serial/by-id/"


def check_serial_port(path: str, *, allow_unstable: bool) -> None:
    """Refuse names that another device may have after the next replug or reboot.

    Raises
    ------
    ValueError
        As ``InstrumentConfig.validate`` raises it: "key: reason. remedy".
    """
    if not path.startswith("/"):
        raise ValueError(f"port: {path!r} is no device path. Use one of /dev/serial/by-id/")
    if STABLE_DIRECTORY not in path and not allow_unstable:
        raise ValueError(
            f"port: {path} may be another device after a replug. Use its name in"
            " /dev/serial/by-id/ (ls -l shows them), or set allow_unstable_port = true"
        )
