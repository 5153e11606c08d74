"""Rule tests as data: series in, what is said at which moment out (see rules/README.md)."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import yaml

from grafana.source.alerting import files
from grafana.source.alerting.settings import read
from tests.grafana.rule_states import Version, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEYS: Final = {
    "about",
    "rule",
    "settings",
    "series",
    "until",
    "evaluated",
    "expect",
    "told",
    "older_told",
}
SERIES_KEYS: Final = {"bucket", "line", "every", "from", "values"}
NS_PER_S: Final = 1_000_000_000
_PART: Final = re.compile(r"(_|-?\d+(?:\.\d+)?)(?:([+~-])(\d+(?:\.\d+)?))?(?:x(\d+))?")
_SEED: Final = 1


@dataclass(frozen=True)
class Case:
    """One file."""

    name: str
    content: dict[str, Any]

    @property
    def until_s(self) -> float:
        """When the test ends, in seconds since its beginning."""
        return seconds(self.content["until"])

    def moments(self, interval: str) -> list[float]:
        """Return when the rule is evaluated; long tests do so more seldom than Grafana."""
        step_s = seconds(self.content.get("evaluated", interval))
        return [step_s * number for number in range(int(self.until_s / step_s) + 1)]

    def rule(self) -> tuple[dict[str, Any], str]:
        """Return the rule under test, from the generated files, and its group's interval."""
        uid = self.content["rule"]
        for text in _files(json.dumps(self.content.get("settings", {}))).values():
            if f"uid: {uid}\n" in text:
                for group in _parsed(text)["groups"]:
                    for rule in group["rules"]:
                        if rule["uid"] == uid:
                            return rule, group["interval"]
        raise AssertionError(f"{self.name}: there is no rule {uid}")

    def lines(self, start_s: int) -> Iterator[tuple[str, str]]:
        """Yield bucket and line protocol of everything given."""
        for series in self.content["series"]:
            assert series.keys() <= SERIES_KEYS, f"{self.name}: {series.keys() - SERIES_KEYS}"
            first_s = start_s + seconds(series.get("from", "0s"))
            head, _, field = series["line"].rpartition(" ")
            for number, value in enumerate(numbers(str(series["values"]))):
                if value is not None:
                    at_ns = round((first_s + number * seconds(series["every"])) * NS_PER_S)
                    yield series["bucket"], f"{head} {field}={value!r} {at_ns}"

    def told(self, version: Version) -> list[str]:
        """Return everything that people should be told, in order."""
        older = self.content.get("older_told", self.content["told"])
        return list(self.content["told"] if version.recovery_threshold else older)


@cache
def _files(settings: str) -> dict[str, str]:
    return files(read(json.loads(settings)))


@cache
def _parsed(text: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def load(folder: Path) -> list[Case]:
    """Return every case of a folder."""
    cases = []
    for path in sorted(folder.glob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert content.keys() <= KEYS, f"{path.name}: {content.keys() - KEYS}"
        cases.append(Case(path.stem, content))
    return cases


def numbers(notation: str) -> list[float | None]:
    """Return the values that promtool's notation stands for; None where there is none.

    ``40-2x3`` is 40 38 36 34, ``5x2`` is 5 5 5, ``_x1`` is nothing twice. Ours is ``24~3x9``: ten
    values evenly spread at random between 21 and 27.
    """
    chance = random.Random(_SEED)
    values: list[float | None] = []
    for part in notation.split():
        found = _PART.fullmatch(part)
        assert found, f"{part} is no value"
        first, sign, step, times = found.groups()
        for number in range(int(times or 0) + 1):
            if first == "_":
                values.append(None)
            elif sign == "~":
                values.append(
                    chance.uniform(float(first) - float(step), float(first) + float(step))
                )
            else:
                change = float(step or 0) * (-1 if sign == "-" else 1)
                values.append(float(first) + number * change)
    return values
