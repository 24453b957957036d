"""Runs the real relay as a process of its own, for tests of every kind."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

START_SECONDS = 30.0
STOP_SECONDS = 20.0
TOKEN = "test-token-0123456789-abcdefghij"
_ROOT = Path(__file__).resolve().parents[2]
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class RunningRelay:
    """A relay that accepts requests.

    Attributes:
        url: its origin, without a trailing slash.
        home: its own home folder.
        pairing_link: what it printed, or empty.
    """

    url: str
    token: str
    process: subprocess.Popen[str]
    home: str
    pairing_link: str = ""
    stdout: list[str] = field(default_factory=list)
    stderr: list[str] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def headers(self) -> dict[str, str]:
        """The header that shows the relay's token."""
        return {"Authorization": f"Bearer {self.token}"}

    def log_lines(self) -> list[dict[str, Any]]:
        """Return the structured log so far."""
        with self._news:
            return [json.loads(line) for line in self.stderr if line.startswith("{")]

    def wait_for_log(self, timeout: float = 10.0, *, since: int = 0, **fields: Any) -> dict[str, Any]:
        """Wait for a log line that has *fields* and return it; AssertionError if none comes.

        Of `stderr` lines before *since* are left out.
        """

        def find() -> dict[str, Any] | None:
            lines = [json.loads(line) for line in self.stderr[since:] if line.startswith("{")]
            fitting = (line for line in lines if all(line.get(name) == fields[name] for name in fields))
            return next(fitting, None)

        with self._news:
            self._news.wait_for(find, timeout)
            found = find()
        assert found is not None, f"no log line with {fields}; stderr was:\n" + "\n".join(self.stderr)
        return found

    def read(self, stream: Any, lines: list[str]) -> None:
        """Keep what the process writes, until it ends."""
        for line in stream:
            with self._news:
                lines.append(line.rstrip("\n"))
                self._news.notify_all()

    def wait_listening(self, timeout: float) -> None:
        """Wait until the process says that it listens; AssertionError if it does not."""

        def is_listening() -> bool:
            return any(line.startswith("Listening on ") for line in self.stdout)

        with self._news:
            self._news.wait_for(lambda: is_listening() or self.process.poll() is not None, timeout)
            assert is_listening(), "the relay did not start:\n" + "\n".join(self.stderr)
            self.url = next(line for line in self.stdout if line.startswith("Listening on ")).split()[-1]

    def wait_pairing_link(self, timeout: float = 10.0) -> str:
        """Wait for the pairing link and return it."""

        def find() -> str:
            return next((line for line in self.stdout if "#relay=" in line), "")

        with self._news:
            self._news.wait_for(find, timeout)
            self.pairing_link = find()
        assert self.pairing_link, "no pairing link was printed"
        return self.pairing_link


@contextmanager
def run_relay(
    *,
    origins: Sequence[str] = (),
    destinations: Sequence[str] = (),
    site: Path | None = None,
    page: str | None = None,
    server: str | None = None,
    settings: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
    token: str = TOKEN,
    program: str = "sidestep_relay",
) -> Iterator[RunningRelay]:
    """Run `sidestep-relay serve` on a free port until the end of the block.

    Args:
        origins: pages that may read its answers.
        destinations: what it may reach beside the catalogue's hosts, such as a fake's `origin`.
        site: a folder of a built page to serve.
        page: the page to pair with.
        server: `gunicorn` or `waitress`; the best one by default.
        settings: more of its environment.
        arguments: more of its command line.
        token: its token; an empty one lets it make its own.
        program: the module to run: the relay, or one of the tests' that behaves like it.
    """
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", program, "serve", "--port", "0", *arguments]
        command += ["--site", str(site)] if site else []
        command += ["--page", page] if page else []
        command += ["--server", server] if server else []
        process = subprocess.Popen(
            command,
            env=make_environment(home, origins, destinations, {"SIDESTEP_TOKEN": token, **(settings or {})}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=home,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - one call of the system, and no lock
        )
        relay = RunningRelay(url="", token=token, process=process, home=home)
        readers = [
            threading.Thread(target=relay.read, args=(process.stdout, relay.stdout), daemon=True),
            threading.Thread(target=relay.read, args=(process.stderr, relay.stderr), daemon=True),
        ]
        for reader in readers:
            reader.start()
        try:
            relay.wait_listening(START_SECONDS)
            yield relay
        finally:
            stop(process)
            for reader in readers:
                reader.join(STOP_SECONDS)
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()


def make_environment(
    home: str, origins: Sequence[str], destinations: Sequence[str], settings: Mapping[str, str]
) -> dict[str, str]:
    """Return an environment without the developer's own settings and keys."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    python_path = [str(_ROOT / "pyclient"), str(_ROOT / "relay"), str(_ROOT)]
    return {
        **kept,
        "HOME": home,
        "XDG_CONFIG_HOME": home,
        "APPDATA": home,
        "PYTHONPATH": os.pathsep.join(python_path),
        "SIDESTEP_ORIGINS": ",".join(origins),
        "SIDESTEP_DESTINATIONS": ",".join(destinations),
        # One relay answers hundreds of tests in a minute.
        "SIDESTEP_REQUESTS_PER_MINUTE": "0",
        "SIDESTEP_ADDRESS_REQUESTS_PER_MINUTE": "0",
        # No test waits at its end for an answer that it has left under way.
        "SIDESTEP_DRAIN_SECONDS": "1",
        **settings,
    }


def _end_with_parent() -> None:
    """Have the system end this process when the one that runs the test is no more, also if it was killed."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def stop(process: subprocess.Popen[str]) -> int:
    """End *process* politely, then by force; return its exit status."""
    process.terminate()
    try:
        return process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(STOP_SECONDS)
