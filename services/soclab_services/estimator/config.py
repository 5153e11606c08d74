"""The shape of ``estimator.toml`` and how it is read; docs/configuration.md lists the keys."""

from __future__ import annotations

import datetime  # noqa: TC003  msgspec reads it
from pathlib import Path
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from soclab_services.battery_model.model import Chemistry  # noqa: TC001  msgspec reads it
from soclab_services.config.load import ConfigError, check_batteries, read
from soclab_services.config.model import BatteryConfig, Name, NotNegative, Positive, Seconds

REMEDY: Final = "docs/configuration.md lists every key."
# The Flux task writes `coulomb`: what counts the same in Python needs a name of its own.
COUNTED: Final = "coulomb_python"
MethodName = Literal["ekf", "spkf", "coulomb_python"]


class ServerConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The InfluxDB that is read and written."""

    url: str = "http://127.0.0.1:8086"
    """Address of InfluxDB."""
    org: str = "soclab"
    """Organisation in InfluxDB."""
    raw_bucket: Name = "raw"
    """Where readings are."""
    derived_bucket: Name = "derived"
    """Where estimates go."""
    token_file: str = ""
    """File with a token that may read both buckets and write the second; systemd may hand it."""
    ca_file: str = ""
    """File with the certificate authority of a server that no public one vouches for."""
    timeout_s: Annotated[float, Meta(gt=0, le=120)] = 60.0
    """How long an answer may take."""


class TimingConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How often and how far back."""

    every_s: Seconds = 10
    """Time between two looks for new data."""
    cell_s: Annotated[int, Meta(ge=1, le=300)] = 10
    """One row is stored for each cell of this length that has samples."""
    settle_s: Annotated[int, Meta(ge=0)] = 10
    """The youngest time is left alone: data in flight belongs there."""
    history_h: Annotated[int, Meta(ge=1)] = 168
    """How far back the first run begins."""
    late_h: Annotated[int, Meta(ge=1, le=168)] = 48
    """How far back late data is looked for."""
    late_every_s: Seconds = 60
    """How often it is looked for in the newest two hours; in all of them every 15 times as long."""
    save_every_s: Seconds = 300
    """How often the state is stored; after a crash, what came since is computed anew."""
    outlook_every_s: Annotated[int, Meta(ge=60)] = 900
    """How often time to empty and to full are estimated."""
    chunk_s: Annotated[int, Meta(ge=3600)] = 21_600
    """The longest time that is read at once for a battery that is behind."""


class EstimatedBattery(BatteryConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A battery as the Flux task knows it, and what the filters have to know besides."""

    chemistry: Chemistry
    """`la` (lead acid) or `lfp` (lithium iron phosphate)."""
    since: Annotated[datetime.datetime, Meta(tz=True)] | None = None
    """What was measured before is of another battery."""
    methods: tuple[MethodName, ...] = ("ekf", "spkf", "coulomb_python")
    """What estimates it; the first also says how long it lasts."""
    model_file: str = ""
    """What `soclab model fit` made of it; without one a typical battery, and wide bands."""
    packs_in_series: Annotated[int, Meta(ge=1, le=40)] = 1
    """So many 12 V packs make up its voltage."""
    absorption_voltage_v: Positive | None = None
    """The charger's voltage in absorption; 0.1 V above full.voltage_v if not given."""
    float_voltage_v: Positive | None = None
    """Its voltage in float; without it the charger's step to float shows no full battery."""
    temperature_instrument: Name | None = None
    """Whose temperature_c is the battery's; that of `instrument` if not given."""
    largest_current_a: Positive | None = None
    """More, either way, is the sensor and not the battery; 10 A per ampere-hour if not given."""
    bias_sigma_a: NotNegative | None = None
    """Standard uncertainty of the sensor's zero, for the filters; 0.3 % of capacity per hour."""


class EstimatorConfig(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that the estimator is told."""

    influxdb: ServerConfig = ServerConfig()
    state_directory: str = "/var/lib/soclab/estimator"
    """Where states are kept."""
    timing: TimingConfig = TimingConfig()
    batteries: tuple[EstimatedBattery, ...] = ()


def load_estimator_config(path: Path) -> EstimatorConfig:
    """Return the configuration in ``path``.

    Raises
    ------
    ConfigError
        If the file cannot be read, has an unknown key, a value of the wrong type or range, or
        names what is not there.
    """
    config = read(path, EstimatorConfig, REMEDY)
    check_batteries(path, config.batteries, config.timing.cell_s)
    cell_s = config.timing.cell_s
    for key, seconds in (
        ("cell_s", 3600),
        ("outlook_every_s", config.timing.outlook_every_s),
        ("chunk_s", config.timing.chunk_s),
    ):
        if seconds % cell_s:
            raise ConfigError(
                f"{path}: timing.{key}",
                f"cells of {cell_s} s do not fit into {seconds} s",
                "Choose a cell that does.",
            )
    for battery in config.batteries:
        where = f"{path}: batteries.{battery.name}"
        if not battery.methods or len(set(battery.methods)) < len(battery.methods):
            raise ConfigError(
                f"{where}.methods", "empty, or one of them twice", "Name each of them once."
            )
        if battery.model_file and not Path(battery.model_file).is_file():
            raise ConfigError(
                f"{where}.model_file",
                f"{battery.model_file} is no file",
                "Make one with soclab model fit, or leave the key out.",
            )
    return config
