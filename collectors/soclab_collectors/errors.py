"""The three ways in which an instrument can fail its reader; only the first is retried."""

from __future__ import annotations


class UnavailableError(Exception):
    """The device cannot be reached (unplugged, off, no route); reconnect with backoff."""


class BadReplyError(Exception):
    """The device answered, but not what was asked or not intact; nothing is recorded."""


class ConfigError(Exception):
    """The configuration cannot be used; no retry helps until a person edits it.

    Parameters
    ----------
    where
        The file and the key, as the user would look for them (``collectors.toml: uploader.url``).
    reason
        What is wrong with the value found there.
    remedy
        What to do about it.
    """

    EXIT_CODE = 78  # EX_CONFIG of sysexits.h: systemd units do not restart on it

    def __init__(self, where: str, reason: str, remedy: str) -> None:
        super().__init__(f"{where}: {reason}. {remedy}")
        self.where = where
        self.reason = reason
        self.remedy = remedy
