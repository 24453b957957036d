"""Loads something slow beside the serving, so that the relay answers `/healthz` at once."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from sidestep_relay.telemetry import Log

__all__ = ["BackgroundLoader", "Spawn", "choose_spawn", "spawn_in_gevent", "spawn_thread"]

Spawn = Callable[[Callable[[], None]], object]
"""Runs a function beside the serving. It must be a thread of the operating system, also under gevent: an import
never waits, so as a greenlet it would keep every other greenlet from running for its three seconds."""


class BackgroundLoader:
    """Calls *load* once, through *spawn*; `get` waits for its result."""

    def __init__(self, load: Callable[[], Any], spawn: Spawn, log: Log) -> None:
        self._load = load
        self._spawn = spawn
        self._log = log
        self._lock = threading.Lock()
        self._has_started = False
        self._is_done = threading.Event()
        self._result: Any = None
        self._seconds = 0.0
        self._error: BaseException | None = None

    @property
    def seconds(self) -> float:
        """How long *load* took; 0 until it is done."""
        return self._seconds

    @property
    def is_loaded(self) -> bool:
        """Whether `get` would return at once."""
        return self._is_done.is_set()

    def start(self) -> None:
        """Begin, unless it has begun."""
        with self._lock:
            if self._has_started:
                return
            self._has_started = True
        self._spawn(self._run)

    def get(self) -> Any:
        """Return what *load* returned, or raise what it raised."""
        self.start()
        self._is_done.wait()
        if self._error is not None:
            raise self._error
        return self._result

    def _run(self) -> None:
        begun = time.monotonic()
        try:
            self._result = self._load()
        except BaseException as error:  # noqa: BLE001 - not handled here: `get` raises it
            self._error = error
        self._seconds = time.monotonic() - begun
        self._log.info("loaded", detail="litellm", seconds=round(self._seconds, 2))
        self._is_done.set()


def spawn_thread(function: Callable[[], None]) -> object:
    """Run *function* in a thread: the way of every server but gevent's."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def spawn_in_gevent(function: Callable[[], None]) -> object:
    """Run *function* in a thread of the system where gevent has replaced Python's: those are greenlets."""
    import gevent  # type: ignore[import-untyped]  # noqa: PLC0415 - only in gevent's workers

    return gevent.get_hub().threadpool.spawn(function)


def choose_spawn() -> Spawn:
    """Return the way of the server that this process runs in, which is known once that server has begun."""
    monkey = sys.modules.get("gevent.monkey")
    return spawn_in_gevent if monkey and monkey.is_module_patched("threading") else spawn_thread
