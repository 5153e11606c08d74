"""One lab for all steps, and the figures that they measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.molecule.system.tests.figures import FIGURES
from tests.molecule.system.tests.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Return the lab; its secrets are new."""
    made = Lab(tmp_path_factory.mktemp("lab"))
    made.make_secrets()
    yield made
    made.vault.unlink()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    terminalreporter.section("figures")
    for figure in FIGURES:
        terminalreporter.write_line(str(figure))
