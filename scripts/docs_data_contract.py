"""The page docs/data-contract.md, from ``soclab_collectors.measurements``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soclab_collectors.measurements import COMMON_TAGS, CONTRACT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soclab_collectors.measurements import Measurement

HEAD = """\
# Data contract

<!-- Generated from collectors/soclab_collectors/measurements.py by `make docs`. -->

Every measurement, field and tag that soclab writes into InfluxDB. Names are added, never renamed:
dashboards, alert rules and years of data depend on them. Every number is a float on the wire.
Units stand in the names (`_v` V, `_a` A, `_w` W, `_ah` Ah, `_wh` Wh, `_c` °C, `_pct` %, `_s` s).
A current or power above zero charges the battery unless its line says otherwise.

Buckets: `raw` holds what instruments send, at full rate; `rollup_1m` its mean, minimum, maximum
and count per minute, with the same measurements, tags and fields and one more tag, `stat`: `mean`,
`min`, `max` or `count`; a row there is stamped with the beginning of its minute. `derived` holds
what is computed.
"""


def page() -> str:
    """Return the page."""
    return HEAD + "".join(_section(name, m) for name, m in CONTRACT.items())


def _section(name: str, measurement: Measurement) -> str:
    tags = ", ".join(f"`{tag}`" for tag in (*COMMON_TAGS, *measurement.tags))
    meaning = measurement.meaning[0].upper() + measurement.meaning[1:]
    lines = [
        f"\n## {name}\n",
        f"{meaning}. Bucket `{measurement.bucket}`; tags {tags}.\n",
        *_fields(measurement),
    ]
    return "\n".join(lines) + "\n"


def _fields(measurement: Measurement) -> Iterator[str]:
    if measurement.open_fields:
        yield "Any field that its device names."
        return
    yield "| field | unit | meaning |"
    yield "|---|---|---|"
    for name, field in measurement.fields.items():
        unit = "text" if field.text else field.unit
        yield f"| `{name}` | {unit} | {field.meaning} |"
