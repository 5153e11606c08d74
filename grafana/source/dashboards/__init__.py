"""The dashboards, one subject each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.source.dashboards import battery, collectors, instruments, load, overview, solar

if TYPE_CHECKING:
    from grafana.source.dashboard import Dashboard

DASHBOARDS: Final[dict[str, Dashboard]] = {
    "overview": overview.DASHBOARD,
    "battery": battery.DASHBOARD,
    "instruments": instruments.DASHBOARD,
    "solar": solar.DASHBOARD,
    "load": load.DASHBOARD,
    "collectors": collectors.DASHBOARD,
}


def files() -> dict[str, str]:
    """Return every file by its path in the folder grafana/; its folder is that in Grafana."""
    return {f"dashboards/soclab/{name}.json": made.text() for name, made in DASHBOARDS.items()}
