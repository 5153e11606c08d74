"""Where the Flux files are: beside this file; in a checkout as links to the folder flux/."""

from __future__ import annotations

from importlib import resources


def source(name: str) -> str:
    """Return the text of ``NAME.flux``."""
    file = resources.files("soclab_services.flux") / "tasks" / f"{name}.flux"
    return file.read_text(encoding="utf-8")
