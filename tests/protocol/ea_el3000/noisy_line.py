"""A line to a simulated load within one process, on which anything may happen to an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soclab_simulators.ea_el3000 import EaEl3000Simulator
from soclab_simulators.ea_el3000.telegrams import Request, answer, error, take_requests
from soclab_simulators.source import Snapshot

if TYPE_CHECKING:
    import random
    from collections.abc import Callable


class Terminals:
    """What the load's terminals show: whatever the test says."""

    lossless = False

    def __init__(self, voltage_v: float = 12.8375, current_a: float = 5.0) -> None:
        self.now = Snapshot(0.0, voltage_v, -current_a, load_a=current_a)

    def show(self, voltage_v: float, current_a: float, time_s: float | None = None) -> None:
        time_s = self.now.time_s + 1.0 if time_s is None else time_s
        self.now = Snapshot(time_s, voltage_v, -current_a, load_a=current_a)

    def snapshot(self) -> Snapshot:
        return self.now

    async def publication(self) -> Snapshot:
        raise NotImplementedError


class NoPort:
    """For a simulator that is asked without a wire."""


class NoisyLine:
    """Carries telegrams to ``simulator``; ``spoil`` turns each answer into what arrives."""

    def __init__(
        self, simulator: EaEl3000Simulator, spoil: Callable[[bytes, bytes], list[bytes]]
    ) -> None:
        self.spoil = spoil
        self.delivered_bytes = 0
        self._simulator = simulator
        self._chunks: list[bytes] = []

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        for request in take_requests(bytearray(data)):
            reply = (
                self._simulator.reply_to(request)
                if isinstance(request, Request)
                else error(1, request)
            )
            self._chunks = [c for c in self.spoil(data, reply) if c]
            self.delivered_bytes += sum(map(len, self._chunks))

    def read(self, most: int, timeout_s: float) -> bytes:  # noqa: ARG002  never waits
        if not self._chunks:
            return b""
        chunk = self._chunks[0][:most]
        self._chunks[0] = self._chunks[0][most:]
        if not self._chunks[0]:
            self._chunks.pop(0)
        return chunk


class Damage:
    """What a line really does to an answer, one thing at a time."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.kinds: list[Callable[[bytes, bytes], list[bytes]]] = [
            self.nothing,
            self.pieces,
            self.truncated,
            self.lost_bytes,
            self.inserted_bytes,
            self.one_bit,
            self.bits_with_parity,
            self.interleaved,
            self.echo,
            self.only_noise,
        ]

    def __call__(self, sent: bytes, reply: bytes) -> list[bytes]:
        return self.rng.choice(self.kinds)(sent, reply)

    def nothing(self, _sent: bytes, reply: bytes) -> list[bytes]:
        return [reply]

    def pieces(self, _sent: bytes, reply: bytes) -> list[bytes]:
        cut = self.rng.randrange(len(reply))
        return [reply[:cut], reply[cut:]]

    def truncated(self, _sent: bytes, reply: bytes) -> list[bytes]:
        return [reply[: self.rng.randrange(len(reply))]]

    def lost_bytes(self, _sent: bytes, reply: bytes) -> list[bytes]:
        lost = {self.rng.randrange(len(reply)) for _ in range(self.rng.randint(1, 3))}
        return [bytes(b for i, b in enumerate(reply) if i not in lost)]

    def inserted_bytes(self, _sent: bytes, reply: bytes) -> list[bytes]:
        data = bytearray(reply)
        for _ in range(self.rng.randint(1, 3)):
            data.insert(self.rng.randrange(len(data) + 1), self.rng.randrange(256))
        return [bytes(data)]

    def one_bit(self, _sent: bytes, reply: bytes) -> list[bytes]:
        return [self.flip(reply, 1)]

    def bits_with_parity(self, _sent: bytes, reply: bytes) -> list[bytes]:
        """Flip up to three bits; the kernel drops bytes whose parity tells."""
        damaged = self.flip(reply, self.rng.randint(1, 3))
        pairs = zip(reply, damaged, strict=True)
        return [bytes(d for r, d in pairs if (r ^ d).bit_count() % 2 == 0)]

    def interleaved(self, _sent: bytes, reply: bytes) -> list[bytes]:
        """Let a telegram that answers something else cut in, whole, at any place."""
        others = [
            answer(1, 69, bytes.fromhex("40500000")),
            answer(1, 70, b"\x01\x05"),
            answer(1, 51, b"\x08\x55"),  # as long as the status
            answer(1, 2, bytes.fromhex("43200000")),  # as long as the counter
            answer(2, reply[2], bytes(len(reply) - 5)),
            bytes.fromhex("C001FF0801C8"),
        ]
        other = self.rng.choice([o for o in others if o[1:3] != reply[1:3]])
        cut = self.rng.randrange(len(reply) + 1)
        return [reply[:cut] + other, reply[cut:]]

    def echo(self, sent: bytes, reply: bytes) -> list[bytes]:
        return [sent + reply]

    def only_noise(self, _sent: bytes, _reply: bytes) -> list[bytes]:
        return [self.rng.randbytes(self.rng.randint(1, 40))]

    def flip(self, data: bytes, bits: int) -> bytes:
        damaged = bytearray(data)
        for position in self.rng.sample(range(8 * len(data)), bits):
            damaged[position // 8] ^= 1 << position % 8
        return bytes(damaged)


def simulator_on(terminals: Terminals, **options) -> EaEl3000Simulator:
    """Return a simulated load that is asked without a wire."""
    return EaEl3000Simulator(terminals, NoPort(), **options)
