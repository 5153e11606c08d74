"""A real InfluxDB that holds a lab, for everything that queries it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.grafana.lab import fill
from tests.pipeline.conftest import (  # noqa: F401  fixtures
    figure,
    influxd_program,
    influxdb_factory,
)
from tests.pipeline.influxd import Influxd

if TYPE_CHECKING:
    from collections.abc import Iterator


class Lab(NamedTuple):
    """The server, and when it was filled (seconds since the epoch): dashboards look back."""

    server: Influxd
    now_s: float


@pytest.fixture(scope="session")
def lab(influxd_program, tmp_path_factory) -> Iterator[Lab]:  # noqa: F811
    server = Influxd(influxd_program, tmp_path_factory.mktemp("lab"))
    fill(server)
    yield Lab(server, time.time())
    server.stop()
