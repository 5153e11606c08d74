"""The four generations of the protocol: what is said differently in each."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from soclab_collectors.instruments.thingset.names import PATHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soclab_collectors.instruments.thingset.messages import Response

# Everything that may ever be sent. A write below `conf` is stored in the device for good, and a
# value it cannot read becomes 0 there; so reading, and publishing on or off and how often, is all.
_ALLOWED: Final = re.compile(
    rb"\?[ -~]*"
    rb'|=pub/serial \{"Enable":(?:true|false)\}'
    rb'|=\.pub/serial \{"Enable":(?:true|false)\}'
    rb'|=_Pub/mSerial \{"wEnable":(?:true|false)\}'
    rb'|=_Reporting/mLive_? \{"sEnable":(?:true|false)\}'
    rb'|=_Reporting/mLive_? \{"sPeriod_(?:ms":[0-9]+|s":[0-9.]+)\}'
)


def is_allowed(request: bytes) -> bool:
    """Tell whether a request may be sent."""
    return _ALLOWED.fullmatch(request) is not None


class Generation(NamedTuple):
    """One generation."""

    letter: str
    version: str
    enable: bytes
    """Request that switches publishing on; empty where the path has to be looked up first."""
    groups: tuple[str, ...]
    """Where values with flat names are found; empty where names are paths."""
    about: str
    """Group that describes the device."""

    def places(self, name: str) -> list[tuple[str, str]]:
        """Return group and item under which a name may be found, the likeliest first.

        ``name`` is a flat name of generation A or a path such as ``Battery/rPower_W``.
        """
        if "/" in name:
            group, item = name.split("/", 1)
            return [(group, item)]
        if self.groups:
            return [(group, name) for group in self.groups]
        return [PATHS[name]] if name in PATHS else []


GENERATIONS: Final = {
    "A": Generation("A", "v0.3", b'=pub/serial {"Enable":true}', ("output", "rec"), "info"),
    "B": Generation("B", "v0.4", b'=.pub/serial {"Enable":true}', ("meas", "state", "rec"), "info"),
    "C": Generation("C", "v0.5", b'=_Pub/mSerial {"wEnable":true}', (), "Device"),
    "D": Generation("D", "v0.6", b"", (), "Device"),
}

LIST_ROOT: Final = b"?/"
LIST_ROOT_V06: Final = b"? null"
READ_REPORTING: Final = b"?_Reporting"


def recognise(response: Response | None) -> Generation | None:
    """Return the generation of a device from its answer to one of the two root lists."""
    names = response.payload if response is not None else None
    if not isinstance(names, list):
        return None
    marks = {"_Reporting": "D", "_Pub": "C", ".pub": "B", "meas": "B", "output": "A"}
    return next((GENERATIONS[letter] for mark, letter in marks.items() if mark in names), None)


def read_request(group: str, items: Sequence[str]) -> bytes:
    """Return the request for some items of a group."""
    return f"?{group} {_json(items)}".encode()


def reporting_requests(reporting: Any, period_s: float | None) -> list[bytes]:
    """Return the writes that a v0.6 device needs so that it publishes, at the wished period.

    Only what differs is written: these settings are stored in the device's flash memory. The
    specification and the SDK disagree on names, so what the device listed decides.
    """
    if not isinstance(reporting, dict):
        return []
    for subset in ("mLive", "mLive_"):
        settings = reporting.get(subset)
        if not isinstance(settings, dict):
            continue
        changes: dict[str, Any] = {}
        if settings.get("sEnable") is not True:
            changes["sEnable"] = True
        if period_s is not None:
            if "sPeriod_ms" in settings and settings["sPeriod_ms"] != round(1000 * period_s):
                changes["sPeriod_ms"] = round(1000 * period_s)
            elif "sPeriod_s" in settings and settings["sPeriod_s"] != period_s:
                changes["sPeriod_s"] = period_s
        return [
            b"=_Reporting/%s %s"
            % (subset.encode(), json.dumps({k: v}, separators=(",", ":")).encode())
            for k, v in changes.items()
        ]
    return []


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
