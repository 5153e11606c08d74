"""What both ways to a LabJack T7 offer: registers of three types, and blocks of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Register(NamedTuple):
    """A register of the T7's Modbus map; ``kind`` is a letter of ``struct``."""

    address: int
    kind: str
    """f: FLOAT32, I: UINT32, H: UINT16."""

    @property
    def words(self) -> int:
        """How many 16-bit registers it takes."""
        return 1 if self.kind == "H" else 2


class Column(NamedTuple):
    """Consecutive samples of one channel: volts are (x - centre) * slope."""

    xs: Sequence[float]
    slope: float
    centre: float

    def volts(self, x: float) -> float:
        """Return the volts of one sample."""
        return (x - self.centre) * self.slope

    def part(self, start: int, stop: int) -> Column:
        """Return some of the samples."""
        return Column(self.xs[start:stop], self.slope, self.centre)


class Block(NamedTuple):
    """Scans of a stream without a gap between them; one column per channel."""

    columns: tuple[Column, ...]
    scans: int
    skipped: int = 0
    """Scans that the T7 could not deliver right before this block."""


class StreamPlan(NamedTuple):
    """A stream to be started."""

    ains: tuple[int, ...]
    ranges_v: tuple[float, ...]
    scan_rate_hz: float
    resolution_index: int
    settling_us: float
    latency_s: float
    """How long samples may wait in the T7 before they are sent."""


class StreamStarted(NamedTuple):
    """What the T7 made of a plan."""

    scan_rate_hz: float
    calibration: str
    """Whose constants turn samples into volts: "device" or "nominal"."""


class T7Link(Protocol):
    """A T7 at the other end of Modbus TCP or of LabJack's library.

    Every call raises UnavailableError, BadReplyError or, if the T7 refuses a setting,
    ConfigError.
    """

    where: str
    """How a person would look for this T7."""

    def open(self) -> None:
        """Connect."""

    def read(self, registers: Sequence[Register]) -> Sequence[float]:
        """Return the values of registers, all read by one command."""

    def write(self, register: Register, value: float) -> None:
        """Write one register."""

    def start_stream(self, plan: StreamPlan) -> StreamStarted:
        """Start a stream; the channels' ranges and negative inputs are set before."""

    def read_stream(self) -> list[Block]:
        """Wait for samples and return them."""

    def close(self) -> None:
        """Stop the stream if one runs and disconnect; never raises."""
