"""Who may do what in soclab's InfluxDB: organisation, buckets, and a token per purpose."""

from __future__ import annotations

from typing import Final

from soclab_collectors.measurements import BUCKET_DERIVED, BUCKET_RAW, BUCKET_ROLLUP

ORG: Final = "soclab"
OWNER: Final = "soclab"
BUCKETS: Final = (BUCKET_RAW, BUCKET_ROLLUP, BUCKET_DERIVED)

# What each token may do with each bucket. The uploader's can only write, and only readings.
TOKENS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "write_token": {BUCKET_RAW: ("write",)},
    "read_token": dict.fromkeys(BUCKETS, ("read",)),
    "task_token": {
        BUCKET_RAW: ("read",),
        BUCKET_ROLLUP: ("read", "write"),
        BUCKET_DERIVED: ("read", "write"),
    },
}
"""File name of a token, buckets, and actions allowed there."""

# Installs Flux tasks; a task can do no more than the one who installed it.
TASK_TOKEN: Final = "task_token"  # noqa: S105  a file name
