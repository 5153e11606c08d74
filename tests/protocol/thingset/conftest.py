"""A charge controller reduced to its wire: bytes in, bytes out, and a clock that counts."""

from collections import deque
from itertools import groupby

import msgspec
import pytest
from soclab_collectors.errors import BadReplyError
from soclab_collectors.instruments.thingset.config import ThingSetConfig
from soclab_collectors.instruments.thingset.instrument import ThingSetInstrument
from soclab_collectors.reading import Stamp


class ScriptedLine:
    """A serial line that gives what it was fed and keeps what it was sent."""

    def __init__(self):
        self.incoming = deque()
        self.sent = []

    def open(self):
        self.incoming.clear()

    def write(self, data):
        self.sent.append(data)

    def read(self, _most, _timeout_s):
        return self.incoming.popleft() if self.incoming else b""

    def close(self):
        pass


class CountingClock:
    """Stamps are numbered, so that a stamp too many is seen; ``now`` is the number before."""

    def __init__(self):
        self.stamps = 0

    def stamp(self):
        self.stamps += 1
        return Stamp(self.stamps)

    def now(self):
        return Stamp(-self.stamps)


class Bench:
    """An opened instrument on a scripted line."""

    def __init__(self, **settings):
        self.line, self.clock, self.time_s = ScriptedLine(), CountingClock(), 1000.0
        config = msgspec.convert(
            {
                "kind": "thingset",
                "name": "mppt",
                "battery": "b1",
                "port": "/dev/serial/by-id/x",
                **settings,
            },
            ThingSetConfig,
        )
        config.validate()
        self.instrument = ThingSetInstrument(config, self.clock, self.line, lambda: self.time_s)
        self.instrument.open()

    def receive(self, *chunks):
        """Return readings, grouped by stamp, and errors."""
        self.line.incoming.extend(chunks)
        readings, errors, idle = [], [], 0
        while idle < 2:  # a second look, because an answer leads to the next request
            try:
                found = self.instrument.read()
            except BadReplyError as error:
                errors.append(str(error))
                continue
            readings += found
            idle = 0 if found or self.line.incoming else idle + 1
        by_stamp = [
            {reading.measurement: dict(reading.fields) for reading in group}
            for _, group in groupby(readings, key=lambda reading: reading.stamp)
        ]
        return by_stamp, errors

    def take_sent(self):
        """Return what was sent since the last call."""
        sent, self.line.sent = self.line.sent, []
        return sent


@pytest.fixture
def bench():
    return Bench
