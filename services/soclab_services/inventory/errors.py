"""Why an inventory was not made."""

from __future__ import annotations


class InventoryError(Exception):
    """What is wrong, and what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}. {remedy}")
