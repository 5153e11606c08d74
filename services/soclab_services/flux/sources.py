"""Where the Flux files are: in the package once built, in the folder flux/ of a checkout."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def source(name: str) -> str:
    """Return the text of ``NAME.flux``."""
    packaged = resources.files("soclab_services.flux") / "tasks" / f"{name}.flux"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    checkout = Path(__file__).parents[3] / "flux" / f"{name}.flux"
    return checkout.read_text(encoding="utf-8")
