"""How the tests are spread over the cores, and how those that measure time get the machine for themselves.

Whole files go to one process, because what the tests of a file share is dear: a relay, a page with Python in it.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

_PLACE = pytest.StashKey[tempfile.TemporaryDirectory[str]]()

_MOST = 4
_FILES_EACH = 4
"""Fewer are done before a second process has found its tests."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Say how many processes are worth their while."""
    return count_processes(config.args, config.invocation_params.dir)


def pytest_configure(config: pytest.Config) -> None:
    """Let the tests of this process take turns with those of the others, if there are others."""
    # Asked to end, it ends what its tests have started, too. Started in a shell's background it ignores Ctrl-C, and all
    # that it starts would inherit that.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    if place := getattr(config, "workerinput", {}).get("turns"):
        config.pluginmanager.register(TurnsOfTests(Turns(Path(place))))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process where all of them meet."""
    stash = node.config.stash
    if _PLACE not in stash:
        stash[_PLACE] = tempfile.TemporaryDirectory(prefix="turns-")
    node.workerinput["turns"] = stash[_PLACE].name


def pytest_unconfigure(config: pytest.Config) -> None:
    """Clean up."""
    if _PLACE in config.stash:
        config.stash[_PLACE].cleanup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that need the machine for themselves behind the others of their file: the rest waits but once."""
    places: dict[Path, int] = {}
    for item in items:
        places.setdefault(item.path, len(places))
    items.sort(key=lambda item: (places[item.path], is_alone(item)))


def is_alone(item: pytest.Item) -> bool:
    """Say whether a test measures time."""
    return item.get_closest_marker("alone") is not None


def count_processes(arguments: Iterable[str], folder: Path) -> int:
    """Return how many processes run the tests that pytest's *arguments* name; 0 is none beside the first.

    Args:
        arguments: files, folders, or tests in files.
        folder: where relative ones begin.
    """
    if sys.platform == "win32":
        return 0  # `Turns` needs locks that it does not have
    count = min(_count_cores(), _MOST, len(_find_slow_files(arguments, folder)) // _FILES_EACH)
    return count if count > 1 else 0


def _count_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))  # those that this process may use
    return os.cpu_count() or 1


def _find_slow_files(arguments: Iterable[str], folder: Path) -> set[Path]:
    """Return the files of tests that wait for servers and browsers; `tests/unit` does not."""
    found = set()
    for argument in arguments:
        place = folder / argument.partition("::")[0]
        found |= set(place.rglob("test_*.py")) if place.is_dir() else {place}
    return {file for file in found if file.parent.name != "unit"}


class Turns:
    """Turns between processes: any number share one, and one that measures time has one alone.

    Args:
        folder: where the processes meet.
    """

    def __init__(self, folder: Path) -> None:
        self._door, self._room = folder / "door", folder / "room"

    @contextmanager
    def take(self, *, is_alone: bool) -> Iterator[None]:
        """Wait for a turn and hold it until the end of the block."""
        with _lock(self._room, self._door, is_alone=is_alone):
            yield


@contextmanager
def _lock(room: Path, door: Path, *, is_alone: bool) -> Iterator[None]:
    import fcntl  # noqa: PLC0415 - not on Windows

    kind = fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH
    with room.open("a") as inside:
        # Who wants to be alone shuts the door first; otherwise those who share could keep the room busy for ever.
        with door.open("a") as entering:
            fcntl.flock(entering, kind)
            fcntl.flock(inside, kind)
        yield


class TurnsOfTests:
    """Makes each test of this process wait for its turn. One turn lasts for all that are alone in a row."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._held: ExitStack | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Run a test, with what is set up before and torn down behind it, in its turn."""
        if self._held is None:
            self._held = ExitStack()
            self._held.enter_context(self._turns.take(is_alone=is_alone(item)))
        try:
            return (yield)
        finally:
            if nextitem is None or not (is_alone(item) and is_alone(nextitem)):
                self._held.close()
                self._held = None
