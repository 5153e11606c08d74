"""Compiling the hot loops; importing this module costs half a second, so only those do that run."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Return the function as machine code, kept between runs of the program.

    Its arithmetic stays in order (no fastmath): filters are compared to 1e-9.
    """
    kept: Function = numba.njit(cache=True, error_model="numpy")(function)
    return kept
