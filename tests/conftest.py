"""Says at the end of a run what was left out and why; in CI nothing is left out without a reason.

With ``CI=true`` in the environment, a test that is skipped, deselected or expected to fail makes
the run fail, unless an entry of tests/left_out.toml says why that is right.
"""

from __future__ import annotations

import os
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

LIST = Path(__file__).with_name("left_out.toml")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LeftOut(config), "left_out")


class LeftOut:
    """Collects what did not run, compares it with the list and reports."""

    def __init__(self, config: pytest.Config) -> None:
        entries = tomllib.loads(LIST.read_text(encoding="utf-8")).get("left_out", [])
        self.listed: dict[str, str] = {e["test"]: e["reason"] for e in entries}
        self.left_out: dict[str, str] = {}
        self.in_ci = os.environ.get("CI", "").lower() in {"1", "true"}
        # Only a run of everything can tell that an entry of the list is no longer needed.
        self.everything = config.args_source is not pytest.Config.ArgsSource.ARGS

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.left_out |= {item.nodeid: "deselected" for item in items}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Take over what a process of pytest-xdist deselected: it tells of nothing else itself."""
        output: dict[str, list[str]] = getattr(node, "workeroutput", {})
        self.left_out |= dict.fromkeys(output.get("deselected", []), "deselected")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.left_out[report.nodeid] = _reason(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:  # an expected failure is reported as skipped, too
            self.left_out[report.nodeid] = getattr(report, "wasxfail", None) or _reason(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(session.config, "workeroutput", None)
        if output is not None:  # of a process of pytest-xdist
            output["deselected"] = [t for t, why in self.left_out.items() if why == "deselected"]
            return
        if self.in_ci and self._unlisted() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        say = terminalreporter.write_line
        if self.left_out:
            terminalreporter.section("left out")
        by_reason: dict[str, list[str]] = {}
        for test, reason in self.left_out.items():
            by_reason.setdefault(reason, []).append(test)
        for reason, tests in by_reason.items():
            say(f"{len(tests)} left out: {reason}")
            for test in tests:
                say(f"    {test}{self._remark(test)}")
        if self.everything:
            for pattern in self._stale():
                say(f"tests/left_out.toml: {pattern} was not left out here: is its entry stale?")
        if self.in_ci and self._unlisted():
            say(
                "CI=true and tests were left out without a reason in tests/left_out.toml: "
                "make them run, or list them.",
                red=True,
            )

    def _entry(self, test: str) -> str | None:
        return next((p for p in self.listed if fnmatchcase(test, p)), None)

    def _unlisted(self) -> list[str]:
        return [test for test in self.left_out if self._entry(test) is None]

    def _remark(self, test: str) -> str:
        entry = self._entry(test)
        if entry is not None:
            return f" (listed: {self.listed[entry]})"
        return " (NOT LISTED)" if self.in_ci else ""

    def _stale(self) -> list[str]:
        return [p for p in self.listed if not any(fnmatchcase(t, p) for t in self.left_out)]


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return the reason of a skip, which pytest keeps as (file, line, "Skipped: reason")."""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return str(report.longrepr)
