"""The dashboards, one subject each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.source.alerting.settings import Settings
from grafana.source.dashboards import battery, collectors, instruments, load, overview, solar

if TYPE_CHECKING:
    from grafana.source.dashboard import Dashboard


def files(settings: Settings | None = None) -> dict[str, str]:
    """Return every file by its path in the folder grafana/; its folder is that in Grafana."""
    settings = settings or Settings()
    made: dict[str, Dashboard] = {
        "overview": overview.dashboard(settings),
        "battery": battery.dashboard(settings),
        "instruments": instruments.DASHBOARD,
        "solar": solar.DASHBOARD,
        "load": load.DASHBOARD,
        "collectors": collectors.dashboard(settings),
    }
    return {f"dashboards/soclab/{name}.json": one.text() for name, one in made.items()}
