"""What Grafana makes of results over time: pending, firing, recovering, no data, error, missing.

The state machine of pkg/services/ngalert/state, reduced to what decides on a notification.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.grafana.rule_expressions import Labels, QueryError, Result, Series, evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

STALE_AFTER: Final = 2  # evaluations without a series, and it is resolved


class Version(NamedTuple):
    """What a version of Grafana knows; the first that does in brackets."""

    name: str
    recovery_threshold: bool  # 10.3
    keep_firing: bool  # 12.1.2
    no_data_for_all: bool  # 10.4: no data and errors concern all known instances of a rule


OLDEST: Final = Version("9.4", False, False, False)
NEWEST: Final = Version("13", True, True, True)


@dataclass
class Instance:
    """One alert of a rule."""

    labels: Labels
    state: str = "Normal"
    reason: str = ""
    since_s: float = 0.0
    seen_s: float = 0.0
    values: dict[str, float] = field(default_factory=dict)


class Change(NamedTuple):
    """A state that an instance came into."""

    at_s: float
    labels: Labels
    before: str
    after: str
    reason: str

    @property
    def notifies(self) -> bool:
        """Whether somebody hears of it."""
        firing = {"Alerting", "Error", "NoData", "Recovering"}
        return (self.after in firing) != (self.before in firing)


class Rule:
    """A rule as its file has it, and its instances.

    Parameters
    ----------
    declared, interval
        Entry of a file and ``interval`` of its group.
    version
        What this Grafana knows.
    """

    def __init__(
        self, declared: Mapping[str, Any], interval: str, version: Version = NEWEST
    ) -> None:
        self.declared = declared
        self.interval_s = seconds(interval)
        self.version = version
        self.instances: dict[Labels, Instance] = {}
        self.changes: list[Change] = []
        self._pending_s = seconds(declared["for"])
        self._keep_s = seconds(declared["keepFiringFor"]) if version.keep_firing else 0.0

    def step(self, now_s: float, ask: Callable[[str], list[Series]]) -> None:
        """Evaluate at a moment; ``ask`` returns the frames of a query by its refId."""
        try:
            refs = [q["refId"] for q in self.declared["data"] if q["datasourceUid"] != "__expr__"]
            answers = {ref: ask(ref) for ref in refs}
            results = evaluate(self._as_known(), answers, self._loaded())
        except QueryError:
            results = [Result(frozenset(), "Error")]
        for result in self._concerned(results):
            self._take(now_s, result)
        self._resolve_missing(now_s)

    def firing(self) -> list[Instance]:
        """Return the alerts that somebody has heard of."""
        return [i for i in self.instances.values() if i.state not in {"Normal", "Pending"}]

    def _loaded(self) -> frozenset[Labels]:
        active = {"Pending", "Alerting", "Recovering"}
        return frozenset(i.labels for i in self.instances.values() if i.state in active)

    def _as_known(self) -> Mapping[str, Any]:
        if self.version.recovery_threshold:
            return self.declared
        plain = [
            query
            | {
                "model": query["model"]
                | {
                    "conditions": [
                        {"evaluator": condition["evaluator"]}
                        for condition in query["model"].get("conditions", [])
                    ]
                }
            }
            for query in self.declared["data"]
        ]
        return {**self.declared, "data": plain}

    def _concerned(self, results: list[Result]) -> list[Result]:
        """Spread no data or an error over all instances, where the version does so."""
        (first, *more) = results
        wanted = {"NoData": "noDataState", "Error": "execErrState"}.get(first.state)
        whole = wanted and not more and not first.labels
        if not (whole and self.version.no_data_for_all and self.instances):
            return results
        if self.declared[str(wanted)] not in {"OK", "Alerting"}:
            return results
        return [Result(labels, first.state) for labels in self.instances]

    def _take(self, now_s: float, result: Result) -> None:
        one = self.instances.setdefault(result.labels, Instance(result.labels, since_s=now_s))
        one.seen_s = now_s
        one.values = result.values
        state, reason = result.state, ""
        if state in {"NoData", "Error"}:
            reason = state
            key = "noDataState" if state == "NoData" else "execErrState"
            state = {"OK": "Normal"}.get(self.declared[key], self.declared[key])
        self._enter(now_s, one, self._next(now_s, one, state), reason)

    def _next(self, now_s: float, one: Instance, wanted: str) -> str:
        lasted_s = now_s - one.since_s
        if wanted == "Alerting":
            if one.state in {"Alerting", "Recovering"}:
                return "Alerting"
            if one.state == "Pending":
                return "Alerting" if lasted_s >= self._pending_s else "Pending"
            return "Pending" if self._pending_s else "Alerting"
        if wanted == "Normal" and self._keep_s:
            if one.state == "Alerting":
                return "Recovering"
            if one.state == "Recovering" and lasted_s < self._keep_s:
                return "Recovering"
        return wanted

    def _enter(self, now_s: float, one: Instance, state: str, reason: str) -> None:
        if state != one.state:
            self.changes.append(Change(now_s, one.labels, one.state, state, reason))
            one.since_s = now_s
        one.state, one.reason = state, reason

    def _resolve_missing(self, now_s: float) -> None:
        for labels, one in list(self.instances.items()):
            if now_s - one.seen_s >= STALE_AFTER * self.interval_s:
                self._enter(now_s, one, "Normal", "MissingSeries")
                del self.instances[labels]


def seconds(duration: str) -> float:
    """Return a duration as Prometheus writes it in seconds."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    parts = re.findall(r"(\d+)([smhd])", duration)
    if "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration} is no duration")
    return float(sum(int(number) * units[unit] for number, unit in parts))
