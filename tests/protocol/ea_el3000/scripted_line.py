"""A line that plays a list of exchanges, and a clock that waits for nothing."""

from __future__ import annotations

import time

from soclab_collectors.reading import Stamp


class ScriptedLine:
    """Expects what is sent, delivers what is scripted in reply; what is left over is an error."""

    def __init__(self) -> None:
        self.script: list[list[str]] = []
        self._chunks: list[bytes] = []

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        assert self.script, f"sent, but not in the script: {data.hex(' ').upper()}"
        sent, *received = self.script.pop(0)
        assert data.hex(" ").upper() == sent
        self._chunks = [bytes.fromhex(chunk) for chunk in received]

    def read(self, most: int, timeout_s: float) -> bytes:  # noqa: ARG002  never waits
        """Return the next chunk; none means that the time is over without one."""
        if not self._chunks:
            return b""
        chunk = self._chunks[0][:most]
        self._chunks[0] = self._chunks[0][most:]
        if not self._chunks[0]:
            self._chunks.pop(0)
        return chunk


class PatientClock:
    """Notes pauses instead of waiting; every stamp is a second after the one before."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.stamps = 0

    def stamp(self) -> Stamp:
        self.stamps += 1
        return Stamp(self.stamps * 1_000_000_000)

    def now(self) -> Stamp:
        return Stamp(self.stamps * 1_000_000_000)

    def synced(self) -> bool:
        return True

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def ticker(self, interval_s: float):
        raise NotImplementedError


class RealClock(PatientClock):
    """Waits as long as it is asked to."""

    def pause(self, seconds: float) -> None:
        super().pause(seconds)
        time.sleep(seconds)
