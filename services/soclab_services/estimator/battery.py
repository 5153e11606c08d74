"""One battery with all its methods: readings in, lines for InfluxDB out, a state to go on from."""

from __future__ import annotations

import hashlib
import itertools
import math
from typing import TYPE_CHECKING, Final, Self

import msgspec
from soclab_collectors.line_protocol import field_set, series

from soclab_services.estimation.outlook import outlook
from soclab_services.estimator.characteristics import characteristics
from soclab_services.estimator.methods import begin
from soclab_services.estimator.pattern import Pattern
from soclab_services.estimator.samples import NS_PER_S, Carried, join

if TYPE_CHECKING:
    from soclab_services.estimator.characteristics import Characteristics
    from soclab_services.estimator.config import EstimatedBattery, TimingConfig
    from soclab_services.estimator.methods import Row
    from soclab_services.estimator.samples import Readings, Samples

HOUR_NS: Final = 3600 * NS_PER_S
LAYOUT: Final = 1


class _Stored(msgspec.Struct, forbid_unknown_fields=True):
    layout: int
    made_of: str
    begun_ns: int
    read_ns: int
    last_ns: int
    carried: Carried
    pattern: Pattern
    counted: dict[int, int]
    methods: dict[str, bytes]


class Battery:
    """A battery while it is estimated.

    Attributes
    ----------
    begun_ns
        Where it began; what was measured before is of no interest.
    read_ns
        Everything before it has been read; a multiple of the cell.
    last_ns
        Time of the newest sample; 0 before the first.
    counted
        Values used in each hour (ns of its beginning) that late data is looked for in.
    latest
        The newest row of each method.
    """

    def __init__(self, config: EstimatedBattery, timing: TimingConfig, read_ns: int) -> None:
        self.config = config
        self.begun_ns = self.read_ns = read_ns
        self.last_ns = 0
        self.counted: dict[int, int] = {}
        self.latest: dict[str, Row] = {}
        self._timing = timing
        self._known = characteristics(config)
        self._methods = {name: begin(name, config, self._known) for name in config.methods}
        self._carried = Carried()
        self._pattern = Pattern()
        self._series: dict[str, str] = {
            name: series("soc", {"site": config.site, "battery": config.name, "method": name})
            for name in config.methods
        }

    def advance(self, readings: Readings, until_ns: int) -> list[str]:
        """Take in everything measured from ``read_ns`` up to a time, which ends a cell."""
        cell_ns = self._timing.cell_s * NS_PER_S
        look_ns = self._timing.outlook_every_s * NS_PER_S
        lines: list[str] = []
        # A part ends wherever an hour ends or an outlook is due, however much is read at once.
        while self.read_ns < until_ns:
            stop_ns = min(
                until_ns,
                (self.read_ns // HOUR_NS + 1) * HOUR_NS,
                (self.read_ns // look_ns + 1) * look_ns,
            )
            part = readings.between(self.read_ns, stop_ns)
            samples, self._carried = join(part, self._carried, cell_ns)
            self._count(part)
            rows = self._feed(samples, cell_ns)
            if stop_ns % look_ns == 0 and len(samples.time_ns):
                self._add_outlook(rows[self.config.methods[0]], stop_ns)
            for name, own in rows.items():
                lines += [
                    f"{self._series[name]} {field_set(row.fields)} {row.time_ns}" for row in own
                ]
            self.read_ns = stop_ns
        return lines

    def dump(self) -> bytes:
        """Return the state."""
        return msgspec.msgpack.encode(
            _Stored(
                LAYOUT,
                made_of(self.config, self._known, self._timing),
                self.begun_ns,
                self.read_ns,
                self.last_ns,
                self._carried,
                self._pattern,
                self.counted,
                {name: method.dump() for name, method in self._methods.items()},
            )
        )

    @classmethod
    def load(cls, config: EstimatedBattery, timing: TimingConfig, stored: bytes) -> Self:
        """Return the battery that was dumped.

        Raises
        ------
        ValueError
            If it is no state, or one of another version or configuration.
        """
        try:
            found = msgspec.msgpack.decode(stored, type=_Stored)
        except msgspec.DecodeError as error:
            raise ValueError(f"no state of a battery: {error}") from error
        fresh = cls(config, timing, found.read_ns)
        if found.layout != LAYOUT or found.made_of != made_of(config, fresh._known, timing):
            raise ValueError("of another version, or of a battery configured otherwise")
        fresh.begun_ns = found.begun_ns
        fresh.last_ns = found.last_ns
        fresh.counted = found.counted
        fresh._carried = found.carried
        fresh._pattern = found.pattern
        fresh._methods = {
            name: begin(name, config, fresh._known, found.methods[name]) for name in config.methods
        }
        return fresh

    def _feed(self, samples: Samples, cell_ns: int) -> dict[str, list[Row]]:
        rows: dict[str, list[Row]] = {name: [] for name in self._methods}
        if len(samples.time_ns):
            self.last_ns = int(samples.time_ns[-1])
            self._pattern.add(samples, self.config.max_gap_s)
            for name, method in self._methods.items():
                rows[name] = method.feed(samples, cell_ns)
                if rows[name]:
                    self.latest[name] = rows[name][-1]
        return rows

    def _count(self, part: Readings) -> None:
        hour = self.read_ns // HOUR_NS * HOUR_NS
        self.counted[hour] = self.counted.get(hour, 0) + part.values()
        oldest = hour - (self._timing.late_h + 1) * HOUR_NS
        for h in [h for h in self.counted if h < oldest]:
            del self.counted[h]

    def _add_outlook(self, rows: list[Row], now_ns: int) -> None:
        """Put time to empty and to full into the row that ends now; "not within a week" is none."""
        if not rows or rows[-1].time_ns != now_ns:
            return
        fields = rows[-1].fields
        try:
            found = outlook(
                fields["soc_pct"] / 100.0,
                fields["sigma_pct"] / 100.0,
                fields.get("capacity_ah", self.config.capacity_ah),
                self._pattern.days() - fields.get("bias_a", 0.0),
                now_ns / NS_PER_S,
            )
        except ValueError:  # some hour of the day has never been recorded
            return
        for name, hours in (("to_empty", found.to_empty), ("to_full", found.to_full)):
            for part, value in zip(("_low_h", "_h", "_high_h"), hours, strict=True):
                if math.isfinite(value):
                    fields[name + part] = value


def disagreement(rows: dict[str, tuple[float, float]]) -> dict[str, float]:
    """Return how far methods differ, from state of charge and sigma (%) of each.

    In percent, and, of the pair that differs most so, in its own standard deviations.
    """
    pairs = list(itertools.combinations(rows.values(), 2))
    return {
        "methods": float(len(rows)),
        "spread_pct": max(abs(a[0] - b[0]) for a, b in pairs),
        "distance": max(abs(a[0] - b[0]) / max(math.hypot(a[1], b[1]), 1e-6) for a, b in pairs),
    }


def made_of(config: EstimatedBattery, known: Characteristics, timing: TimingConfig) -> str:
    """Return what a state depends on: one of another battery or cell must not be gone on from."""
    parts = [config, known.model, known.assumed._asdict(), timing.cell_s]
    return hashlib.sha256(b"".join(msgspec.json.encode(part) for part in parts)).hexdigest()[:32]
