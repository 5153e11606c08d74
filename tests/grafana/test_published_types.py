"""Dashboards against the types that Grafana publishes: read and written back, nothing is lost.

What those types do not know (a misspelt option, an option of another panel) is left out when they
read a file, or refused, so the difference shows it. They are those of Grafana 10.1: what it knows,
newer ones migrate.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.grafana.dashboards import dashboards

if TYPE_CHECKING:
    from collections.abc import Iterator

# The types leave what is asked of a data source to its plugin.
OF_THE_PLUGIN = re.compile(r"\.annotations\.list\[\d+\]\.target\.(refId|query)")
register_default_plugins()


def lost(ours: Any, theirs: Any, at: str = "") -> Iterator[str]:
    """Yield where a value is not what it was before it was read and written."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key in theirs:
                yield from lost(value, theirs[key], f"{at}.{key}")
            elif value not in ([], {}, None, ""):
                yield f"{at}.{key}"
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for place, pair in enumerate(zip(ours, theirs, strict=True)):
            yield from lost(*pair, f"{at}[{place}]")
    elif ours != theirs:
        yield at


def problems(dashboard: dict[str, Any]) -> list[str]:
    back = json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))
    return [at for at in lost(dashboard, back) if not OF_THE_PLUGIN.fullmatch(at)]


@pytest.mark.parametrize("name", dashboards())
def test_grafanas_types_know_everything_in_a_dashboard(name):
    assert problems(dashboards()[name]) == []


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        ("options", "grafMode", "area"),
        ("options", "showThresholdMarkers", True),  # of a gauge
        ("gridPos", "width", 3),
    ],
)
def test_a_misspelt_option_is_found(place, key, value):
    made = dashboards()["overview"]
    panel = next(panel for panel in made["panels"] if panel["type"] == "stat")
    panel[place][key] = value
    assert problems(made) == [f".panels[{made['panels'].index(panel)}].{place}.{key}"]
