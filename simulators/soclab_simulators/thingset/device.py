"""The device without its wire: requests in, answers out, as measured on the firmware's library."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from soclab_simulators.thingset.publication import PublicationFormat, number
from soclab_simulators.thingset.quantities import Quantities
from soclab_simulators.thingset.tables import ABOUT, TABLES, Item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soclab_simulators.source import Snapshot

STATUS_TEXT: Final = {
    0x81: "Created.",
    0x82: "Deleted.",
    0x83: "Valid.",
    0x84: "Changed.",
    0x85: "Content.",
    0xA0: "Bad Request.",
    0xA1: "Unauthorized.",
    0xA3: "Forbidden.",
    0xA4: "Not Found.",
}


class Refusal(Exception):  # noqa: N818  an answer, not an error of ours
    """The status that answers a request which cannot be carried out."""

    def __init__(self, status: int) -> None:
        super().__init__(STATUS_TEXT[status])
        self.status = status


class ThingSetDevice:
    """The state of one charge controller.

    Parameters
    ----------
    generation
        "A" to "D".
    crc
        Whether messages carry a checksum (generation D).
    finer
        Decimals by quantity where they shall exceed the firmware's.
    extra
        Quantities published beside the default set, such as Bat_degC.
    """

    def __init__(
        self,
        generation: str,
        *,
        crc: bool = False,
        finer: Mapping[str, int] | None = None,
        extra: tuple[str, ...] = (),
    ) -> None:
        self.table = TABLES[generation]
        self.quantities = Quantities()
        self.settings: dict[str, Any] = {"enable": True, "period_ms": 1000}
        self.conf = {"Topping_V": 14.4, "Trickle_V": 13.8}
        self.restart_requested = False
        self._crc = crc
        self._finer = finer or {}
        self._published = [i for i in self.table.items if i.published or i.quantity in extra]
        self._format = self._new_format()
        self._values: dict[str, float] = {}

    def publication(self, now: Snapshot) -> bytes:
        """Return the line that is published now."""
        self.measure(now)
        return self._format.line(self._values)

    def measure(self, now: Snapshot) -> None:
        """Take over what the terminals show."""
        self._values = self.quantities.values(now)

    def restart(self) -> None:
        """Lose what is not stored."""
        self.restart_requested = False
        self.settings["enable"] = False
        self.quantities.restart()

    def process(self, request: str) -> str | None:
        """Return the answer to a request; None where the device keeps silent."""
        if len(request) < 2 or request[0] == "@":
            return None
        verbs = {
            "?": self._get,
            "=": self._set,
            "+": self._add,
            "-": self._remove,
            "!": self._call,
        }
        verb = verbs.get(request[0])
        if verb is None:
            return ""
        path, _, rest = request[1:].rstrip().partition(" ")
        try:
            status, payload = verb(path, rest)
        except Refusal as refusal:
            status, payload = refusal.status, ""
        text = f" {STATUS_TEXT[status]}" if self.table.status_text else ""
        return f":{status:02X}{text}{' ' if payload else ''}{payload}"

    def _get(self, path: str, rest: str) -> tuple[int, str]:
        argument = _parse(rest) if rest else ...
        if self.table.status_text:
            listing, path = path.endswith("/"), path.removesuffix("/")
        else:
            listing = rest == "null"
        if path == "" and listing:
            return 0x85, _json(self.table.root)
        if path == self.table.subset:
            return 0x85, _json([self._published_name(item) for item in self._published])
        objects = self._group(path)
        if objects is None:
            group, _, name = path.rpartition("/")
            objects = self._group(group)
            if objects is None or name not in objects:
                raise Refusal(0xA4)
            return 0x85, objects[name]
        if listing:
            return 0x85, _json(list(objects))
        if argument is ...:
            return 0x85, "{" + ",".join(f'"{k}":{v}' for k, v in objects.items()) + "}"
        if not isinstance(argument, list):
            raise Refusal(0xA0)
        if any(name not in objects for name in argument):
            raise Refusal(0xA4)
        return 0x85, "[" + ",".join(objects[name] for name in argument) + "]"

    def _set(self, path: str, rest: str) -> tuple[int, str]:
        changes = _parse(rest)
        if not isinstance(changes, dict):
            raise Refusal(0xA0)
        for name, value in changes.items():
            self._set_one(path, name, value)
        return 0x84, ""

    def _set_one(self, path: str, name: str, value: Any) -> None:
        setting = self.table.switches.get(f"{path}/{name}")
        if setting == "enable":
            self.settings[setting] = bool(value)
        elif setting is not None:
            self.settings[setting] = int(value)
        elif path == "conf" and name in self.conf:
            # Measured: a text is "changed" into 0. Collectors must never write here.
            self.conf[name] = float(value) if isinstance(value, int | float) else 0.0
        else:
            objects = self._group(path)
            if objects is None or name not in objects:
                raise Refusal(0xA4)
            item = next((i for i in self.table.items if (i.group, i.name) == (path, name)), None)
            raise Refusal(0xA1 if item is not None and item.access == "maker" else 0xA3)

    def _add(self, path: str, rest: str) -> tuple[int, str]:
        item = self._addressed(path, rest)
        if item not in self._published:
            self._published.append(item)
            self._format = self._new_format()
        return 0x81, ""

    def _remove(self, path: str, rest: str) -> tuple[int, str]:
        item = self._addressed(path, rest)
        if item not in self._published:
            raise Refusal(0xA4)
        self._published.remove(item)
        self._format = self._new_format()
        return 0x82, ""

    def _call(self, path: str, rest: str) -> tuple[int, str]:
        if path == self.table.reset:
            self.restart_requested = True
        elif path == self.table.auth:
            if not isinstance(_parse(rest), str):
                raise Refusal(0xA0)
        else:
            raise Refusal(0xA4)
        return self.table.function_status, ""  # measured: also with a wrong password

    def _addressed(self, path: str, rest: str) -> Item:
        """Return the item that is to be added to or removed from the publication."""
        name = _parse(rest)
        if path != self.table.subset:
            raise Refusal(0xA4)
        for item in self.table.items:
            if name in {self._published_name(item), f"{item.group}/{item.name}"}:
                return item
        raise Refusal(0xA4)

    def _published_name(self, item: Item) -> str:
        return f"{item.group}/{item.name}" if self.table.nested else item.name

    def _group(self, group: str) -> dict[str, str] | None:
        """Return what is in a group, as JSON by name; None if there is no such group."""
        objects = {
            item.name: number(
                item,
                self._values.get(item.quantity, float("nan")),
                self._finer,
                self.table.not_a_number,
            )
            for item in self.table.items
            if item.group == group
        }
        if group == self.table.about:
            prefix = "c" if self.table.nested else ""
            objects |= {
                f"{prefix}{name.removeprefix('Device') if prefix else name}": _json(text)
                for name, text in ABOUT.items()
            }
        if group == "conf" and "conf" in self.table.root:
            objects |= {name: f"{value:.2f}" for name, value in self.conf.items()}
        for path, setting in self.table.switches.items():
            subset, _, name = path.rpartition("/")
            if subset == group:
                objects[name] = _json(self.settings[setting])
        if group == "_Reporting":
            inner = self._group("_Reporting/mLive") or {}
            objects["mLive"] = "{" + ",".join(f'"{k}":{v}' for k, v in inner.items()) + "}"
            objects["mSummary"] = '{"sEnable":false,"sPeriod_s":3600}'
        return objects or None

    def _new_format(self) -> PublicationFormat:
        return PublicationFormat(self.table, self._published, self._finer, crc=self._crc)


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Refusal(0xA0) from None


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
