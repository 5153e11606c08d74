"""What the kernel knows of an interface: link, addresses, gateways, neighbours; asked of ip(8)."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soclab_collectors.wlan.commands import Run

_DISCARD_PORT: Final = 9  # whatever arrives there is thrown away; we only want it sent
_POLL_S: Final = 0.2
# States of a neighbour (ip-neighbour(8)) that prove that it is there.
_PRESENT: Final = frozenset({"REACHABLE", "PERMANENT", "NOARP"})


class Links:
    """One interface.

    Parameters
    ----------
    interface
        Its name.
    run
        Runs commands.
    """

    def __init__(self, interface: str, run: Run) -> None:
        self._interface = interface
        self._run = run

    def trouble(self) -> str | None:
        """Return what is wrong with link or addresses, None if they are as they should be."""
        found = self._ip("address", "show", "dev", self._interface)
        if not found:
            return f"there is no {self._interface}"
        if "LOWER_UP" not in found[0].get("flags", []):
            return f"the link of {self._interface} is down"
        if not any(_usable(a.get("local", "")) for a in found[0].get("addr_info", [])):
            return f"{self._interface} has no address"
        return None

    def gateways(self) -> list[str]:
        """Return the default gateways reached through the interface."""
        return [
            route["gateway"]
            for family in ("-4", "-6")
            for route in self._ip(family, "route", "show", "default", "dev", self._interface)
            if "gateway" in route
        ]

    def on_link(self, addresses: Sequence[str]) -> list[str]:
        """Return the addresses that are reached through the interface without a gateway."""
        routes = [(a, r) for a in addresses for r in self._ip("route", "get", a)]
        return [a for a, r in routes if r.get("dev") == self._interface and "gateway" not in r]

    def answers(self, address: str, timeout_s: float) -> bool:
        """Tell whether a neighbour is there: on the wire, whatever its firewall thinks of us.

        A datagram makes the kernel ask for the neighbour's hardware address (ARP, NDP).
        """
        self._provoke(address)
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            time.sleep(_POLL_S)
            neighbours = self._ip("neighbour", "show", "to", address, "dev", self._interface)
            states = {state for n in neighbours for state in n.get("state", [])}
            if states & _PRESENT:
                return True
            if "FAILED" in states:
                return False
        return False

    def _provoke(self, address: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        # No route, no buffers, no such interface: then the neighbour stays silent, too.
        with (
            contextlib.suppress(OSError),
            socket.socket(family, socket.SOCK_DGRAM) as sender,
        ):
            sender.setsockopt(
                socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._interface.encode() + b"\0"
            )
            where: tuple[Any, ...] = (address, _DISCARD_PORT)
            if family is socket.AF_INET6:
                where = (address, _DISCARD_PORT, 0, socket.if_nametoindex(self._interface))
            sender.sendto(b"", where)

    def _ip(self, *arguments: str) -> list[dict[str, Any]]:
        done = self._run(["ip", "-json", *arguments])
        try:
            found = json.loads(done.output or "[]") if done.code == 0 else []
        except json.JSONDecodeError:
            return []
        return [entry for entry in found if entry]  # ip writes {} for what it filtered out


def _usable(address: str) -> bool:
    """Tell addresses that a network gave out from those that a host gives itself."""
    try:
        return not ip_address(address).is_link_local
    except ValueError:
        return False
