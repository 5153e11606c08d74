"""Reads ``collectors.toml`` and refuses what cannot work, naming file, key and remedy."""

from __future__ import annotations

import difflib
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args

import msgspec

from soclab_collectors.config.model import Config
from soclab_collectors.errors import ConfigError
from soclab_collectors.instruments.registry import INSTRUMENT_CONFIGS
from soclab_collectors.unit_name import OF_PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_Kind = TypeVar("_Kind", bound=msgspec.Struct)
_NAMED_KEY: Final = re.compile(r"(?:unknown|missing required) field `(?P<key>[^`]*)`")
_REMEDY: Final = "docs/configuration.md lists every key with its unit."


def load_config(path: Path) -> Config:
    """Return the configuration in ``path``.

    Raises
    ------
    ConfigError
        If the file cannot be read, is no TOML, has an unknown key, a value of the wrong type or
        range, two instruments of one name or two instruments on one port.
    """
    config = read_config(path, Config)
    _check_instruments(path, config)
    _check_clock(path, config)
    return config


def read_config(path: Path, kind: type[_Kind]) -> _Kind:
    """Return what is in ``path`` as a ``kind``.

    Raises
    ------
    ConfigError
        If the file cannot be read, is no TOML, has an unknown key or a value of the wrong type or
        range.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            str(path), error.strerror or str(error), "Copy an example from docs/configuration.md."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"no valid TOML: {error}", "Mend this line.") from error
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise _explain(path, data, kind, str(error)) from error


def _check_instruments(path: Path, config: Config) -> None:
    names: set[str] = set(OF_PROGRAMS)
    ports: dict[str, str] = {}
    for instrument in config.instruments:
        where = f"{path}: instruments.{instrument.name}"
        if instrument.name in names or instrument.name.partition("-")[0] in OF_PROGRAMS:
            raise ConfigError(
                f"{where}.name", "this name is taken", "Give every instrument its own name."
            )
        names.add(instrument.name)
        try:
            instrument.validate()
        except ValueError as error:
            key, _, rest = str(error).partition(": ")
            reason, _, remedy = rest.partition(". ")
            raise ConfigError(f"{where}.{key}", reason, remedy) from error
        port = instrument.port()
        if port in ports:
            raise ConfigError(
                f"{where}: {port}",
                f"instrument {ports[port]} uses this port as well",
                "Give every instrument a port of its own.",
            )
        ports[port] = instrument.name


def _check_clock(path: Path, config: Config) -> None:
    needed = {"file": "sync_file", "replay": "timeline_directory"}.get(config.clock.source)
    if needed and not getattr(config.clock, needed):
        raise ConfigError(
            f"{path}: clock.{needed}",
            f'source = "{config.clock.source}" needs it',
            f"Set {needed} or choose another source.",
        )


def _explain(path: Path, data: dict[str, Any], kind: type, message: str) -> ConfigError:
    """Turn msgspec's message into one that a person can act on."""
    reason, _, at = message.partition(" - at ")
    keys = [_named(at.strip("`"), data)] if at else []
    remedy = _REMEDY
    if named := _NAMED_KEY.search(reason):
        keys.append(named["key"])
        reason = "missing" if "missing" in reason else "unknown key"
        if near := difflib.get_close_matches(named["key"], sorted(set(_known_keys(kind))), n=1):
            remedy = _REMEDY if reason == "missing" else f"Did you mean {near[0]}? {_REMEDY}"
    elif re.fullmatch(r"`\$\.instruments\[\d+\]\.kind`", at):
        kinds = sorted(str(c.__struct_config__.tag) for c in INSTRUMENT_CONFIGS)
        remedy = f"Instruments are of kind {', '.join(kinds)}. {_REMEDY}"
    return ConfigError(f"{path}: {'.'.join(filter(None, keys))}", reason, remedy)


def _named(path: str, data: dict[str, Any]) -> str:
    """Turn ``$.instruments[1].port`` into ``instruments.load.port``: people count badly."""
    match = re.match(r"\$\.instruments\[(\d+)\](.*)", path)
    if match:
        name = data["instruments"][int(match[1])].get("name", match[1])
        return f"instruments.{name}{match[2]}"
    return path.removeprefix("$").removeprefix(".")


def _known_keys(kind: Any) -> Iterator[str]:
    """Yield every key of a struct and of those within it, in lists and alternatives as well."""
    for inner in get_args(kind):
        yield from _known_keys(inner)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for info in msgspec.structs.fields(kind):
            yield info.encode_name
            yield from _known_keys(info.type)
