"""What may go wrong with an answer on its way, to be asked for by tests."""

from __future__ import annotations

import math
import random
import struct
from enum import Enum, auto
from typing import Final

from soclab_simulators.ea_el3000.telegrams import answer

_CHARGE: Final = 69
_ACTUAL: Final = 71


class Fault(Enum):
    """One way to spoil an answer."""

    GARBAGE_BEFORE = auto()
    HALF_FRAME = auto()
    WRONG_CHECKSUM = auto()
    ECHO = auto()
    """The PC's own telegram comes back before the answer."""
    OTHER_OBJECT = auto()
    OTHER_NODE = auto()
    SILENCE = auto()
    NAN_CHARGE = auto()


class Faults:
    """Faults that wait for the answer they spoil, each for its number of times."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Fault, int | None]] = []
        self._random = random.Random(1)  # noqa: S311  noise that is the same in every run

    def inject(self, fault: Fault, *, times: int = 1, number: int | None = None) -> None:
        """Spoil the next answers, or the next answers about one object."""
        self._waiting += [(fault, number)] * times

    @property
    def waiting(self) -> int:
        """How many have not happened yet."""
        return len(self._waiting)

    def spoil(self, reply: bytes, request: bytes, number: int) -> bytes:
        """Return what the line delivers in place of ``reply``."""
        for waiting in self._waiting:
            fault, wanted = waiting
            if wanted in {None, number}:
                self._waiting.remove(waiting)
                return self._apply(fault, reply, request, number)
        return reply

    def _apply(self, fault: Fault, reply: bytes, request: bytes, number: int) -> bytes:
        if not reply:  # a write that is not acknowledged
            return reply
        node = reply[1]
        spoiled = b""
        match fault:
            case Fault.GARBAGE_BEFORE:
                spoiled = self._random.randbytes(self._random.randint(1, 8)) + reply
            case Fault.HALF_FRAME:
                spoiled = reply[: len(reply) // 2]
            case Fault.WRONG_CHECKSUM:
                spoiled = reply[:-1] + bytes([(reply[-1] + 1) % 0x100])
            case Fault.ECHO:
                spoiled = request + reply
            case Fault.OTHER_OBJECT if number == _CHARGE:
                spoiled = answer(node, _ACTUAL, bytes(6))
            case Fault.OTHER_OBJECT:
                spoiled = answer(node, _CHARGE, struct.pack(">f", 3.25))
            case Fault.OTHER_NODE:
                spoiled = answer(node % 30 + 1, number, reply[3:-2])
            case Fault.NAN_CHARGE:
                spoiled = answer(node, _CHARGE, struct.pack(">f", math.nan))
            case Fault.SILENCE:
                pass
        return spoiled
