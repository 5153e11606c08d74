"""The README.md of every role, from its argument_specs.yml."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from roles import Role, load_roles, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD = """\
# {name}

<!-- Generated from meta/argument_specs.yml by `make docs`. -->

{short}. {text}

| variable | type | default | meaning |
|---|---|---|---|
"""


def pages() -> dict[Path, str]:
    """Return every README.md with its text."""
    return {role.folder / "README.md": page(role) for role in load_roles()}


def page(role: Role) -> str:
    """Return the page of one role."""
    main = role.entries["main"]
    head = HEAD.format(
        name=role.name,
        short=main["short_description"].rstrip("."),
        text=markdown(" ".join(sentences(main.get("description", [])))),
    ).replace(" \n", "\n")
    rows = "\n".join(_rows(role, role.options, ""))
    others = [
        f"- `tasks_from: {name}`: {entry['short_description'].rstrip('.')}"
        for name, entry in role.entries.items()
        if name != "main"
    ]
    return f"{head}{rows}\n" + ("\nFurther entry points:\n\n" + "\n".join(others) + "\n") * bool(
        others
    )


def _rows(role: Role, options: dict[str, dict[str, Any]], path: str) -> Iterator[str]:
    for name, option in options.items():
        text = markdown(" ".join(sentences(option["description"])))
        cells = (f"`{path}{name}`", _type(option), _default(role, name, option), text)
        yield "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
        inner = "[]." if option.get("type") == "list" else "."
        yield from _rows(role, option.get("options", {}), f"{path}{name}{inner}")


def _type(option: dict[str, Any]) -> str:
    if "choices" in option:
        return " or ".join(f"`{choice}`" for choice in option["choices"])
    kind = str(option.get("type", "str"))
    return f"list of {option['elements']}" if "elements" in option else kind


def _default(role: Role, name: str, option: dict[str, Any]) -> str:
    if option.get("required"):
        return "**required**"
    value = option.get("default", role.defaults.get(name))
    if value is None or value in ("", [], {}):
        return "none"
    if isinstance(value, str) and "{{" in value:
        return "computed"
    return f"`{value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}`"


def markdown(text: str) -> str:
    """Turn Ansible's markup into Markdown's."""
    text = re.sub(r"\b[CVOEPRM]\(([^)]*)\)", r"`\1`", text)
    text = re.sub(r"\bL\(([^,]*),\s*([^)]*)\)", r"[\1](\2)", text)
    text = re.sub(r"\bU\(([^)]*)\)", r"<\1>", text)
    return re.sub(r"\b[BI]\(([^)]*)\)", r"*\1*", text)
