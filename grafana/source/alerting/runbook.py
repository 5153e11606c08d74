"""The runbook as a dashboard, so that an alert's link works without the Internet.

``grafana/RUNBOOK.md`` has a section for each rule, named by the rule's title; each becomes a panel.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from grafana.source.alerting.rule import RUNBOOK_DASHBOARD

RUNBOOK: Final = Path(__file__).parents[2] / "RUNBOOK.md"
_HEIGHT: Final = 10
_SECTION: Final = re.compile(r"^## (.+)\n", re.MULTILINE)


def sections() -> dict[str, str]:
    """Return the sections of the runbook by their headings."""
    _, *parts = _SECTION.split(RUNBOOK.read_text(encoding="utf-8"))
    return {title: text.strip() for title, text in zip(parts[::2], parts[1::2], strict=True)}


def panel_ids(found: dict[str, str]) -> dict[str, int]:
    """Return the number of each section's panel."""
    return {title: number for number, title in enumerate(found, start=1)}


def dashboard(found: dict[str, str]) -> dict[str, Any]:
    """Return the dashboard as Grafana loads it."""
    return {
        "uid": RUNBOOK_DASHBOARD,
        "title": "Runbook",
        "description": "What each alert means and what to do. Its source is grafana/RUNBOOK.md.",
        "tags": ["soclab"],
        "schemaVersion": 37,
        "editable": False,
        "time": {"from": "now-1h", "to": "now"},
        "panels": [
            {
                "id": number,
                "type": "text",
                "title": title,
                "gridPos": {
                    "h": 9,
                    "w": 12,
                    "x": 12 * ((number + 1) % 2),
                    "y": (number - 1) // 2 * 9,
                },
                "options": {"mode": "markdown", "content": found[title]},
            }
            for title, number in panel_ids(found).items()
        ],
    }
