"""Prints the table of right and wrong verdicts at the end of a run, whichever processes the tests ran in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.scores import PROPERTY, Score, Scores


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, if there is anything in it."""
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    found = [value for report in reports for name, value in _list_properties(report) if name == PROPERTY]
    if lines := Scores([Score(**row) for row in found]).write_table():
        terminalreporter.section("verdicts")
        for line in lines:
            terminalreporter.line(line)


def _list_properties(report: object) -> list[tuple[str, Any]]:
    # Only of the last report of each test: what a test adds is told when its fixtures are done with.
    return report.user_properties if isinstance(report, pytest.TestReport) and report.when == "teardown" else []
