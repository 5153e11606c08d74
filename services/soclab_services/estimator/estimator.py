"""All batteries: who has new data, who is behind, whose past has changed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from soclab_collectors import systemd
from soclab_collectors.line_protocol import field_set, series

from soclab_services.estimator.battery import HOUR_NS, Battery, disagreement
from soclab_services.estimator.samples import NS_PER_S
from soclab_services.estimator.source import Source
from soclab_services.estimator.states import States

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from soclab_services.estimator.config import EstimatedBattery, EstimatorConfig
    from soclab_services.estimator.influx import Influx
    from soclab_services.estimator.samples import Readings

_LOG = logging.getLogger(__name__)

# Further back than this a battery is behind and read by itself.
BEHIND_NS: Final = 900 * NS_PER_S
# Nobody asks for data of a battery that has been silent for so long, but now and then.
SILENT_NS: Final = HOUR_NS
NEWEST_HOURS: Final = 2
ALL_HOURS_EVERY: Final = 15  # looks for late data in the newest hours
COUNTED_HOLDS_NS: Final = 120 * NS_PER_S  # a row of the Flux task is compared with ours for so long


class Estimator:
    """Brings every battery up to a moment, again and again.

    Parameters
    ----------
    config, influx
        What to do, and on which server.
    stopped
        Whether to leave off after the step at hand.
    """

    def __init__(
        self, config: EstimatorConfig, influx: Influx, stopped: Callable[[], bool] = lambda: False
    ) -> None:
        self._config = config
        self._timing = config.timing
        self._influx = influx
        self._source = Source(influx, config.influxdb.raw_bucket)
        self._stopped = stopped
        folder = Path(config.state_directory)
        self._states = {
            one.name: States(folder / one.name, self._timing.late_h) for one in config.batteries
        }
        self._batteries = {
            one.name: found for one in config.batteries if (found := self._stored(one)) is not None
        }
        self._saved_ns = {name: one.last_ns for name, one in self._batteries.items()}
        self._known_late: dict[tuple[str, int], int] = {}
        self._unsent: list[str] = []
        self._unsaved: list[tuple[str, int, int, bytes]] = []
        self._late_looks = 0
        self._next_late_ns = 0

    def look(self, now_ns: int) -> bool:
        """Do what there is to do; return whether something is still behind.

        Raises
        ------
        ServerError
            If the server does not answer or refuses: call again.
        """
        self._send()
        cell_ns = self._timing.cell_s * NS_PER_S
        settled_ns = (now_ns - self._timing.settle_s * NS_PER_S) // cell_ns * cell_ns
        if now_ns >= self._next_late_ns:
            self._find_silent(settled_ns)
            self._find_late(settled_ns)
            self._late_looks += 1
            self._next_late_ns = now_ns + self._timing.late_every_s * NS_PER_S
        awake = [b for b in self._batteries.values() if not _is_silent(b, settled_ns)]
        in_step: dict[int, list[Battery]] = {}
        for battery in awake:
            if settled_ns - battery.read_ns <= BEHIND_NS:
                in_step.setdefault(battery.read_ns, []).append(battery)
        for start_ns, group in in_step.items():
            if start_ns < settled_ns:
                self._advance(group, start_ns, settled_ns)
        self._send(self._compared(settled_ns) if in_step else [])
        behind = [b for b in awake if settled_ns - b.read_ns > BEHIND_NS]
        for battery in behind:
            if self._stopped():
                break
            stop_ns = min(settled_ns, battery.read_ns + self._timing.chunk_s * NS_PER_S)
            self._advance([battery], battery.read_ns, stop_ns)
            self._send()
        return bool(behind)

    def save(self) -> None:
        """Store the states of all, as before the end."""
        if not self._unsent:  # else what is stored must not know more than the server does
            for name, battery in self._batteries.items():
                self._keep(name, battery)
            self._send()

    def describe(self) -> str:
        """Return how many are followed, for the service manager."""
        return f"{len(self._batteries)} of {len(self._config.batteries)} batteries have data"

    def _advance(self, group: list[Battery], start_ns: int, stop_ns: int) -> None:
        read = self._source.read([b.config for b in group], start_ns, stop_ns)
        systemd.notify("WATCHDOG=1")
        for battery in group:
            name = battery.config.name
            try:
                self._follow(battery, read[name], stop_ns)
            except (ArithmeticError, ValueError, np.linalg.LinAlgError):
                _LOG.exception("%s: cannot be computed; it begins anew", name)
                self._states[name].forget()
                self._batteries[name] = Battery(battery.config, self._timing, stop_ns)
        systemd.notify("WATCHDOG=1")

    def _follow(self, battery: Battery, read: Readings, stop_ns: int) -> None:
        """Take in readings, and keep a state at each full hour that may be returned to."""
        name = battery.config.name
        while battery.read_ns < stop_ns:
            hour_ns = (battery.read_ns // HOUR_NS + 1) * HOUR_NS
            self._unsent += battery.advance(read, min(hour_ns, stop_ns))
            full_hour = battery.read_ns == hour_ns
            due_ns = self._saved_ns.get(name, 0) + self._timing.save_every_s * NS_PER_S
            if full_hour or (battery.read_ns == stop_ns and battery.last_ns >= due_ns):
                self._keep(name, battery)

    def _keep(self, name: str, battery: Battery) -> None:
        if battery.last_ns != self._saved_ns.get(name, 0):
            self._unsaved.append((name, battery.read_ns, battery.last_ns, battery.dump()))
            self._saved_ns[name] = battery.last_ns

    def _send(self, more: Iterable[str] = ()) -> None:
        """Store rows, and only then the states that will not write them again."""
        self._unsent += more
        self._influx.write(self._config.influxdb.derived_bucket, self._unsent)
        self._unsent = []
        for name, read_ns, _, state in self._unsaved:
            self._states[name].save(read_ns, state)
        self._unsaved = []

    def _find_silent(self, settled_ns: int) -> None:
        """Look whether those that said nothing for long, or ever, do so now."""
        history_ns = settled_ns - self._timing.history_h * HOUR_NS
        asked: list[tuple[EstimatedBattery, int]] = []
        for config in self._config.batteries:
            battery = self._batteries.get(config.name)
            if battery is None:
                since = config.since
                since_ns = 0 if since is None else round(since.timestamp()) * NS_PER_S
                asked.append((config, max(history_ns, since_ns)))
            elif _is_silent(battery, settled_ns):
                asked.append((config, max(battery.last_ns + 1, battery.begun_ns)))
        cell_ns = self._timing.cell_s * NS_PER_S
        configs = {config.name: config for config, _ in asked}
        for name, first_ns in self._source.first(asked, settled_ns).items():
            battery = self._batteries.get(name)
            if battery is None:
                begun = Battery(configs[name], self._timing, first_ns // cell_ns * cell_ns)
                self._batteries[name] = begun
                _LOG.info("%s: begins with %s", name, configs[name].model_file or "a typical model")
            elif first_ns >= battery.read_ns:
                battery.read_ns = first_ns // cell_ns * cell_ns
                battery.last_ns = max(battery.last_ns, battery.read_ns)
            else:
                self._return_to(battery, first_ns)

    def _find_late(self, settled_ns: int) -> None:
        """Look for hours of which more is stored now than has been used."""
        hours = self._timing.late_h if self._late_looks % ALL_HOURS_EVERY == 0 else NEWEST_HOURS
        start_ns = (settled_ns // HOUR_NS - hours + 1) * HOUR_NS
        by_end: dict[int, list[Battery]] = {}
        for battery in self._batteries.values():
            if start_ns < battery.read_ns and settled_ns - battery.read_ns <= BEHIND_NS:
                by_end.setdefault(battery.read_ns, []).append(battery)
        for end_ns, group in by_end.items():
            stored = self._source.counts([b.config for b in group], start_ns, end_ns)
            systemd.notify("WATCHDOG=1")
            for battery in group:
                name = battery.config.name
                more = [
                    hour
                    for hour, count in sorted(stored[name].items())
                    if hour >= battery.begun_ns
                    and count > battery.counted.get(hour, 0)
                    and count > self._known_late.get((name, hour), 0)
                ]
                if more:
                    self._known_late |= {(name, hour): stored[name][hour] for hour in more}
                    self._return_to(battery, more[0])
        oldest = settled_ns - (self._timing.late_h + 1) * HOUR_NS
        self._known_late = {k: v for k, v in self._known_late.items() if k[1] > oldest}

    def _return_to(self, battery: Battery, time_ns: int) -> None:
        """Go back to the newest state that knows nothing of this time, if there is one."""
        name = battery.config.name
        for read_ns, state in self._states[name].newest(time_ns):
            found = self._load(battery.config, read_ns, state)
            if found is not None:
                _LOG.info("%s: late data; computing the last %s again", name, _span(battery, found))
                self._states[name].forget(read_ns)
                self._batteries[name] = found
                self._saved_ns[name] = found.last_ns
                return
        _LOG.warning("%s: late data, older than every state; it is not taken into account", name)

    def _stored(self, config: EstimatedBattery) -> Battery | None:
        """Return a battery as it was when the program ended."""
        for read_ns, state in self._states[config.name].newest():
            found = self._load(config, read_ns, state)
            if found is not None:
                return found
        return None

    def _load(self, config: EstimatedBattery, read_ns: int, state: bytes) -> Battery | None:
        try:
            return Battery.load(config, self._timing, state)
        except ValueError as error:
            _LOG.warning("%s: state of %d s not used: %s", config.name, read_ns // NS_PER_S, error)
            return None

    def _compared(self, settled_ns: int) -> list[str]:
        """Return how far the methods differ, the Flux task's among them."""
        counted = self._source.newest_counted(
            self._config.influxdb.derived_bucket, settled_ns, COUNTED_HOLDS_NS
        )
        lines = []
        for name, battery in self._batteries.items():
            rows = {
                method: (row.fields["soc_pct"], row.fields["sigma_pct"])
                for method, row in battery.latest.items()
                if row.time_ns == settled_ns
            }
            if rows and name in counted:
                rows["coulomb"] = counted[name]
            if len(rows) > 1:
                tags = series("soc_check", {"site": battery.config.site, "battery": name})
                lines.append(f"{tags} {field_set(disagreement(rows))} {settled_ns}")
        return lines


def _is_silent(battery: Battery, settled_ns: int) -> bool:
    """Return whether everything up to now was read and nothing was there for long.

    What is behind is not silent: nobody has looked yet.
    """
    newest_ns = max(battery.last_ns, battery.begun_ns)
    return battery.read_ns - newest_ns > SILENT_NS and settled_ns > battery.read_ns


def _span(now: Battery, then: Battery) -> str:
    return f"{(now.read_ns - then.read_ns) / HOUR_NS:.1f} h"
