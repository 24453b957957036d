"""Runs coroutine tests, and counts right and wrong verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.faults.scores import PROPERTY, Scores
from tests.unit.conftest import pytest_pyfunc_call  # noqa: F401 - pytest finds the hook by its name


@pytest.fixture(scope="session")
def all_scores() -> Scores:
    """What all cells came to that ran in this process."""
    return Scores()


@pytest.fixture
def scores(all_scores: Scores, record_property: Callable[[str, object], None]) -> Iterator[Scores]:
    """What all cells came to so far; what the test adds goes into the table at the end of the run."""
    before = len(all_scores.rows)
    yield all_scores
    for score in all_scores.rows[before:]:
        record_property(PROPERTY, score.to_dict())
