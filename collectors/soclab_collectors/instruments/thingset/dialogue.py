"""One request at a time, between publications, and never an answer for the wrong question."""

from __future__ import annotations

import logging
import zlib
from collections import deque
from collections.abc import Callable
from typing import Final

from soclab_collectors.errors import BadReplyError
from soclab_collectors.instruments.thingset.generations import is_allowed
from soclab_collectors.instruments.thingset.messages import Response

_LOG = logging.getLogger(__name__)

ANSWER_WITHIN_S: Final = 1.0
# Answers do not name their question. After one that did not come, wait until it cannot be taken
# for the answer to the next.
PAUSE_AFTER_SILENCE_S: Final = 5.0

OnAnswer = Callable[[Response | None], None]


class Dialogue:
    """Sends allowed requests in turn and hands each answer, or None, to whoever asked.

    Parameters
    ----------
    write
        Sends bytes.
    monotonic
        Time in seconds.
    """

    def __init__(self, write: Callable[[bytes], None], monotonic: Callable[[], float]) -> None:
        self.with_crc = False
        """Whether the device adds checksums, so that we do too."""
        self._write = write
        self._monotonic = monotonic
        self._waiting: deque[tuple[bytes, OnAnswer]] = deque()
        self._pending: tuple[bytes, OnAnswer] | None = None
        self._deadline = 0.0
        self._quiet_until = 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing is asked or waiting to be asked."""
        return self._pending is None and not self._waiting

    def reset(self) -> None:
        """Forget all requests: the line was opened anew."""
        self._waiting.clear()
        self._pending = None

    def ask(self, request: bytes, then: OnAnswer) -> None:
        """Queue a request."""
        if not is_allowed(request):
            raise ValueError(f"soclab never sends {request!r}")
        self._waiting.append((request, then))

    def answered(self, response: Response) -> None:
        """Hand over an answer.

        Raises
        ------
        BadReplyError
            If nothing was asked.
        """
        if self._pending is None:
            raise BadReplyError(f"an answer to nothing: {response.status:02X}")
        request, then = self._pending
        self._pending = None
        _LOG.debug("%r is answered with %02X", request, response.status)
        then(response)

    def tend(self) -> None:
        """Give up on an answer that is overdue; send the next request when it is time."""
        now = self._monotonic()
        if self._pending is not None and now >= self._deadline:
            request, then = self._pending
            self._pending = None
            self._quiet_until = now + PAUSE_AFTER_SILENCE_S
            _LOG.debug("%r is not answered", request)
            then(None)
        if self._pending is None and self._waiting and now >= self._quiet_until:
            self._pending = self._waiting.popleft()
            self._deadline = now + ANSWER_WITHIN_S
            message = self._pending[0]
            if self.with_crc:
                message += b" %08X#" % zlib.crc32(message)
            self._write(message + b"\n")
