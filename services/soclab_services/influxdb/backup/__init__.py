"""Backups of an InfluxDB server over its API: made, verified, restored, rehearsed.

A backup is a folder with the files of ``influx backup`` and the manifest that ``influx restore``
reads, so that the vendor's tool can restore it as well. Beside them are ``SHA256SUMS`` and, in
``counts.json``, how many points there must be after a restore.
"""

from typing import Final

NAME_FORMAT: Final = "%Y%m%dT%H%M%SZ"  # of a backup's folder, and the start of its files' names
NAME_PATTERN: Final = "[0-9]" * 8 + "T" + "[0-9]" * 6 + "Z"
