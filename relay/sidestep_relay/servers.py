"""Runs the application: gunicorn with gevent where it runs, waitress elsewhere.

Nothing here imports httpx or litellm: gunicorn's parent process must stay small, and gevent replaces the sockets in
each worker before the application is imported there.
"""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable
from importlib.util import find_spec
from types import FrameType
from typing import Any

from flask import Flask

from sidestep_relay.loading import Spawn, spawn_thread

__all__ = ["SERVERS", "bind", "choose_server"]

MakeApp = Callable[[Spawn], Flask]
"""Makes the application; called once in every process that serves."""

Announce = Callable[[], None]
"""Called once, when requests are accepted."""

_BACKLOG = 1024
_DRAIN_SECONDS = 10
_WAITRESS_THREADS = 64
_LONGEST_IDLE_CLIENT = 3600  # seconds; a client that reads nothing for so long is gone


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


def serve_gunicorn(make_app: MakeApp, listener: socket.socket, workers: int, announce: Announce) -> None:
    """Serve until SIGINT or SIGTERM, with *workers* processes of gevent."""
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # noqa: PLC0415 - not on Windows

    class Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
        def load_config(self) -> None:
            settings: dict[str, Any] = {
                # Gunicorn closes it in the end, so it must not be closed here a second time.
                "bind": f"fd://{listener.detach()}",
                "workers": workers,
                "worker_class": "gevent",
                "worker_connections": 2000,
                "graceful_timeout": _DRAIN_SECONDS,
                "loglevel": "warning",
                "when_ready": lambda _: announce(),
                "proc_name": "sidestep-relay",
                # A socket for gunicorn's own control program; the relay needs none.
                "control_socket_disable": True,
            }
            for name, value in settings.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Flask:
            return make_app(_spawn_in_gevent)

    Application().run()


def serve_waitress(make_app: MakeApp, listener: socket.socket, workers: int, announce: Announce) -> None:
    """Serve until SIGINT or SIGTERM, in one process of threads; *workers* does not matter to it."""
    import waitress  # type: ignore[import-untyped]  # noqa: PLC0415 - only where gunicorn does not run

    from sidestep_relay.parsers import StrictChannel  # noqa: PLC0415 - as above

    app = make_app(spawn_thread)
    server = waitress.create_server(
        app,
        sockets=[listener],
        threads=_WAITRESS_THREADS,
        channel_timeout=_LONGEST_IDLE_CLIENT,
        # Reading one request ahead is how waitress notices that a client has left.
        channel_request_lookahead=1,
        # It takes a body in before the application is asked; what is a little too large is refused there, in its words.
        max_request_body_size=2 * app.config["MAX_CONTENT_LENGTH"],
        ident=None,
    )
    server.channel_class = StrictChannel
    signal.signal(signal.SIGTERM, _stop)
    announce()
    try:
        server.run()
    except SystemExit:
        # waitress ends quietly on KeyboardInterrupt alone.
        server.close()


SERVERS: dict[str, Callable[[MakeApp, socket.socket, int, Announce], None]] = {
    "gunicorn": serve_gunicorn,
    "waitress": serve_waitress,
}


def _spawn_in_gevent(function: Callable[[], None]) -> object:
    import gevent  # type: ignore[import-untyped]  # noqa: PLC0415 - only in gevent's workers

    # A thread of the system: under gevent `threading.Thread` is a greenlet, and an import in one stops all others.
    return gevent.get_hub().threadpool.spawn(function)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
