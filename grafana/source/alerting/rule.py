"""One alert rule: a small declaration, and what Grafana is told for it.

The query reduces a range of time to one number per battery or instrument (query A):

- 1: the value is beyond the limit, or was and has not come back across the clearing limit since;
- 0: it is within the clearing limit, or was and has not crossed the firing one since;
- 0.5: it was between the two all the time.

So hysteresis needs no memory and survives restarts of Grafana. On top of it the threshold (C) has
a recovery threshold: 0.5 leaves the alert as it is, where Grafana knows that (10.3 and newer).
Query V has the newest value, for the message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from grafana.source.alerting.settings import ANYTHING, LIMITS, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

DATA_SOURCE: Final = "influxdb"  # its uid, as the role provisions it
EXPRESSION: Final = "__expr__"
RUNBOOK_DASHBOARD: Final = "soclab-runbook"
FOLDER: Final = "soclab"

_FLUX: Final = """\
{imports}fire = (name) => {fire}
clear = (name) => {clear}

{series}
    |> group(columns: [{labels}]){sort}
    |> reduce(
        identity: {{state: 0.5, value: 0.0}},
        fn: (r, accumulator) =>
            ({{
                state:
                    if r._value {beyond} fire(name: {name}) then
                        1.0
                    else if r._value {within} clear(name: {name}) then
                        0.0
                    else
                        accumulator.state,
                value: r._value,
            }}),
    )
    |> map(
        fn: (r) =>
            ({{r with
                _time: v.timeRangeStop,
                _value: r.{output},
                limit: string(v: fire(name: {name})),
            }}),
    )
    |> drop(columns: ["state", "value"])
    |> group(columns: [{labels}, "limit"])
"""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is watched, and how Grafana is to take it."""

    uid: str
    title: str
    severity: str
    """``critical`` at any hour, ``warning`` outside quiet hours, ``info`` likewise."""
    series: str
    """Flux: a stream with ``_value`` and the labels, with ``_time`` if it has a history."""
    limit: str
    """Name in ``LIMITS``, or ``any`` for what must not be there at all."""
    summary: str
    """One line for people; VALUE is the newest value, LIMIT the limit."""
    why: str
    """Why this pending period and these states, for the rule's description."""
    dashboard: str
    labels: tuple[str, ...] = ("site", "battery")
    unit: str = ""
    decimals: int = 1
    imports: tuple[str, ...] = ()
    history: bool = False
    """Whether the stream has many values for each of its labels, rather than one."""
    range_s: int = 3600
    pending: str = "5m"
    keep_firing: str = "0s"
    no_data: str = "OK"
    exec_error: str = "Error"

    def query(self, settings: Settings, output: str) -> str:
        """Return Flux whose ``_value`` is ``state`` or ``value``."""
        kind = LIMITS.get(self.limit, ANYTHING)
        beyond, within = (">", "<") if kind.above else ("<", ">")
        pair = settings.limits.get(self.limit, kind.default)
        own = settings.own(self.limit)
        imports = "".join(f'import "{name}"\n' for name in self.imports)
        return _FLUX.format(
            imports=imports + "\n" if imports else "",
            fire=choose(pair.fire, ((name, one.fire) for name, one in own.items())),
            clear=choose(pair.clear, ((name, one.clear) for name, one in own.items())),
            series=self.series.strip("\n"),
            labels=", ".join(f'"{label}"' for label in self.labels),
            sort='\n    |> sort(columns: ["_time"])' if self.history else "",
            beyond=beyond,
            within="<=" if kind is ANYTHING else within,
            name=f"r.{kind.of}" if kind.of in self.labels else '""',
            output=output,
        ).rstrip("\n")

    def grafana(self, settings: Settings, panel: int) -> dict[str, Any]:
        """Return the rule as Grafana's files for alerting have it; ``panel`` shows its runbook."""
        return {
            "uid": self.uid,
            "title": self.title,
            "condition": "C",
            "for": self.pending,
            "keepFiringFor": self.keep_firing,
            "noDataState": self.no_data,
            "execErrState": self.exec_error,
            "isPaused": False,
            "labels": {"severity": self.severity},
            "annotations": self.annotations(panel),
            "data": self.data(settings),
        }

    def annotations(self, panel: int) -> dict[str, str]:
        """Return what messages are made of. A dollar sign stays one here, unlike in labels."""
        unit = f" {self.unit}" if self.unit else ""
        number = f'{{{{ printf "%.{self.decimals}f" .Value }}}}'
        value = f"{{{{ with $values.W }}}}{number}{unit}{{{{ else }}}}unknown{{{{ end }}}}"
        limit = f"{{{{ $labels.limit }}}}{unit}"
        texts = {
            "summary": self.summary.replace("VALUE", value).replace("LIMIT", limit),
            "description": " ".join(f"{self.why} {self._keeps()}".split()),
            "value": value,
        }
        if self.limit in LIMITS:
            texts["threshold"] = limit
        return texts | {
            "dashboard": f"{{{{ externalURL }}}}d/{self.dashboard}{self._variables()}",
            "runbook_url": f"{{{{ externalURL }}}}d/{RUNBOOK_DASHBOARD}?viewPanel={panel}",
        }

    def _keeps(self) -> str:
        if self.keep_firing == "0s":
            return "It ends as soon as it is over."
        return (
            f"It goes on for {self.keep_firing} after it is over, so that what comes back is the"
            " same alert (Grafana 12.1.2 and newer)."
        )

    def _variables(self) -> str:
        shown = [label for label in ("battery", "instrument") if label in self.labels]
        pairs = "&".join(f"var-{label}={{{{ $labels.{label} }}}}" for label in shown)
        return f"?{pairs}" if pairs else ""

    def data(self, settings: Settings) -> list[dict[str, Any]]:
        """Return queries and expressions, in the order in which they are read."""
        return [
            self._query("A", self.query(settings, "state")),
            _reduce("B", "A"),
            _threshold("C", "B"),
            self._query("V", self.query(settings, "value")),
            _reduce("W", "V"),
        ]

    def _query(self, ref: str, flux: str) -> dict[str, Any]:
        return {
            "refId": ref,
            "relativeTimeRange": {"from": self.range_s, "to": 0},
            "datasourceUid": DATA_SOURCE,
            "model": {
                "refId": ref,
                "query": flux,
                "intervalMs": 1000,
                "maxDataPoints": 43200,
            },
        }


def _reduce(ref: str, of: str) -> dict[str, Any]:
    model = {
        "refId": ref,
        "type": "reduce",
        "expression": of,
        "reducer": "last",
        "settings": {"mode": "dropNN"},
    }
    return _expression(ref, model)


def _threshold(ref: str, of: str) -> dict[str, Any]:
    condition = {
        "evaluator": {"type": "gt", "params": [0.75]},
        "unloadEvaluator": {"type": "lt", "params": [0.25]},
    }
    return _expression(
        ref, {"refId": ref, "type": "threshold", "expression": of, "conditions": [condition]}
    )


def _expression(ref: str, model: dict[str, Any]) -> dict[str, Any]:
    return {
        "refId": ref,
        "relativeTimeRange": {"from": 0, "to": 0},
        "datasourceUid": EXPRESSION,
        "model": {**model, "datasource": {"type": EXPRESSION, "uid": EXPRESSION}},
    }


def choose(default: float, own: Iterable[tuple[str, float]]) -> str:
    """Return Flux that gives the limit of a name."""
    cases = "".join(f'if name == "{name}" then {number(limit)} else ' for name, limit in own)
    return cases + number(default)


def number(value: float) -> str:
    """Return a float literal: Flux has no exponents and no float without a point."""
    text = f"{value:.9f}".rstrip("0")
    return text + "0" if text.endswith(".") else text
