"""Panels of the Raspberry Pis, as their uploaders and other units tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.source.dashboard import Row
from grafana.source.dashboards.units import line, rate
from grafana.source.panels import Panel, above

if TYPE_CHECKING:
    from grafana.source.alerting.settings import Settings

MEMORY: Final = line(
    "Memory",
    "memory_bytes",
    "decbytes",
    "Resident memory of the uploader.",
    "15 to 25 MB, constant.",
)
PROCESSOR: Final = rate(
    "Processor",
    "cpu_s",
    "percentunit",
    "Share of one core that each unit uses.",
    "0.2 % for an instrument read once a second.",
)
FREE: Final = line(
    "Room on the disk",
    "disk_free_bytes",
    "decbytes",
    "Free space of the disk that holds the spool of each Raspberry Pi.",
    "level; an alert says when a line through the last day reaches zero within days.",
)
REPAIRS: Final = rate(
    "Repairs of the network",
    "repairs_total",
    "suffix:/h",
    "Steps taken in an hour to bring the network of a Raspberry Pi back.",
    "0.",
    per="1h",
)


def _disk(settings: Settings) -> Panel:
    clear, fire = sorted(settings.limits["disk_used_pct"])
    return line(
        "Disk in use",
        "disk_used_pct",
        "percent",
        "Part in use of the disk that holds the spool of each Raspberry Pi.",
        "the same from week to week; it grows while the server is away.",
        thresholds=above(clear, fire),
    )


def _heat(settings: Settings) -> Panel:
    clear, fire = sorted(settings.limits["cpu_temperature_c"])
    return line(
        "Temperature of the processor",
        "cpu_temperature_c",
        "celsius",
        "Temperature of the processor of each Raspberry Pi; nothing where it has no sensor.",
        "40 to 60 °C; it slows down by itself at 80 °C.",
        thresholds=above(clear, fire),
        minimum=None,
    )


def hosts(settings: Settings) -> Row:
    """Return a row of them."""
    return Row(
        title="Raspberry Pis",
        panels=[
            (0, 0, 8, 7, _disk(settings)),
            (8, 0, 8, 7, FREE),
            (16, 0, 8, 7, _heat(settings)),
            (0, 7, 8, 7, MEMORY),
            (8, 7, 8, 7, PROCESSOR),
            (16, 7, 8, 7, REPAIRS),
        ],
    )
