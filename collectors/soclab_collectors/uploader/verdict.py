"""What an answer of the server means for the lines that were sent."""

from __future__ import annotations

import enum
import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

# A server that asks for more patience than this is asked again nevertheless.
LONGEST_RETRY_AFTER_S: Final = 300.0
NO_ANSWER: Final = 0  # in place of a status: refused, timed out, cut off

_DROPPED: Final = re.compile(r"\bdropped=(\d+)")
_UNPARSABLE: Final = re.compile(r"^unable to parse '", re.MULTILINE)


class Verdict(enum.Enum):
    """What to do next."""

    STORED = "stored: may be deleted here"
    BAD_LINES = "some lines will never be taken: find them"
    TOO_LARGE = "send less at once"
    REFUSED = "a person must change something: keep and retry slowly"
    BUSY = "come back when the server says"
    FAILED = "network or server out of order: back off"


_VERDICTS: Final = {
    204: Verdict.STORED,
    400: Verdict.BAD_LINES,
    422: Verdict.BAD_LINES,
    413: Verdict.TOO_LARGE,
    429: Verdict.BUSY,
    503: Verdict.BUSY,
}

_REMEDIES: Final = {
    400: "The server answers so even to an empty request: check uploader.url and uploader.org.",
    401: "The token is not known there: check the token file.",
    403: "The token may not write to this bucket: make one that may, or check uploader.bucket.",
    404: "No such bucket or organisation: check uploader.bucket, uploader.org and uploader.url.",
}
_NOT_INFLUXDB: Final = "This is no answer of InfluxDB: check uploader.url."


class Answer(NamedTuple):
    """Status, reason and patience as the server gave them."""

    status: int
    message: str
    retry_after_s: float | None = None

    @property
    def verdict(self) -> Verdict:
        """Judge by the status alone; only 204 is a promise, whatever a portal's 200 may say."""
        if self.status == NO_ANSWER or self.status >= 500:
            return _VERDICTS.get(self.status, Verdict.FAILED)
        return _VERDICTS.get(self.status, Verdict.REFUSED)

    @property
    def remedy(self) -> str:
        """Say what a person should do about it."""
        return _REMEDIES.get(self.status, _NOT_INFLUXDB)

    @property
    def complaints(self) -> int:
        """Count the lines that the server complains of; there may be more, never fewer."""
        dropped = _DROPPED.search(self.message)
        return max(int(dropped[1]) if dropped else 0, len(_UNPARSABLE.findall(self.message)))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return how long the server asks to wait: seconds, or a date by the server's own clock."""
    value = headers.get("Retry-After", "").strip()
    if value.isdigit():
        seconds = float(value)
    else:
        try:
            due = parsedate_to_datetime(value).timestamp()
        except ValueError:
            return None
        try:  # our own clock may be wrong, and only the difference matters
            now = parsedate_to_datetime(headers.get("Date", "")).timestamp()
        except ValueError:
            now = time.time()
        seconds = due - now
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)
