"""The tests run on all cores, none gets lost, those that measure time are alone, and nothing is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import spreading
from tests.spreading import Turns, count_processes
from tools.places import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the tests are not spread on Windows")


@pytest.mark.parametrize(
    ("cores", "arguments", "count"),
    [
        (1, ["tests"], 0),
        (2, ["tests"], 2),
        (64, ["tests"], 4),
        (64, ["tests/unit"], 0),
        (64, ["tests/build/test_spreading.py"], 0),
        (64, ["tests/build/test_spreading.py::test_a", "tests/build/test_spreading.py::test_b", "tests/unit"], 0),
        (64, ["tests/unit", "tests/fakes"], 0),
        (64, ["tests/unit", "tests/e2e"], 2),
    ],
)
def test_what_is_small_stays_in_one_process(
    cores: int, arguments: list[str], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreading, "_count_cores", lambda: cores)
    assert count_processes(arguments, ROOT) == count


def is_shut(place: Path, *, for_all: bool) -> bool:
    """Say whether somebody holds the lock at *place*; unless *for_all*, those that share it do not count."""
    import fcntl  # noqa: PLC0415 - not on Windows

    with place.open("a") as tried:
        try:
            fcntl.flock(tried, (fcntl.LOCK_EX if for_all else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_any_number_share_a_turn_and_one_has_one_alone(tmp_path: Path) -> None:
    turns = Turns(tmp_path)
    with turns.take(is_alone=False), turns.take(is_alone=False):
        assert is_shut(tmp_path / "room", for_all=True)
        assert not is_shut(tmp_path / "room", for_all=False)
    with turns.take(is_alone=True):
        assert is_shut(tmp_path / "room", for_all=False)
    assert not is_shut(tmp_path / "room", for_all=True)


def test_who_waits_to_be_alone_lets_nobody_in_front(tmp_path: Path) -> None:
    turns, was_alone = Turns(tmp_path), threading.Event()

    def be_alone() -> None:
        with turns.take(is_alone=True):
            was_alone.set()

    waiting = threading.Thread(target=be_alone, daemon=True)
    with turns.take(is_alone=False):
        waiting.start()
        deadline = time.monotonic() + 10
        while not is_shut(tmp_path / "door", for_all=False):
            assert time.monotonic() < deadline
        assert not was_alone.is_set()
    assert was_alone.wait(10)
    waiting.join(10)


FILE = """
import pytest

@pytest.mark.alone
def test_first():
    pass

@pytest.mark.parametrize("number", range(3))
def test_all(number):
    pass
"""
RED = (
    FILE
    + """
def test_wrong():
    assert False
"""
)
WAITS = """
import subprocess, sys
from pathlib import Path

def test_that_waits_for_a_server():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as server:
        try:
            with Path(__file__).with_suffix(".pids").open("w") as pids:
                pids.write(f"{server.pid}\\n")
            server.wait()
        finally:
            server.kill()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = alone\n")
    return tmp_path


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    # As a group of its own, as from a terminal.
    plugins = ["-p", "xdist", "-p", "tests.spreading", "-p", "no:cacheprovider"]
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *plugins, "-v", "--dist=loadscope", "--no-loadscope-reorder", *arguments],
        cwd=folder,
        # Others would only take time to load.
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_each_test_runs_once_a_file_stays_together_and_a_failure_counts(folder: Path) -> None:
    for name in ("one", "two", "three"):
        (folder / f"test_{name}.py").write_text(FILE)
    (folder / "test_red.py").write_text(RED)
    with start(folder, "--numprocesses=2") as run:
        said = run.communicate(timeout=60)[0]

    assert run.returncode == 1
    assert re.search(r"= 1 failed, 16 passed in ", said), said
    ran = re.findall(r"^\[(gw\d)\] .*(?:PASSED|FAILED) (\S+)::(\S+)", said, re.MULTILINE)
    assert len(ran) == len({(file, test) for _, file, test in ran}) == 17
    places = {(file, process) for process, file, _ in ran}
    assert len(places) == 4
    assert {process for _, process in places} == {"gw0", "gw1"}
    for file, _ in places:
        # Those that are alone come last, though they are written first.
        assert [test for _, place, test in ran if place == file][-1] == "test_first"


@pytest.fixture(params=["0", "2"], ids=["in one process", "on two cores"])
def waiting(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A run whose tests wait for their servers, and these."""
    names = ("one", "two") if request.param == "2" else ("one",)
    for name in names:
        (folder / f"test_{name}.py").write_text(WAITS)
    with start(folder, f"--numprocesses={request.param}") as run:
        deadline = time.monotonic() + 30
        servers: list[int] = []
        while len(servers) < len(names):
            assert time.monotonic() < deadline
            written = [place.read_text() for place in folder.glob("*.pids")]
            servers = [int(text) for text in written if text.endswith("\n")]
        yield run, servers
        run.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_behind(
    number: signal.Signals, waiting: tuple[subprocess.Popen[str], list[int]]
) -> None:
    run, servers = waiting
    run.send_signal(number)
    run.communicate(timeout=60)

    assert run.returncode == pytest.ExitCode.INTERRUPTED
    assert [server for server in servers if is_alive(server)] == []


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
