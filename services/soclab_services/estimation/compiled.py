"""Compiling the hot loops; importing this module costs half a second, so only those do that run."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import numba
import platformdirs

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., object])


def _sources_digest() -> str:
    """Return what changes with any source here that is compiled.

    numba itself looks only at the file of a function, not at those of the functions it calls.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        source = path.read_bytes()
        if b"@compiled" in source:
            digest.update(source)
    return digest.hexdigest()[:16]


_CACHE = Path(platformdirs.user_cache_dir("soclab")) / "numba" / _sources_digest()
setattr(numba.config, "CACHE_DIR", str(_CACHE))  # noqa: B010  its type hides what it has


def compiled(function: Function) -> Function:
    """Return the function as machine code, kept between runs of the program.

    Its arithmetic stays in order (no fastmath): filters are compared to 1e-9.
    """
    return cast("Function", numba.njit(cache=True, error_model="numpy")(function))
