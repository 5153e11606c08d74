"""Looks along the path to the server; if the server is silent, asks whether the network is."""

from __future__ import annotations

import socket
import time
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from soclab_collectors.wlan.links import Links

if TYPE_CHECKING:
    from soclab_collectors.wlan.commands import Run
    from soclab_collectors.wlan.config import WlanConfig


class Path(Enum):
    """How far the path goes."""

    SERVER = "the server answers"
    NETWORK = "the network works, the server does not answer"
    NOTHING = "the network does not work"


class Seen(NamedTuple):
    """One look: how far, why no further, how long the server took."""

    path: Path
    reason: str = ""
    connect_s: float = 0.0


class Observer:
    """Looks along the path, as configured."""

    def __init__(self, config: WlanConfig, run: Run) -> None:
        self._config = config
        self._server = config.server()
        self._links = Links(config.interface, run)
        self._addresses: list[str] = []

    def look(self) -> Seen:
        """Look once; takes up to the sum of the configured timeouts."""
        started = time.monotonic()
        reason = self._connect()
        if reason is None:
            return Seen(Path.SERVER, connect_s=time.monotonic() - started)
        silent = self._network_trouble()
        path = Path.NETWORK if silent is None else Path.NOTHING
        return Seen(path, f"{silent or reason}", time.monotonic() - started)

    def _connect(self) -> str | None:
        """Try to reach the server; return why it cannot be."""
        try:
            found = socket.getaddrinfo(
                self._server.host, self._server.port, type=socket.SOCK_STREAM
            )
        except OSError as error:
            return f"{self._server.host} has no address: {error.strerror or error}"
        self._addresses = [str(entry[4][0]) for entry in found]
        try:
            timeout_s = self._config.connect_timeout_s
            socket.create_connection(self._server, timeout=timeout_s).close()
        except OSError as error:
            return f"{self._server}: {error.strerror or error}"
        return None

    def _network_trouble(self) -> str | None:
        """Return what is wrong with the network, None if the server alone is away.

        Any neighbour that answers shows that the network works. Without one to ask, a link with an
        address is taken for good: what cannot be judged is no reason to reboot.
        """
        trouble = self._links.trouble()
        if trouble is not None:
            return trouble
        witnesses = [self._config.witness] if self._config.witness else self._links.gateways()
        witnesses += self._links.on_link(self._addresses)
        if not witnesses:
            return None
        for address in dict.fromkeys(witnesses):
            if self._links.answers(address, self._config.neighbour_timeout_s):
                return None
        return f"{' and '.join(dict.fromkeys(witnesses))} not there on {self._config.interface}"
