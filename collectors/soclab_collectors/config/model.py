"""The shape of ``collectors.toml``; docs/configuration.md shows every key in use."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from soclab_collectors.instruments.registry import AnyInstrumentConfig

Positive = Annotated[float, Meta(gt=0)]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]


class ClockConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When dates can be trusted."""

    source: Literal["kernel", "file", "trusted", "replay"] = "kernel"
    sync_file: str = ""
    timeline_directory: str = ""


class SpoolConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where accepted readings wait for the server."""

    directory: str = "/var/lib/soclab/spool"
    fsync_s: Positive = 1.0
    max_mb: Positive = 1024.0
    at_limit: Literal["drop_oldest", "refuse_new"] = "drop_oldest"
    archive_directory: str = ""
    archive_max_mb: Positive = 256.0


class UploaderConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The server, and how much is sent to it at once."""

    url: str
    org: str = "soclab"
    bucket: str = "raw"
    token_file: str = ""
    ca_file: str = ""
    batch_lines: Annotated[int, Meta(ge=1, le=50_000)] = 5_000
    timeout_s: Positive = 30.0


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything on one machine."""

    site: Name
    uploader: UploaderConfig
    instruments: list[AnyInstrumentConfig]
    clock: ClockConfig = field(default_factory=ClockConfig)
    spool: SpoolConfig = field(default_factory=SpoolConfig)
    monitor_s: Positive = 10.0
