"""A private InfluxDB server in one folder: what to run and how to reach it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK: Final = "127.0.0.1"


class Server:
    """An influxd on loopback with everything it stores below ``folder``.

    Parameters
    ----------
    folder
        Data, port and secrets; a server started here again has what the last one stored.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.secrets = folder / "secrets"
        self.port = self._choose_port()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever stored here."""
        return not (self.folder / "influxd.bolt").exists()

    def command(self, binary: Path) -> list[str]:
        """Return the command line: nothing listens beyond loopback, nothing is reported home."""
        return [
            str(binary),
            f"--http-bind-address={LOOPBACK}:{self.port}",
            f"--bolt-path={self.folder / 'influxd.bolt'}",
            f"--sqlite-path={self.folder / 'influxd.sqlite'}",
            f"--engine-path={self.folder / 'engine'}",
            "--reporting-disabled",
            "--metrics-disabled",
            "--pprof-disabled",
            "--template-file-urls-disabled",
            "--hardening-enabled",
            "--strong-passwords",
            "--http-read-header-timeout=10s",
            "--log-level=info",
        ]

    def _choose_port(self) -> int:
        """Return the port of the last time if it is free, so that bookmarks stay good."""
        file = self.folder / "port"
        known = int(file.read_text()) if file.exists() else None
        port = known if known and _is_free(known) else _free_port()
        file.write_text(f"{port}\n")
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as influxd does
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
