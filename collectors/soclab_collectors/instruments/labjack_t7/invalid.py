"""Values that a T7 sent and that are no measurements: counted, and logged once per outage."""

from __future__ import annotations

import logging

_LOG = logging.getLogger(__name__)


class InvalidValues:
    """Keeps apart the inputs that deliver and those that do not."""

    def __init__(self) -> None:
        self.total = 0
        self._bad: set[int] = set()

    def bad(self, ain: int, reason: str) -> None:
        """Note a value that is not recorded."""
        self.total += 1
        if ain not in self._bad:
            self._bad.add(ain)
            _LOG.warning("AIN%d cannot be measured, not recorded: %s", ain, reason)

    def good(self, ain: int) -> None:
        """Note a value that is recorded."""
        if ain in self._bad:
            self._bad.discard(ain)
            _LOG.info("AIN%d can be measured again (%d values left out so far)", ain, self.total)
