"""What Grafana makes of a rule's queries at one moment: frames, reduce, threshold, results.

Only what our rules use, as its documentation and source (pkg/tsdb/influxdb/flux, pkg/expr,
pkg/services/ngalert/eval) say; test_rule_evaluator.py holds it against that.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Labels = frozenset[tuple[str, str]]


class QueryError(Exception):
    """A query that failed, or whose answer Grafana cannot take."""


@dataclass(frozen=True)
class Series:
    """One frame: numbers over time, or a single one after Reduce; None is null."""

    labels: Labels
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Result:
    """What an evaluation says of one set of labels."""

    labels: Labels
    state: str
    """``Normal``, ``Alerting``, ``NoData`` or ``Error``."""
    values: dict[str, float] = field(default_factory=dict)
    """Numbers by refId, as templates see them in ``$values``."""


def frames(answer: str) -> list[Series]:
    """Return the frames of InfluxDB's annotated CSV, one for each group key.

    Columns of the group key are labels. Of the others one has to be ``_time`` and one ``_value``:
    any further one would be a second value or, as text, an error in the expression.
    """
    found: dict[Labels, list[float | None]] = {}
    groups: list[str] = []
    header: list[str] | None = None
    for row in csv.reader(answer.splitlines()):
        if not row:
            continue
        if row[0] == "#group":
            groups, header = row, None
        elif row[0].startswith("#"):
            continue
        elif header is None:
            header = row
            if "error" in header:
                raise QueryError(answer)
            loose = {n for n, g in zip(header, groups, strict=True) if g == "false" and n}
            if loose - {"result", "table"} != {"_time", "_value"}:
                raise QueryError(f"input data must be a wide series, not of {sorted(loose)}")
        else:
            cells = dict(zip(header, row, strict=True))
            keys = [n for n, g in zip(header, groups, strict=True) if g == "true"]
            labels = frozenset((name, cells[name]) for name in keys if cells[name])
            value = cells["_value"]
            found.setdefault(labels, []).append(float(value) if value else None)
    return [Series(labels, tuple(values)) for labels, values in found.items()]


def reduce_last(series: Iterable[Series]) -> list[Series]:
    """Return the last number of each series; mode dropNN leaves null and NaN out.

    Where nothing is left the result is null: no data for these labels.
    """
    reduced = []
    for one in series:
        numbers = [v for v in one.values if v is not None and math.isfinite(v)]
        reduced.append(Series(one.labels, (numbers[-1] if numbers else None,)))
    return reduced


def threshold(
    numbers: Iterable[Series], condition: Mapping[str, Any], loaded: frozenset[Labels]
) -> list[Series]:
    """Return 1 where the condition holds and 0 where not; null stays null.

    Labels in ``loaded`` are alerting or pending already: for them it holds until the recovery
    threshold (``unloadEvaluator``) is met.
    """
    results = []
    for one in numbers:
        (value,) = one.values
        unload = condition.get("unloadEvaluator") if one.labels in loaded else None
        if value is None:
            holds = None
        elif unload:
            holds = float(not _compare(value, unload))
        else:
            holds = float(_compare(value, condition["evaluator"]))
        results.append(Series(one.labels, (holds,)))
    return results


def _compare(value: float, evaluator: Mapping[str, Any]) -> bool:
    (limit,) = evaluator["params"]
    match evaluator["type"]:
        case "gt":
            return value > limit
        case "lt":
            return value < limit
    raise QueryError(f"threshold function {evaluator['type']} is not used here")


def evaluate(
    rule: Mapping[str, Any], answers: Mapping[str, list[Series]], loaded: frozenset[Labels]
) -> list[Result]:
    """Return the results of a rule; ``answers`` are the frames of its queries by refId.

    A query without any frame is no data for the whole rule, whichever query it is.
    """
    numbers: dict[str, list[Series]] = {}
    known = dict(answers)
    if not all(known.values()):
        return [Result(frozenset(), "NoData")]
    for query in rule["data"]:
        model = query["model"]
        if query["datasourceUid"] != "__expr__" or model["expression"] not in known:
            continue
        given = known[model["expression"]]
        if model["type"] == "reduce":
            made = reduce_last(given)
        else:
            made = threshold(given, model["conditions"][0], loaded)
        known[model["refId"]] = numbers[model["refId"]] = made
    return [_result(one, numbers) for one in known[rule["condition"]]]


def _result(one: Series, numbers: Mapping[str, list[Series]]) -> Result:
    (holds,) = one.values
    state = "NoData" if holds is None else "Alerting" if holds else "Normal"
    values = {
        ref: other.values[0]
        for ref, of_ref in numbers.items()
        for other in of_ref
        if other.labels == one.labels and other.values[0] is not None
    }
    return Result(one.labels, state, values)
