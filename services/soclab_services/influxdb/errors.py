"""What keeps an InfluxDB server from being installed or run."""

from __future__ import annotations


class InfluxdbError(Exception):
    """Something about the server does not work; says why and what to do next."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}. {remedy}")
        self.reason = reason
        self.remedy = remedy
