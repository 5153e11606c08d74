"""Alert rules, where alerts go and how they are put, generated from small declarations.

``python -m grafana.source.alerting`` reads a lab's settings (JSON) from standard input and prints
the files; the role ``grafana`` calls it where an inventory has settings of its own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from grafana.source.alerting import (
    battery,
    collectors,
    hosts,
    routing,
    runbook,
    tasks,
    trust,
)
from grafana.source.alerting.rule import FOLDER
from grafana.source.alerting.settings import Settings
from grafana.source.alerting.yaml_text import dump

if TYPE_CHECKING:
    from grafana.source.alerting.rule import Rule

GROUPS: Final[dict[str, tuple[str, tuple[Rule, ...]]]] = {
    "battery": ("30s", battery.RULES),
    "trust": ("5m", trust.RULES),
    "collectors": ("1m", collectors.RULES),
    "hosts": ("1m", hosts.RULES),
    "tasks": ("1m", tasks.RULES),
    "watchdog": ("1m", (tasks.WATCHDOG,)),
}
"""Groups of rules by name, each a file: how often they are evaluated, and the rules."""
RULES: Final[tuple[Rule, ...]] = tuple(r for _, rules in GROUPS.values() for r in rules)


def files(settings: Settings | None = None) -> dict[str, str]:
    """Return every generated file: path relative to folder grafana/, and text."""
    settings = settings or Settings()
    sections = runbook.sections()
    return {
        **{f"alerting/{name}.yml": dump({"groups": [_group(name, settings)]}) for name in GROUPS},
        **{f"alerting/{name}": dump(content) for name, content in routing.files(settings).items()},
        "dashboards/soclab/runbook.json": json.dumps(runbook.dashboard(sections), indent=2) + "\n",
    }


def _group(name: str, settings: Settings) -> dict[str, Any]:
    interval, rules = GROUPS[name]
    panels = runbook.panel_ids(runbook.sections())
    return {
        "orgId": 1,
        "name": name,
        "folder": FOLDER,
        "interval": interval,
        "rules": [rule.grafana(settings, panels[rule.title]) for rule in rules],
    }
