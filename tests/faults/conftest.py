"""Runs coroutine tests, and prints the table of right and wrong verdicts at the end."""

from __future__ import annotations

import pytest

from tests.faults.scores import Scores
from tests.unit.conftest import pytest_pyfunc_call  # noqa: F401 - pytest finds the hook by its name

_SCORES = pytest.StashKey[Scores]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count."""
    config.stash[_SCORES] = Scores()


@pytest.fixture(scope="session")
def scores(pytestconfig: pytest.Config) -> Scores:
    """What all cells of this run came to."""
    return pytestconfig.stash[_SCORES]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    if lines := config.stash[_SCORES].write_table():
        terminalreporter.section("verdicts")
        for line in lines:
            terminalreporter.line(line)
