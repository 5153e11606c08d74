"""Pieces of Flux that several rules are made of; lines are short, since the files indent them."""

from __future__ import annotations

from typing import Final

AMOUNT: Final = """\
    |> map(
        fn: (r) =>
            ({r with _value: if r._value < 0.0 then -r._value else r._value}),
    )
"""
SECONDS_PER_NS: Final = "0.000000001"


def stored(bucket: str, *conditions: str) -> str:
    """Return what a bucket has within the range of the rule; conditions are about ``r``."""
    filters = "".join(f"    |> filter(fn: (r) => {condition})\n" for condition in conditions)
    return f"""\
from(bucket: "{bucket}")
    |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
{filters}"""


def field(bucket: str, measurement: str, name: str, *conditions: str) -> str:
    """Return the rows of one field."""
    return stored(
        bucket, f'r._measurement == "{measurement}"', f'r._field == "{name}"', *conditions
    )


def whole(every: str, function: str = "mean") -> str:
    """Return one number for each window that is over.

    The one that is not would change until it is, and an alert near its limit would flap with it.
    """
    return f"""\
    |> aggregateWindow(every: {every}, fn: {function}, createEmpty: false)
    |> filter(fn: (r) => r._time < v.timeRangeStop)
"""


def named(name: str, stream: str) -> str:
    """Return a stream under a name, for use in a join."""
    lines = stream.rstrip("\n").splitlines()
    return f"{name} =\n" + "".join(f"    {line}\n" for line in lines)
