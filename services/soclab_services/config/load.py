"""Reads ``soclab.toml`` and refuses what cannot work, naming file, key and remedy."""

from __future__ import annotations

import difflib
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args

import msgspec
from soclab_collectors.errors import ConfigError

from soclab_services.config.model import BatteryConfig, Config

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["ConfigError", "check_batteries", "load_config", "read"]

_NAMED_KEY: Final = re.compile(r"field `(?P<key>[^`]*)`")
_REMEDY: Final = "docs/soc-by-coulomb-counting.md lists every key."

Shape = TypeVar("Shape", bound=msgspec.Struct)


def load_config(path: Path) -> Config:
    """Return the configuration in ``path``.

    Raises
    ------
    ConfigError
        If the file cannot be read, is no TOML, has an unknown key, a value of the wrong type or
        range, two batteries of one name, or times that do not fit together.
    """
    config = read(path, Config, _REMEDY)
    _check_times(path, config)
    check_batteries(path, config.batteries, config.coulomb.cell_s)
    return config


def read(path: Path, shape: type[Shape], remedy: str) -> Shape:
    """Return what a file says, of this shape; ``remedy`` says where its keys are described.

    Raises
    ------
    ConfigError
        If the file cannot be read, is no TOML, has an unknown key or a value of the wrong type.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(str(path), reason, f"Name another file. {remedy}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"no valid TOML: {error}", "Mend this line.") from error
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError as error:
        raise _explain(path, data, str(error), shape, remedy) from error


def _check_times(path: Path, config: Config) -> None:
    coulomb = config.coulomb
    for key in ("settle_s", "late_window_s", "chunk_s"):
        if getattr(coulomb, key) % coulomb.cell_s:
            raise ConfigError(
                f"{path}: coulomb.{key}",
                f"no multiple of cell_s, which is {coulomb.cell_s}",
                "Cells must fit into it.",
            )
    for name, part, least in (("coulomb", coulomb, coulomb.cell_s), ("rollup", config.rollup, 60)):
        if part.chunk_s < part.late_window_s:
            raise ConfigError(
                f"{path}: {name}.chunk_s",
                "shorter than late_window_s",
                "One run must be able to compute anew what late readings change.",
            )
        if part.every_s % least and least % part.every_s:
            raise ConfigError(
                f"{path}: {name}.every_s",
                f"neither a multiple nor a part of {least} s",
                "Results appear at these times.",
            )
    if config.rollup.late_window_s % 60 or config.rollup.chunk_s % 60:
        raise ConfigError(
            f"{path}: rollup", "late_window_s or chunk_s is no multiple of 60", _REMEDY
        )


def check_batteries(path: Path, batteries: Sequence[BatteryConfig], cell_s: int) -> None:
    """Refuse batteries that cannot be, with the name and the key.

    Raises
    ------
    ConfigError
        If two have one name, or anchors or gaps do not fit.
    """
    names: set[str] = set()
    for battery in batteries:
        where = f"{path}: batteries.{battery.name}"
        if battery.name in names:
            raise ConfigError(
                f"{where}.name", "this name is taken", "Give every battery its own name."
            )
        names.add(battery.name)
        if battery.max_gap_s < cell_s:
            raise ConfigError(
                f"{where}.max_gap_s",
                f"shorter than a cell (cell_s), which is {cell_s}",
                "Gaps are looked for between cells: make cells shorter or the gap longer.",
            )
        _check_full_anchor(where, battery)
        if battery.empty and (battery.empty.disconnected_below_v or 0) >= battery.empty.voltage_v:
            raise ConfigError(
                f"{where}.empty.disconnected_below_v",
                "not below voltage_v",
                "The anchor would never be reached.",
            )


def _check_full_anchor(where: str, battery: BatteryConfig) -> None:
    full = battery.full
    if full is None:
        return
    if (full.voltage_v is None) != (full.tail_current_a is None):
        raise ConfigError(
            f"{where}.full",
            "voltage_v and tail_current_a belong together",
            "A high voltage alone only shows that the battery is being charged.",
        )
    if full.voltage_v is None and full.charger_state is None:
        raise ConfigError(
            f"{where}.full",
            "says nothing to look for",
            "Give voltage_v and tail_current_a, or charger_state.",
        )


def _explain(
    path: Path, data: dict[str, Any], message: str, shape: type[msgspec.Struct], remedy: str
) -> ConfigError:
    """Turn msgspec's message into one that a person can act on."""
    reason, _, at = message.partition(" - at ")
    keys = [_named(at.strip("`"), data)] if at else []
    if named := _NAMED_KEY.search(reason):
        keys.append(named["key"])
        reason = "missing" if "missing" in reason else "unknown key"
        near = difflib.get_close_matches(named["key"], sorted(set(_known_keys(shape))), n=1)
        if near and reason != "missing":
            remedy = f"Did you mean {near[0]}? {remedy}"
    return ConfigError(f"{path}: {'.'.join(filter(None, keys))}", reason, remedy)


def _named(path: str, data: dict[str, Any]) -> str:
    """Turn ``$.batteries[1].full`` into ``batteries.shed.full``: people count badly."""
    if match := re.match(r"\$\.batteries\[(\d+)\](.*)", path):
        battery = data["batteries"][int(match[1])]
        name = battery.get("name", match[1]) if isinstance(battery, dict) else match[1]
        return f"batteries.{name}{match[2]}"
    return path.removeprefix("$").removeprefix(".")


def _known_keys(kind: Any) -> Iterator[str]:
    """Yield every key of a struct and of those within it."""
    for inner in get_args(kind):
        yield from _known_keys(inner)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for info in msgspec.structs.fields(kind):
            yield info.encode_name
            yield from _known_keys(info.type)
