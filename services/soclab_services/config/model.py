"""The shape of ``soclab.toml``; docs/soc-by-coulomb-counting.md says what the numbers do."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from soclab_collectors.measurements import NAME_PATTERN

Name = Annotated[str, Meta(pattern=NAME_PATTERN)]
Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Seconds = Annotated[int, Meta(ge=1)]


class InfluxdbConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The server that runs the tasks."""

    url: str = "http://127.0.0.1:8086"
    """Address of InfluxDB."""
    org: str = "soclab"
    """Organisation in InfluxDB."""
    token_file: str = ""
    """File with a token that may read and write tasks and buckets; not kept by the server."""
    ca_file: str = ""
    """File with the certificate authority of a server that no public one vouches for."""
    raw_retention_d: Annotated[int, Meta(ge=0)] = 90
    """Days for which raw readings are kept, when their bucket is made; 0 keeps them forever."""


class CoulombConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How often and how far back state of charge is computed."""

    every_s: Seconds = 10
    """Time between two runs."""
    offset_s: Annotated[int, Meta(ge=0)] = 5
    """Delay of a run, for readings on their way."""
    cell_s: Annotated[int, Meta(ge=1, le=3600)] = 10
    """Length of a cell: one row is stored for each that has samples."""
    settle_s: Seconds = 30
    """The youngest time, computed anew by every run."""
    late_window_s: Seconds = 3600
    """How far back late readings are looked for."""
    chunk_s: Seconds = 86_400
    """The longest time that one run computes for a battery that is behind."""
    catch_up: Annotated[int, Meta(ge=1, le=64)] = 3
    """How many batteries that are behind have their turn in one run."""


class RollupConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How often and how far back minutes are summarised."""

    every_s: Seconds = 60
    """Time between two runs."""
    offset_s: Annotated[int, Meta(ge=0)] = 10
    """Delay of a run, for readings on their way."""
    late_window_s: Seconds = 3600
    """How far back late readings are looked for."""
    chunk_s: Seconds = 86_400
    """The longest time that one run computes for an instrument that is behind."""
    catch_up: Annotated[int, Meta(ge=1, le=64)] = 8
    """How many instruments that are behind have their turn in one run."""


class FullAnchor(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What shows that a battery is full: its voltage with a small current, or its charger."""

    voltage_v: Positive | None = None
    """Every voltage of a cell is at least this..."""
    tail_current_a: Positive | None = None
    """...and every current, either way, at most this."""
    charger_state: NotNegative | None = None
    """Or: every state of its charger is this one (3: float)."""
    hold_s: NotNegative = 1800.0
    """How long it must last."""


class EmptyAnchor(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What shows that a battery is empty: a low voltage without a heavy load."""

    voltage_v: Positive
    """Every voltage of a cell is at most this..."""
    current_a: Positive
    """...and every current, either way, at most this."""
    disconnected_below_v: NotNegative | None = None
    """Below this the battery is off, not empty; half of voltage_v if not given."""
    hold_s: NotNegative = 60.0
    """How long it must last."""


class BatteryConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One battery whose charge is counted."""

    name: Name
    """Value of the tag ``battery``."""
    instrument: Name
    """The instrument whose current is integrated: value of the tag ``instrument``."""
    site: Name
    """Value of the tag ``site`` of what is computed."""
    capacity_ah: Positive
    """Charge between empty and full."""
    coulombic_efficiency: Annotated[float, Meta(gt=0, le=1)] = 1.0
    """Part of the charge put in that can be taken out again."""
    initial_soc_pct: Percent = 50.0
    """State of charge before the first sample."""
    initial_sigma_pct: Percent = 25.0
    """Standard uncertainty of that."""
    current_offset_sigma_a: NotNegative = 0.05
    """Standard uncertainty of the current sensor's zero."""
    current_gain_sigma: NotNegative = 0.01
    """Standard uncertainty of its gain, as a part of one."""
    max_gap_s: Positive = 60.0
    """A longer time between two samples is unobserved and not integrated."""
    unobserved_current_sigma_a: NotNegative | None = None
    """Typical current while unobserved; capacity / 20 h if not given."""
    anchor_sigma_pct: Percent = 1.0
    """Standard uncertainty right after an anchor."""
    full: FullAnchor | None = None
    """When it is known to be full."""
    empty: EmptyAnchor | None = None
    """When it is known to be empty."""


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that ``soclab`` on the server is told."""

    influxdb: InfluxdbConfig = InfluxdbConfig()
    coulomb: CoulombConfig = CoulombConfig()
    rollup: RollupConfig = RollupConfig()
    batteries: tuple[BatteryConfig, ...] = ()
