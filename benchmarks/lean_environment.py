"""A virtual environment that holds what a Pi gets: the collectors and what they require."""

from __future__ import annotations

import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

COLLECTORS = Path(__file__).parents[1] / "collectors" / "soclab_collectors"


def make_lean_environment(folder: Path) -> Path:
    """Make it in ``folder`` out of links to installed packages; return its Python.

    The environment of a developer starts more slowly and larger: it has hooks for packages that
    are edited in place.
    """
    venv.create(folder, symlinks=True)
    [packages] = folder.glob("lib/python3*/site-packages")
    (packages / COLLECTORS.name).symlink_to(COLLECTORS)
    for name in _required("soclab-collectors"):
        installed = distribution(name)
        for top in _top_level(installed):
            (packages / top).symlink_to(Path(str(installed.locate_file(top))))
    return folder / "bin" / "python"


def _required(name: str) -> set[str]:
    """Return the names of everything that a package requires here, itself not included."""
    names: set[str] = set()
    for line in distribution(name).requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            names |= {requirement.name, *_required(requirement.name)}
    return names


def _top_level(installed: Distribution) -> set[str]:
    """Return the files and folders of a package right within site-packages."""
    assert installed.files is not None, installed
    return {file.parts[0] for file in installed.files} - {"..", "__pycache__"}
