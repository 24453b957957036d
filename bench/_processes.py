"""Programs that a bench starts, and what they cost."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.relay.servers import stop
from tools.places import ROOT

_TICKS = os.sysconf("SC_CLK_TCK")
_MOST_FILES = 65_536


def allow_many_files() -> None:
    """Let this process, and those that it starts from now on, open as many files as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


@contextmanager
def start(command: list[str], environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run *command* until the end of the block."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        try:
            yield process
        finally:
            stop(process)
            if process.stdout:
                process.stdout.close()


@contextmanager
def start_module(name: str, *arguments: str) -> Iterator[tuple[int, int]]:
    """Run a module of the bench that prints its port; yield that and the process's id."""
    with start([sys.executable, "-m", f"bench.{name}", *arguments]) as process:
        line = process.stdout.readline() if process.stdout else ""
        yield int(line), process.pid


def measure_memory(process: int) -> float | None:
    """Return the resident MB of *process* and its children, what they share counted once; None where unknown."""
    try:
        rows = [(place / "smaps_rollup").read_text(encoding="ascii") for place in _list_family(process)]
    except OSError:
        return None
    return round(sum(int(text.partition("\nPss:")[2].split()[0]) for text in rows) / 1024, 1)


def measure_cpu(process: int) -> float:
    """Return the seconds of a core that *process* and its children have taken so far."""
    rows = [(place / "stat").read_text(encoding="ascii").rpartition(")")[2].split() for place in _list_family(process)]
    return sum(int(row[11]) + int(row[12]) for row in rows) / _TICKS


def _list_family(process: int) -> Iterator[Path]:
    waiting = [process]
    while waiting:
        place = Path("/proc") / str(waiting.pop())
        yield place
        for thread in (place / "task").iterdir():
            waiting += [int(child) for child in (thread / "children").read_text(encoding="ascii").split()]
