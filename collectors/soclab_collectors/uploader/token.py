"""The token: from a file, never from the command line, never into a log."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from soclab_collectors.errors import ConfigError

if TYPE_CHECKING:
    from soclab_collectors.config.model import UploaderConfig

CREDENTIAL: Final = "influxdb_token"  # LoadCredential=influxdb_token:… of the systemd unit
_WHERE: Final = "uploader.token_file"


def token_path(config: UploaderConfig) -> Path:
    """Return the file that holds the token."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if credentials and (Path(credentials) / CREDENTIAL).exists():
        return Path(credentials) / CREDENTIAL
    if config.token_file:
        return Path(config.token_file)
    raise ConfigError(
        _WHERE,
        "no token: neither token_file is set nor does systemd hand one over",
        f"Set token_file, or LoadCredential={CREDENTIAL}:FILE in the unit.",
    )


def read_token(config: UploaderConfig) -> str:
    """Return the token.

    Raises
    ------
    ConfigError
        If there is none, others on this machine may read it, or it is no token.
    """
    path = token_path(config)
    try:
        with path.open(encoding="ascii") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            token = file.read().strip()
    except OSError as error:
        raise ConfigError(
            f"{_WHERE}: {path}",
            error.strerror or str(error),
            "Put a write-only token there, readable by the uploader alone.",
        ) from error
    except UnicodeDecodeError:
        token = ""  # the codec's message would quote from the file
    if mode & stat.S_IRWXO:
        raise ConfigError(
            f"{_WHERE}: {path}",
            f"everybody on this machine may use it (mode {mode:04o})",
            f"Run: chmod 600 {path}",
        )
    if not token or not token.isprintable() or " " in token:
        raise ConfigError(
            f"{_WHERE}: {path}", "holds no token", "Put a token there, on one line, nothing else."
        )
    return token
