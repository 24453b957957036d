"""Runs the application: gunicorn with gevent where it runs, waitress elsewhere.

Nothing here imports httpx or litellm: gunicorn's parent process must stay small, and gevent replaces the sockets in
each worker before the application is imported there.
"""

from __future__ import annotations

import math
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from types import FrameType
from typing import Any

from flask import Flask

from sidestep_relay.deadlines import LAST_WORDS_SECONDS, Deadlines, Drain
from sidestep_relay.loading import Spawn, spawn_thread

__all__ = ["SERVERS", "bind", "choose_server"]

MakeApp = Callable[[Spawn, Drain], Flask]
"""Makes the application, which the drain tells that its process stops; called once in every process that serves."""

Announce = Callable[[], None]
"""Called once, when requests are accepted."""

_BACKLOG = 1024
_EXIT_SECONDS = 5
"""What a worker of gunicorn needs to notice the end: it looks once in a second, and kept-alive clients have two."""


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; *port* 0 takes a free one.

    Raises:
        OSError: the address cannot be had.
    """
    is_v6 = ":" in host
    listener = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            # On Windows this option would let two programs share a port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def choose_server() -> str:
    """Return the name of the best server that is installed here."""
    has_gunicorn = sys.platform != "win32" and find_spec("gunicorn") and find_spec("gevent")
    return "gunicorn" if has_gunicorn else "waitress"


def serve_gunicorn(
    make_app: MakeApp, listener: socket.socket, workers: int, announce: Announce, deadlines: Deadlines
) -> None:
    """Serve until SIGINT or SIGTERM, with *workers* processes of gevent.

    SIGTERM lets the answers under way end; a second one, and SIGINT, stop at once.
    """
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # noqa: PLC0415 - not on Windows

    class Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
        def load_config(self) -> None:
            settings: dict[str, Any] = {
                # Gunicorn closes it in the end, so it must not be closed here a second time.
                "bind": f"fd://{listener.detach()}",
                "workers": workers,
                "worker_class": "gevent",
                "worker_connections": 2000,
                # After it the parent kills what still lives, so it begins when the last words have had their time.
                "graceful_timeout": math.ceil(deadlines.drain + LAST_WORDS_SECONDS) + _EXIT_SECONDS,
                "loglevel": "warning",
                "when_ready": self.get_ready,
                "post_worker_init": self.prepare_worker,
                "proc_name": "sidestep-relay",
                # A socket for gunicorn's own control program; the relay needs none.
                "control_socket_disable": True,
            }
            for name, value in settings.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Flask:
            self.drain = Drain(deadlines.drain)
            return make_app(_spawn_in_gevent, self.drain)

        def get_ready(self, arbiter: Any) -> None:
            _hasten_second_stop(arbiter)
            announce()

        def prepare_worker(self, worker: Any) -> None:
            _drain_before_exit(worker, self.drain)

    Application().run()


def serve_waitress(
    make_app: MakeApp, listener: socket.socket, workers: int, announce: Announce, deadlines: Deadlines
) -> None:
    """Serve until SIGINT or SIGTERM, in one process of threads; *workers* does not matter to it.

    SIGTERM lets the answers under way end; a second one, and SIGINT, stop at once.
    """
    from sidestep_relay.waitress_servers import WatchfulServer  # noqa: PLC0415 - only where gunicorn does not run

    drain = Drain(deadlines.drain)
    server = WatchfulServer(make_app(spawn_thread, drain), listener, deadlines, drain)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if drain.has_begun:
            raise SystemExit(0)
        drain.begin()
        server.wake()

    signal.signal(signal.SIGTERM, stop)
    announce()
    with suppress(KeyboardInterrupt):
        server.run()


SERVERS: dict[str, Callable[[MakeApp, socket.socket, int, Announce, Deadlines], None]] = {
    "gunicorn": serve_gunicorn,
    "waitress": serve_waitress,
}


def _spawn_in_gevent(function: Callable[[], None]) -> object:
    import gevent  # type: ignore[import-untyped]  # noqa: PLC0415 - only in gevent's workers

    # A thread of the system: under gevent `threading.Thread` is a greenlet, and an import in one stops all others.
    return gevent.get_hub().threadpool.spawn(function)


def _drain_before_exit(worker: Any, drain: Drain) -> None:
    """Let the worker's application know of SIGTERM, which gunicorn keeps to itself."""

    def stop(number: int, frame: FrameType | None) -> None:
        drain.begin()
        worker.handle_exit(number, frame)

    signal.signal(signal.SIGTERM, stop)
    # As gunicorn does: system calls of answers under way go on.
    signal.siginterrupt(signal.SIGTERM, False)


def _hasten_second_stop(arbiter: Any) -> None:
    """Make a second SIGTERM mean to gunicorn's parent what SIGINT does: stop at once. By itself it ignores it."""
    has_begun = False

    def stop(_number: int, frame: FrameType | None) -> None:
        nonlocal has_begun
        arbiter.signal(signal.SIGINT if has_begun else signal.SIGTERM, frame)
        has_begun = True

    signal.signal(signal.SIGTERM, stop)
