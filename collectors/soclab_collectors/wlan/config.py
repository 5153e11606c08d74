"""``wlan.toml``: a file of its own, so that a mistake at an instrument cannot keep a Pi away."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from msgspec import Meta, Struct, field

from soclab_collectors.config.load import read_config
from soclab_collectors.config.model import Positive, SpoolConfig
from soclab_collectors.errors import ConfigError
from soclab_collectors.instruments.base import Name

if TYPE_CHECKING:
    from pathlib import Path

_PORTS: Final = {"http": 80, "https": 443}


class WlanConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `soclab-wlan-reconnect` watches, and when it does what about it."""

    site: Name
    """Name of the lab; a tag of everything stored."""
    server_url: str
    """Address of the server; its host and port are what must be reachable."""
    interface: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,15}$")] = "wlan0"
    """Network interface that is watched."""
    backend: Literal["auto", "networkmanager", "dhcpcd"] = "auto"
    """Who manages the interface; auto asks what runs."""
    witness: str = ""
    """Address that always answers on this network, instead of the default gateway."""
    check_s: Annotated[float, Meta(ge=1, le=60)] = 30.0
    """How often the path to the server is tried."""
    connect_timeout_s: Annotated[float, Meta(gt=0, le=30)] = 5.0
    """How long the server may take to accept a connection."""
    neighbour_timeout_s: Annotated[float, Meta(gt=0, le=30)] = 10.0
    """How long the gateway may take to answer; the kernel needs 8 s to give it up."""
    reconnect_after_s: Positive = 60.0
    """Trouble lasts so long: reconnect."""
    restart_interface_after_s: Positive = 180.0
    """Trouble lasts so long: restart the interface."""
    restart_service_after_s: Positive = 420.0
    """Trouble lasts so long: restart the network service."""
    reboot_after_s: Positive = 1200.0
    """Trouble lasts so long: reboot, or begin anew with reconnecting."""
    reboot: bool = True
    """Whether it may reboot this machine."""
    reboot_interval_s: Annotated[float, Meta(ge=3600)] = 3600.0
    """Time between reboots; doubled, up to a day, with each one that did not help."""
    state_directory: str = "/var/lib/soclab/wlan"
    """Folder in which reboots are remembered."""
    spool: SpoolConfig = field(default_factory=SpoolConfig)

    def server(self) -> Server:
        """Return host and port of the server; raises ValueError without them."""
        parts = urlsplit(self.server_url)
        port = parts.port or _PORTS.get(parts.scheme)
        if not parts.hostname or not port:
            raise ValueError("no http:// or https:// address with a host")
        return Server(parts.hostname, port)


class Server(NamedTuple):
    """Where the server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return it as people write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def load_wlan_config(path: Path) -> WlanConfig:
    """Return the configuration in ``path``.

    Raises
    ------
    ConfigError
        If it cannot be used.
    """
    config = read_config(path, WlanConfig)
    try:
        config.server()
    except ValueError as error:
        raise ConfigError(
            f"{path}: server_url", str(error), "Write it as in https://server.lab:8086."
        ) from error
    steps = [
        "reconnect_after_s",
        "restart_interface_after_s",
        "restart_service_after_s",
        "reboot_after_s",
    ]
    for earlier, later in pairwise(steps):
        if getattr(config, earlier) >= getattr(config, later):
            raise ConfigError(
                f"{path}: {later}",
                f"not later than {earlier}",
                "Each step comes after the gentler one: give it more seconds.",
            )
    return config
