"""Runs a real redis-server as a process of its own: on this computer, for nobody else, keeping nothing."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from tests.relay.servers import START_SECONDS, stop
from tools.ports import LOOPBACK, find_free_port
from tools.redis_servers import NO_REDIS, find_redis_server

_TRIES = 5  # a port that was free may be another's a moment later


class RunningRedis:
    """A redis-server that can be stopped, started and made to hang; its address stays the same."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._log: list[str] = []
        self._options: tuple[str, ...] = ()
        self.port = find_free_port()

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        """A client of the test's own."""
        return redis.Redis(host=LOOPBACK, port=self.port, protocol=2, decode_responses=True)

    def start(self, *options: str) -> None:
        """Start it, empty, and wait until it accepts connections; AssertionError if it does not."""
        self._options = options
        command = [self._program, "--port", str(self.port), "--bind", LOOPBACK, "--save", "", "--appendonly", "no"]
        command += ["--dir", self._folder, *options]
        self._process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        # A server that hangs must not hang the tests.
        watchman = threading.Timer(START_SECONDS, self._process.kill)
        watchman.start()
        assert self._process.stdout is not None
        self._log = []
        for line in self._process.stdout:
            self._log.append(line)
            if "eady to accept connections" in line:
                break
        watchman.cancel()
        assert self._process.poll() is None, "redis-server did not start:\n" + "".join(self._log)

    def start_somewhere(self) -> None:
        """Start it on any free port."""
        for _ in range(_TRIES - 1):
            try:
                return self.start()
            except AssertionError:
                self.stop()
                self.port = find_free_port()
        return self.start()

    def hang(self) -> None:
        """Let it accept connections and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def restore(self) -> None:
        """Let it be empty and answer, whatever was done to it."""
        if self._process is None or self._options:
            self.stop()
            self.start()
        self.go_on()
        with self.client as client:
            client.flushall()
            client.config_set("notify-keyspace-events", "")

    def stop(self) -> None:
        """End it; all it knew is gone."""
        if self._process is not None:
            self.go_on()
            stop(self._process)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None


@contextmanager
def run_redis(folder: Path) -> Iterator[RunningRedis]:
    """Run a redis-server until the end of the block; skip the test where there is none."""
    program = find_redis_server()
    if program is None:
        pytest.skip(NO_REDIS)
    running = RunningRedis(program, folder)
    running.start_somewhere()
    try:
        yield running
    finally:
        running.stop()
