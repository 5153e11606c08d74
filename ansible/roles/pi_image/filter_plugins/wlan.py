"""The key of a WLAN, as wpa_passphrase would print it."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from ansible.errors import AnsibleFilterError

if TYPE_CHECKING:
    from collections.abc import Callable


def wlan_key(passphrase: str, ssid: str) -> str:
    """Return the 64 hexadecimal digits that a passphrase stands for (IEEE 802.11i, annex H.4)."""
    if re.fullmatch(r"[0-9A-Fa-f]{64}", passphrase):
        return passphrase.lower()
    if not re.fullmatch(r"[ -~]{8,63}", passphrase):
        raise AnsibleFilterError("a WLAN's passphrase has 8 to 63 ASCII characters")
    return hashlib.pbkdf2_hmac("sha1", passphrase.encode(), ssid.encode(), 4096, 32).hex()


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Name the filters."""
        return {"wlan_key": wlan_key}
