"""Question and answer with one load: pacing, retries, and which answers count."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from soclab_collectors.errors import BadReplyError, UnavailableError
from soclab_collectors.instruments.ea_el3000.codec import (
    ERROR_OBJECT,
    Decoder,
    Telegram,
    encode_query,
    encode_send,
)
from soclab_collectors.instruments.ea_el3000.device_errors import (
    ACKNOWLEDGE,
    TRANSIENT,
    WRONG_NODE,
    DeviceError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soclab_collectors.clock import Clock
    from soclab_collectors.instruments.ea_el3000.objects import Object

T = TypeVar("T")

ATTEMPTS: Final = 3
# Whether a successful write is acknowledged is not settled: an error would come within this [D].
_ACKNOWLEDGE_S: Final = 0.1
_LONGEST_TELEGRAM: Final = 21
_LINE_BUFFER: Final = 4096  # what Linux keeps for a reader of a serial line


class Line(Protocol):
    """What a session needs of ``transports.serial_line.SerialLine``."""

    def open(self) -> None: ...  # noqa: D102
    def write(self, data: bytes) -> None: ...  # noqa: D102
    def read(self, most: int, timeout_s: float) -> bytes: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class Session:
    """Asks a load for objects and writes them.

    Parameters
    ----------
    line
        The line, opened by whoever made it.
    clock
        Paces telegrams, so that a replay of a recording may hurry.
    node
        Node to address; with 0 (broadcast) the first that answers is the only one believed.
    gap_s, timeout_s
        Rest before a telegram, and how long an answer may take. Bytes within an answer may come
        apart: a USB adapter hands them over in bundles, up to 16 ms from each other.
    """

    def __init__(
        self, line: Line, clock: Clock, *, node: int, gap_s: float, timeout_s: float
    ) -> None:
        self._line = line
        self._clock = clock
        self._node = node
        self._gap_s = gap_s
        self._timeout_s = timeout_s
        self._answering_node = node
        self._quiet_since = time.monotonic()

    def ask(self, wanted: Object[T], attempts: int = ATTEMPTS) -> T:
        """Return the value of an object.

        Raises
        ------
        UnavailableError
            If nothing at all was received.
        DeviceError
            If the device answered with an error.
        BadReplyError
            If no attempt brought an intact and plausible answer to this question.
        """
        problem = ""
        for _ in range(attempts):
            self._send(encode_query(self._node, wanted.number, wanted.length))
            try:
                return self._answer(wanted)
            except ValueError as error:
                problem = str(error) or problem
        if not problem:
            raise UnavailableError(f"no answer to a question for the {wanted.name}")
        raise BadReplyError(f"no good answer to a question for the {wanted.name}: {problem}")

    def write(self, target: Object[T], data: bytes) -> None:
        """Write an object; that no error is raised does not prove that it was done."""
        self._send(encode_send(self._node, target.number, data))
        for telegram in self._telegrams(Decoder(), _ACKNOWLEDGE_S):
            if telegram.object_number == ERROR_OBJECT:
                try:
                    self._raise_if_error(telegram, target)
                except DeviceError as error:
                    if error.code not in TRANSIENT:
                        raise
                return

    def _send(self, telegram: bytes) -> None:
        """Send after a rest; whatever came meanwhile answers no question of ours."""
        rest_s = self._gap_s - (time.monotonic() - self._quiet_since)
        if rest_s > 0:
            self._clock.pause(rest_s)
        # Reading is cheaper than a flush, which the simulated line's other end would notice.
        self._line.read(_LINE_BUFFER, 0.0)
        self._line.write(telegram)
        self._quiet_since = time.monotonic()

    def _answer(self, wanted: Object[T]) -> T:
        """Return the value that comes; ValueError says why none did, or nothing if nothing came."""
        decoder = Decoder()
        problem = ""
        for telegram in self._telegrams(decoder, self._timeout_s):
            try:
                value = self._judge(telegram, wanted)
            except ValueError as error:
                problem = str(error)
                continue
            except DeviceError as error:
                if error.code not in TRANSIENT:
                    raise
                raise ValueError(str(error)) from error
            # A device says no more than it was asked: more bytes mean that two telegrams ran into
            # each other, and that the sum may have matched across the seam.
            if decoder.pending or self._line.read(_LONGEST_TELEGRAM, 0.0):
                raise ValueError("an answer with more behind it")
            self._answering_node = telegram.node
            return value
        raise ValueError(_damage(decoder) or problem)

    def _telegrams(self, decoder: Decoder, timeout_s: float) -> Iterator[Telegram]:
        """Yield intact telegrams until the time is over or the line turns out damaged."""
        deadline = time.monotonic() + timeout_s
        while (left_s := deadline - time.monotonic()) > 0:
            received = self._line.read(_LONGEST_TELEGRAM, left_s)
            if not received:
                return
            self._quiet_since = time.monotonic()
            yield from decoder.feed(received)
            if decoder.bad_checksums:
                return

    def _judge(self, telegram: Telegram, wanted: Object[T]) -> T:
        """Return the value in a telegram; ValueError says why it answers another question."""
        node, number, data = telegram
        if number == ERROR_OBJECT:
            self._raise_if_error(telegram, wanted)
            raise ValueError("an acknowledgement or an error of another node came")
        if self._answering_node and node != self._answering_node:
            raise ValueError(f"node {node} answered, not node {self._answering_node}")
        if number != wanted.number:
            raise ValueError(f"object {number} came, not {wanted.number}")
        if not wanted.fits(data):
            raise ValueError(f"object {number} came with {len(data)} bytes")
        return wanted.decode(data)

    def _raise_if_error(self, telegram: Telegram, target: Object[T]) -> None:
        """Raise what an error telegram says; one from another node is none of our business."""
        node, _, data = telegram
        code = data[0]
        if len(data) != 1 or code == ACKNOWLEDGE:
            return
        # A device that was addressed by the wrong node says so under its own.
        if code != WRONG_NODE and self._answering_node not in {0, node}:
            return
        raise DeviceError(code, f"node {node} on the {target.name}")


def _damage(decoder: Decoder) -> str:
    """Return what was wrong with bytes that gave no telegram."""
    if decoder.bad_checksums:
        return "wrong checksum"
    if decoder.pending:
        return "incomplete telegram"
    if decoder.skipped_bytes:
        return f"{decoder.skipped_bytes} bytes that start no telegram"
    return ""
