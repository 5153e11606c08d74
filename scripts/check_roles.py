"""Holds defaults and argument_specs of every role against each other; prints what disagrees."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from roles import Role, load_roles

if TYPE_CHECKING:
    from collections.abc import Iterator


def problems(role: Role) -> Iterator[str]:
    """Yield what is wrong with the description of a role's variables."""
    if "main" not in role.entries:
        yield f"{role.name}: meta/argument_specs.yml describes no entry point main"
        return
    if (role.folder / "tasks" / "preflight.yml").exists() and role.entries.get("preflight", {}).get(
        "options"
    ) != role.options:
        yield f"{role.name}: preflight takes other options than main (share them by an anchor)"
    for name in sorted(role.defaults.keys() - role.options.keys()):
        yield f"{role.name}: {name} is in defaults/main.yml, but not in argument_specs.yml"
    for name, option in role.options.items():
        yield from (f"{role.name}: {name} {what}" for what in _wrong(role, name, option))


def _wrong(role: Role, name: str, option: dict[str, Any]) -> Iterator[str]:
    if not name.startswith(f"{role.name}_"):
        yield "does not begin with the role's name"
    for key in ("type", "description"):
        if key not in option:
            yield f"has no {key} in argument_specs.yml"
    if name not in role.defaults:
        if "default" in option:
            yield "has a default in argument_specs.yml, but none in defaults/main.yml"
        if not re.search(rf"^# ?{name}:", role.defaults_text, re.MULTILINE):
            yield "is not in defaults/main.yml, not even commented out"
    elif option.get("required"):
        yield "is required, but has a default"
    elif not _same(role.defaults[name], option.get("default")):
        yield (
            f"defaults to {role.defaults[name]!r} in defaults/main.yml, "
            f"to {option.get('default')!r} in argument_specs.yml"
        )


def _same(default: Any, described: Any) -> bool:
    """Compare two defaults; one that is computed may be described in words only."""
    return default == described or (isinstance(default, str) and "{{" in default)


def main() -> int:
    """Print what disagrees; the exit code says whether anything does."""
    roles = load_roles()
    found = [problem for role in roles for problem in problems(role)]
    print("\n".join(found) or f"Variables of {len(roles)} roles: defaults and argument_specs agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
