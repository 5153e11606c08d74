"""Mosquitto's password file, so that no password is ever on a command line."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from typing import Any

SALT_BYTES = 12  # what mosquitto_passwd of every 2.0 makes and reads
KIND = "7"  # PBKDF2 with SHA-512


def mosquitto_passwords(
    users: list[dict[str, Any]], existing: str = "", iterations: int = 20_000
) -> str:
    """Return the file for ``users``; who is in ``existing`` with the same password stays as is."""
    known = dict(line.split(":", 1) for line in existing.splitlines() if ":" in line)
    lines = []
    for user in sorted(users, key=lambda user: str(user["name"])):
        name, password = str(user["name"]), str(user["password"])
        entry = known.get(name, "")
        if not matches(entry, password, iterations):
            entry = hashed(password, os.urandom(SALT_BYTES), iterations)
        lines.append(f"{name}:{entry}\n")
    return "".join(lines)


def hashed(password: str, salt: bytes, iterations: int) -> str:
    """Return the entry ``$7$iterations$salt$hash`` of a password."""
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    encoded = (base64.b64encode(part).decode() for part in (salt, key))
    return "$".join(["", KIND, str(iterations), *encoded])


def matches(entry: str, password: str, iterations: int) -> bool:
    """Say whether ``entry`` is of this password, hashed as often as is wanted now."""
    parts = entry.split("$")
    if len(parts) != 5 or parts[:3] != ["", KIND, str(iterations)]:
        return False
    try:
        salt = base64.b64decode(parts[3], validate=True)
    except ValueError:
        return False
    return hmac.compare_digest(hashed(password, salt, iterations), entry)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"mosquitto_passwords": mosquitto_passwords}
