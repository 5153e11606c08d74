"""Fixtures of the EL 3000's tests."""

import pytest


@pytest.fixture
def figure(capsys):
    """Print a figure even where pytest captures output: docs quote it."""

    def print_figure(text):
        with capsys.disabled():
            print(f"\nEL 3000, {text}")

    return print_figure
