"""What a person says about a lab before its inventory can be written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from soclab_services.inventory.errors import InventoryError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LAB: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
# They become host names.
_HOST: Final = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
# A name or an address of version 4 or 6; whether it exists, the preflight finds out.
_ADDRESS: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252})|[0-9a-fA-F:]{2,39}")
_USER: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_GROUPS: Final = frozenset({"all", "ungrouped", "servers", "pis", "workstations", "localhost"})


class Host(NamedTuple):
    """A machine: its name in the inventory, and where SSH finds it."""

    name: str
    address: str


class Answers(NamedTuple):
    """Everything that an inventory cannot do without."""

    lab: str
    server: Host
    pis: tuple[Host, ...]
    user: str
    webhook: str = ""
    instruments: tuple[dict[str, Any], ...] = ()
    """Of the first Pi, as in its collectors.toml."""
    password_file: Path | None = None


def host(text: str, default_name: str | None = None) -> Host:
    """Return the host in ``NAME=ADDRESS``; with a default name, ``ADDRESS`` is enough."""
    name, separator, address = text.strip().partition("=")
    if not separator:
        if default_name is None:
            raise InventoryError(f"{text}: no NAME=ADDRESS", "Write for instance pi1=192.168.1.30.")
        name, address = default_name, name
    if not _HOST.fullmatch(name) or name in _GROUPS:
        raise InventoryError(
            f"{name}: no name for a host", "Use small letters, digits and dashes, such as pi1."
        )
    if not _ADDRESS.fullmatch(address):
        raise InventoryError(
            f"{address or 'nothing'}: no address of {name}",
            "Give a name or an IP address that SSH can reach.",
        )
    return Host(name, address)


def check(answers: Answers) -> None:
    """Refuse answers that do not fit together."""
    if not _LAB.fullmatch(answers.lab):
        raise InventoryError(
            f"{answers.lab!r}: no name for a lab",
            "Use letters, digits, dashes and underscores, at most 32.",
        )
    if not _USER.fullmatch(answers.user):
        raise InventoryError(
            f"{answers.user!r}: no name of a user", "Name the user that you log in as with SSH."
        )
    if not answers.pis:
        raise InventoryError("no Raspberry Pi", "Give at least one: --pi pi1=192.168.1.30")
    hosts = (answers.server, *answers.pis)
    _unique("name", [one.name for one in hosts])
    _unique("address", [one.address for one in hosts])
    if answers.webhook and not answers.webhook.startswith("https://"):
        raise InventoryError(
            "the Discord webhook is no https:// address",
            "Copy it in Discord: server settings, integrations, webhooks; or leave it empty.",
        )


def _unique(what: str, values: Sequence[str]) -> None:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise InventoryError(
            f"{', '.join(twice)}: {what} of two hosts", f"Give every host its own {what}."
        )
