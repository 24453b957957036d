"""Runs the application: gunicorn with gevent where it runs, waitress elsewhere.

Nothing here imports httpx, litellm or Flask: gunicorn's parent process must stay small, and gevent replaces the sockets
in each worker before the application is imported there.
"""

from __future__ import annotations

import math
import os
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

from sidestep_relay.certificates import CertificateError, CertificateFiles
from sidestep_relay.deadlines import LAST_WORDS_SECONDS, Deadlines, Drain
from sidestep_relay.loading import Spawn, spawn_in_gevent, spawn_thread
from sidestep_relay.multiprocess import find_memory, forget_worker, share_metrics
from sidestep_relay.telemetry import make_log

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["SERVERS", "bind", "choose_server"]

MakeApp = Callable[[Spawn, Drain], "Flask"]
"""Makes the application, which the drain tells that its process stops; called once in every process that serves."""

Announce = Callable[[], None]
"""Called once, when requests are accepted."""

_BACKLOG = 1024
_SEND_BUFFER = 256 * 1024  # bytes; with 0.1 s to a client and back that is 2.5 MB/s
_EXIT_SECONDS = 10
"""What a worker of gunicorn may need to notice the end (it looks once in a second) and to leave LiteLLM behind."""

_LONGEST_HANDSHAKE = 10.0  # seconds


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
        # Connections take it over. Left to itself Linux lets megabytes wait for one client, and tells of room for more
        # only when a third of them is gone: a slow client would look like one that does not read.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
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
    make_app: MakeApp,
    listener: socket.socket,
    workers: int,
    announce: Announce,
    *,
    deadlines: Deadlines,
    certificates: CertificateFiles | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, with *workers* processes of gevent; with TLS if there are *certificates*.

    SIGTERM lets the answers under way end; a second one, and SIGINT, stop at once.
    """
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # noqa: PLC0415 - not on Windows
    from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # noqa: PLC0415 - as above

    class QuietLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
        def setup(self, cfg: Any) -> None:
            super().setup(cfg)
            for logger in (self.error_log, self.access_log):
                # What gunicorn has to say goes where all logs of this process go.
                logger.handlers.clear()
                logger.propagate = True

    # Gunicorn closes it in the end, so it must not be closed here a second time. Not below, where SIGHUP comes again.
    descriptor = listener.detach()

    class Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
        def load_config(self) -> None:
            settings: dict[str, Any] = {
                "bind": f"fd://{descriptor}",
                "workers": workers,
                "worker_class": "gevent",
                "worker_connections": 2000,
                # After it the parent kills what still lives, so it begins when the last words have had their time.
                "graceful_timeout": math.ceil(deadlines.drain + LAST_WORDS_SECONDS) + _EXIT_SECONDS,
                "loglevel": "warning",
                "when_ready": self.get_ready,
                "post_worker_init": self.prepare_worker,
                "child_exit": lambda _, worker: forget_worker(worker.pid),
                "logger_class": QuietLogger,
                "proc_name": "sidestep-relay",
                # A socket for gunicorn's own control program; the relay needs none.
                "control_socket_disable": True,
                # The heartbeats' files: in memory, and there also where the root is read-only.
                "worker_tmp_dir": find_memory(),
                # Whom to believe about the client's address is decided in `proxies`, for every server alike.
                "forwarded_allow_ips": "",
                **(_use_tls(certificates, min(deadlines.request, _LONGEST_HANDSHAKE)) if certificates else {}),
            }
            for name, value in settings.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Flask:
            _report_from_hub()
            self.drain = Drain(deadlines.drain)
            return make_app(spawn_in_gevent, self.drain)

        def get_ready(self, arbiter: Any) -> None:
            _take_signals(arbiter)
            announce()

        def prepare_worker(self, worker: Any) -> None:
            _drain_before_exit(worker, self.drain)

    with share_metrics():
        Application().run()


def serve_waitress(
    make_app: MakeApp,
    listener: socket.socket,
    workers: int,
    announce: Announce,
    *,
    deadlines: Deadlines,
    certificates: CertificateFiles | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, in one process of threads; *workers* does not matter to it.

    SIGTERM lets the answers under way end; a second one, and SIGINT, stop at once.

    Raises:
        CertificateError: there are *certificates*.
    """
    if certificates:
        raise CertificateError("waitress has no TLS; serve with gunicorn, or let a proxy in front do it.")
    from sidestep_relay.waitress_servers import WatchfulServer  # noqa: PLC0415 - only where gunicorn does not run

    drain = Drain(deadlines.drain)
    app = make_app(spawn_thread, drain)
    server = WatchfulServer(app, listener, deadlines, drain, largest_body=app.config["MAX_CONTENT_LENGTH"])

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if drain.has_begun:
            raise SystemExit(0)
        drain.begin()
        server.wake()

    signal.signal(signal.SIGTERM, stop)
    announce()
    with suppress(KeyboardInterrupt):
        server.run()


class Serve(Protocol):
    """Serves what *make_app* makes at *listener*, until the process is told to stop."""

    def __call__(
        self,
        make_app: MakeApp,
        listener: socket.socket,
        workers: int,
        announce: Announce,
        *,
        deadlines: Deadlines,
        certificates: CertificateFiles | None = None,
    ) -> None:
        """Serve."""


SERVERS: dict[str, Serve] = {
    "gunicorn": serve_gunicorn,
    "waitress": serve_waitress,
}


def _report_from_hub() -> None:
    """Let gevent report what nobody caught as Python does; on its own it prints the words of it."""
    import gevent  # type: ignore[import-untyped]  # noqa: PLC0415 - only in gevent's workers

    # As it is now: libraries that are imported later may take its place.
    report = sys.excepthook
    gevent.get_hub().print_exception = lambda _context, kind, error, trace: report(kind, error, trace)


def _use_tls(certificates: CertificateFiles, seconds: float) -> dict[str, Any]:
    """Return the settings by which gunicorn serves *certificates*, and takes up renewed ones between two requests."""
    # Not `sys.stderr`: what is printed there is kept back.
    log = make_log(sys.__stderr__)

    def open_context(_config: Any, _usual: Any) -> ssl.SSLContext:
        context = certificates.open()
        # gevent's server takes this method and calls it for every connection.
        context.wrap_socket = partial(_shake_hands, context.wrap_socket, seconds)  # type: ignore[method-assign]
        return context

    def renew(_worker: Any, _request: Any) -> None:
        try:
            if certificates.renew():
                log.info("certificate_renewed")
        except CertificateError as error:
            log.error("certificate_broken", detail=f"The one before stays in use: {error}")

    # Only the files' presence counts here: with `ssl_context` gunicorn does not read them itself.
    return {"certfile": str(certificates.certificate), "ssl_context": open_context, "pre_request": renew}


def _shake_hands(
    wrap: Callable[..., ssl.SSLSocket], seconds: float, connection: socket.socket, **options: Any
) -> ssl.SSLSocket:
    """Begin TLS as *wrap* does, but let nobody hold a connection without it, and say nothing of those who try."""
    import gevent  # noqa: PLC0415 - as above

    connection.settimeout(seconds)
    try:
        wrapped = wrap(connection, **options)
    except OSError:
        # Any scanner of the internet causes it; gevent would print a traceback for each.
        raise gevent.GreenletExit from None
    wrapped.settimeout(None)
    return wrapped


def _drain_before_exit(worker: Any, drain: Drain) -> None:
    """Let the worker's application know of SIGTERM, which gunicorn keeps to itself."""

    def stop(number: int, frame: FrameType | None) -> None:
        drain.begin()
        worker.handle_exit(number, frame)

    signal.signal(signal.SIGTERM, stop)
    # As gunicorn does: system calls of answers under way go on.
    signal.siginterrupt(signal.SIGTERM, False)


def _take_signals(arbiter: Any) -> None:
    """Put right what gunicorn's parent makes of signals that stop it.

    A second SIGTERM, which it ignores, means what SIGINT does: stop at once. And a child that has not yet its own
    handlers would lose a signal, so that the parent would wait for it until the very end.
    """
    parent = os.getpid()
    has_begun = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal has_begun
        if os.getpid() != parent:
            raise SystemExit(0)
        arbiter.signal(signal.SIGINT if has_begun else number, frame)
        has_begun = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, stop)
