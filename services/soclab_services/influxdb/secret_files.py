"""Secrets as files that only their owner can read: never on a command line, never in a log."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_secret(path: Path, secret: str) -> None:
    """Create or replace a secret; at no moment can others read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)
    draft.replace(path)


def read_or_generate(path: Path, suffix: str = "") -> str:
    """Return the secret in this file; a random one is made where there is none."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        secret = secrets.token_urlsafe(32) + suffix
        write_secret(path, secret)
        return secret
