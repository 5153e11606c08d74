"""Log lines on standard error, in the form that whoever reads them wants."""

from __future__ import annotations

import logging
import os
import sys
from typing import Final

# Levels of syslog(3): the journal takes them from a prefix and strips it (sd-daemon(3)).
_PRIORITIES: Final = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}


class JournalFormatter(logging.Formatter):
    """Puts ``<3>`` before each line; the journal adds time and unit itself."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record, every line of it with its priority."""
        prefix = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


def configure_logging(*, verbose: bool) -> None:
    """Log to standard error, from level INFO, or DEBUG if ``verbose``."""
    handler = logging.StreamHandler()
    if _stderr_is_the_journal():
        handler.setFormatter(JournalFormatter("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO, handlers=[handler], force=True
    )


def _stderr_is_the_journal() -> bool:
    """Compare with JOURNAL_STREAM: a unit's child may have its standard error elsewhere."""
    status = os.fstat(sys.__stderr__.fileno()) if sys.__stderr__ else None
    return status is not None and os.environ.get("JOURNAL_STREAM") == (
        f"{status.st_dev}:{status.st_ino}"
    )


class Outage:
    """Logs once when something fails and once when it works again."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._kind: str | None = None

    @property
    def lasts(self) -> bool:
        """Tell whether it still fails."""
        return self._kind is not None

    def begin(self, reason: str, kind: str = "") -> None:
        """Log the reason, unless it fails already in this kind of way."""
        if kind != self._kind:
            self._logger.error("%s", reason)
        self._kind = kind

    def end(self, message: str) -> None:
        """Log that it works again, if it had failed."""
        if self._kind is not None:
            self._logger.info("%s", message)
        self._kind = None
