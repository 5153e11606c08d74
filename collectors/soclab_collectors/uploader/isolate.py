"""Finds the lines that the server will never take; all others are stored on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soclab_collectors.uploader.lines import Refused
from soclab_collectors.uploader.verdict import Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class NotStoredError(Exception):
    """The server took nothing and says nothing of the lines: all of them stay in the spool."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.message)
        self.answer = answer


def isolate(lines: Sequence[bytes], write: Callable[[bytes], Answer]) -> list[Refused]:
    """Store the good lines and return the bad ones, in order.

    Halving finds one bad line of 5,000 in 26 requests; where the server counts as many complaints
    as there are lines (a wrong type, older than the retention) one request is enough.

    Raises
    ------
    NotStoredError
        If the server answers anything but "stored" or "bad lines".
    """
    if not lines:
        return []
    answer = write(b"\n".join(lines) + b"\n")
    if answer.verdict is Verdict.STORED:
        return []
    if answer.verdict is not Verdict.BAD_LINES:
        raise NotStoredError(answer)
    if len(lines) == 1 or answer.complaints >= len(lines):
        reasons = answer.message.splitlines() or [""]
        own = reasons if len(reasons) == len(lines) else [reasons[0]] * len(lines)
        return [
            Refused(line, f"{answer.status}: {reason}")
            for line, reason in zip(lines, own, strict=True)
        ]
    middle = len(lines) // 2
    return isolate(lines[:middle], write) + isolate(lines[middle:], write)
