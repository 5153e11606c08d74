"""Real servers for pipeline tests."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.pipeline.influxd import VERSION, Influxd, find_influxd

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def figure(record_property) -> Callable[[str], None]:
    """Return a function that takes a measured figure; all are printed at the end of the run."""
    return partial(record_property, "figure")


def pytest_terminal_summary(terminalreporter):
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    figures = [text for r in reports for name, text in r.user_properties if name == "figure"]
    if figures:
        terminalreporter.section("figures")
        for text in figures:
            terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def influxd_program():
    program = find_influxd()
    if program is None:
        pytest.skip(f"reason: no influxd {VERSION}, remedy: .venv/bin/soclab influxdb install")
    return program


@pytest.fixture(scope="session")
def influxdb(influxd_program, tmp_path_factory):
    """One influxd for the whole run; tests keep apart by measurement or instrument."""
    server = Influxd(influxd_program, tmp_path_factory.mktemp("influxdb"))
    yield server
    server.stop()


@pytest.fixture
def influxdb_factory(influxd_program, tmp_path_factory):
    """Make influxds of one's own, to be killed and restarted: ``influxdb_factory(*options)``."""
    servers = []

    def make(*options: str) -> Influxd:
        servers.append(Influxd(influxd_program, tmp_path_factory.mktemp("influxdb"), *options))
        return servers[-1]

    yield make
    for server in servers:
        server.kill()
