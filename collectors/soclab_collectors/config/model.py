"""The shape of ``collectors.toml``; docs/configuration.md shows every key in use."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from soclab_collectors.instruments.base import Name
from soclab_collectors.instruments.registry import AnyInstrumentConfig

Positive = Annotated[float, Meta(gt=0)]


class ClockConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When dates can be trusted."""

    source: Literal["kernel", "file", "trusted", "replay"] = "kernel"
    """Who knows: the kernel (NTP), a file that appears, nobody needed, or a recording."""
    sync_file: str = ""
    """File whose existence says that the clock is right; for source = "file"."""
    timeline_directory: str = ""
    """Folder of the times of a recording; for source = "replay"."""


class SpoolConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where accepted readings wait for the server."""

    directory: str = "/var/lib/soclab/spool"
    """Folder of the spool, one folder in it per instrument."""
    fsync_s: Positive = 1.0
    """How often what was read is made durable: a power cut costs at most this much."""
    max_mb: Positive = 1024.0
    """Size that each instrument's folder may reach."""
    at_limit: Literal["drop_oldest", "refuse_new"] = "drop_oldest"
    """What is given up at max_mb: the oldest readings, or new ones."""
    archive_directory: str = ""
    """Folder to keep uploaded readings in; without one they are deleted."""
    archive_max_mb: Positive = 256.0
    """Size that the archive may reach; the oldest readings go first."""


class UploaderConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The server, and how much is sent to it at once."""

    url: str
    """Address of InfluxDB, https:// unless it is this machine."""
    org: str = "soclab"
    """Organisation in InfluxDB."""
    bucket: str = "raw"
    """Bucket for readings."""
    token_file: str = ""
    """File with the write token, for its owner only; systemd credentials go first."""
    ca_file: str = ""
    """File with the certificate authority of a server that no public one vouches for."""
    allow_plain_http: bool = False
    """Send the token unencrypted to another machine: only on a network of your own."""
    batch_lines: Annotated[int, Meta(ge=1, le=50_000)] = 5_000
    """Lines sent in one request."""
    timeout_s: Positive = 30.0
    """How long a request may take."""
    quarantine_max_mb: Positive = 16.0
    """Size that each instrument's refused lines may reach; the oldest go first."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything on one machine."""

    site: Name
    """Name of the lab; a tag of everything stored."""
    uploader: UploaderConfig
    instruments: list[AnyInstrumentConfig]
    clock: ClockConfig = field(default_factory=ClockConfig)
    spool: SpoolConfig = field(default_factory=SpoolConfig)
    monitor_s: Positive = 10.0
    """How often every unit reports on itself (measurement `collector`)."""
