"""What the roles take, read from their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[1]
ROLES = ROOT / "ansible" / "roles"


class Role(NamedTuple):
    """A role, as its own files describe it."""

    name: str
    folder: Path
    entries: dict[str, dict[str, Any]]
    """Entry points of argument_specs.yml."""
    defaults: dict[str, Any]
    defaults_text: str

    @property
    def options(self) -> dict[str, dict[str, Any]]:
        """What the role can be told."""
        options: dict[str, dict[str, Any]] = self.entries.get("main", {}).get("options", {})
        return options


def load_roles(folder: Path = ROLES) -> list[Role]:
    """Return every role, by name."""
    return [_load(role) for role in sorted(folder.iterdir()) if (role / "tasks").is_dir()]


def _load(folder: Path) -> Role:
    defaults = folder / "defaults" / "main.yml"
    text = defaults.read_text(encoding="utf-8") if defaults.exists() else ""
    specs = folder / "meta" / "argument_specs.yml"
    entries = yaml.safe_load(specs.read_text(encoding="utf-8")) if specs.exists() else {}
    return Role(
        folder.name, folder, entries.get("argument_specs", {}), yaml.safe_load(text) or {}, text
    )


def sentences(description: str | list[str]) -> list[str]:
    """Return a description, which may be text or a list of texts, one line each."""
    parts = [description] if isinstance(description, str) else description
    return [" ".join(str(part).split()) for part in parts]
