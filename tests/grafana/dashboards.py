"""The committed dashboards, as tests look at them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[2] / "grafana" / "dashboards"
Json = dict[str, Any]


class Query(NamedTuple):
    """A query and where it stands."""

    dashboard: str
    panel: str
    ref: str
    kind: str
    flux: str

    @property
    def name(self) -> str:
        return f"{self.dashboard}: {self.panel} {self.ref}"


def dashboards() -> dict[str, Json]:
    """Return every dashboard by the name of its file."""
    return {
        file.stem: json.loads(file.read_text(encoding="utf-8"))
        for file in sorted(FOLDER.rglob("*.json"))
    }


def panels(dashboard: Json) -> Iterator[Json]:
    """Yield every panel but the headings of rows."""
    yield from (panel for panel in dashboard["panels"] if panel["type"] != "row")


def queries() -> Iterator[Query]:
    """Yield every query of every panel, annotation and variable."""
    for name, dashboard in dashboards().items():
        for panel in panels(dashboard):
            for target in panel.get("targets", []):
                yield Query(name, panel["title"], target["refId"], panel["type"], target["query"])
        for one in dashboard.get("annotations", {}).get("list", []):
            yield Query(name, one["name"], "Anno", "annotation", one["target"]["query"])
        for one in dashboard.get("templating", {}).get("list", []):
            if one["type"] == "query":
                yield Query(name, one["name"], "", "variable", one["query"])


def repeated_by(dashboard: Json) -> dict[int, str]:
    """Return for every panel, by its id, the variable that its row is repeated by."""
    found, variable = {}, ""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            variable = panel.get("repeat", "")
        elif variable:
            found[panel["id"]] = variable
    return found
