"""Where alerts go, grouped so that no outage makes a storm, and when only the critical ones do."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from grafana.source.alerting.tasks import WATCHDOG

if TYPE_CHECKING:
    from grafana.source.alerting.settings import QuietHours, Settings

DISCORD: Final = "discord"
DEAD_MAN: Final = "watchdog"
QUIET: Final = "quiet hours"
TEMPLATE: Final = "soclab"


def files(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the content of each file."""
    return {
        "contact-points.yml": {"contactPoints": [_discord(), _dead_man()]},
        "mute-times.yml": {"muteTimes": [_mute_time(settings.quiet_hours)]},
        "notification-policies.yml": {"policies": [_policies()]},
        "templates.yml": {"templates": [_templates()]},
    }


def _discord() -> dict[str, Any]:
    return _point(
        DISCORD,
        type="discord",
        disableResolveMessage=False,
        settings={
            "url": "$DISCORD_WEBHOOK_URL",
            "use_discord_username": False,
            "title": '{{ template "soclab.title" . }}',
            "message": '{{ template "soclab.message" . }}',
        },
    )


def _dead_man() -> dict[str, Any]:
    """Return who hears that all is well: never that the watchdog is resolved, which it would be."""
    return _point(
        DEAD_MAN,
        type="webhook",
        disableResolveMessage=True,
        settings={"url": "$WATCHDOG_URL", "httpMethod": "POST"},
    )


def _point(name: str, **receiver: Any) -> dict[str, Any]:
    return {"orgId": 1, "name": name, "receivers": [{"uid": name, **receiver}]}


def _policies() -> dict[str, Any]:
    """Return the tree; of its branches the first that matches takes an alert.

    Discord may refuse a message for sending too many (429), and Grafana then waits for the next
    group_interval. So groups are few, and those of critical alerts have a short one.
    """
    return {
        "orgId": 1,
        "receiver": DISCORD,
        "group_by": ["grafana_folder", "alertname"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "12h",
        "routes": [
            {
                "receiver": DEAD_MAN,
                "object_matchers": [["severity", "=", WATCHDOG.severity]],
                "group_by": ["alertname"],
                "group_wait": "0s",
                "group_interval": "1m",
                "repeat_interval": "5m",
            },
            # An InfluxDB that does not answer is one message, however many rules ask it, and none
            # if it only restarts. Grafana has no inhibition rules: this is what inhibits here.
            {
                "receiver": DISCORD,
                "object_matchers": [["alertname", "=~", "DatasourceError|DatasourceNoData"]],
                "group_by": ["alertname"],
                "group_wait": "5m",
                "group_interval": "15m",
                "repeat_interval": "12h",
            },
            {
                "receiver": DISCORD,
                "object_matchers": [["severity", "=", "critical"]],
                "group_by": ["grafana_folder", "alertname"],
                "group_wait": "10s",
                "group_interval": "1m",
                "repeat_interval": "2h",
            },
            # Everything else in one message, at most every ten minutes.
            {
                "receiver": DISCORD,
                "object_matchers": [["severity", "=~", "warning|info"]],
                "group_by": ["severity"],
                "group_wait": "1m",
                "group_interval": "10m",
                "repeat_interval": "1d",
                "mute_time_intervals": [QUIET],
            },
        ],
    }


def _mute_time(hours: QuietHours) -> dict[str, Any]:
    return {
        "orgId": 1,
        "name": QUIET,
        "time_intervals": [{"times": _times(hours), "location": hours.timezone}],
    }


def _times(hours: QuietHours) -> list[dict[str, str]]:
    """Return the hours; a night is two, because none may end before it starts."""
    if hours.start < hours.end:
        return [{"start_time": hours.start, "end_time": hours.end}]
    evening = {"start_time": hours.start, "end_time": "24:00"}
    morning = {"start_time": "00:00", "end_time": hours.end}
    return [evening] + ([morning] if hours.end != "00:00" else [])


def _templates() -> dict[str, Any]:
    text = (resources.files(__package__) / "discord.tmpl").read_text(encoding="utf-8")
    # Grafana expands $NAME in this file: a dollar sign of ours is two.
    return {"orgId": 1, "name": TEMPLATE, "template": text.replace("$", "$$")}
