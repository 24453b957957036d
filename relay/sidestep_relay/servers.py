"""Runs the application: gunicorn with gevent where it runs, waitress elsewhere.

Nothing here imports httpx or litellm: gunicorn's parent process must stay small, and gevent replaces the sockets in
each worker before the application is imported there.
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from types import FrameType
from typing import Any

from flask import Flask

from sidestep_relay.certificates import CertificateError, CertificateFiles
from sidestep_relay.loading import Spawn, spawn_in_gevent, spawn_thread
from sidestep_relay.telemetry import make_log

__all__ = ["SERVERS", "bind", "choose_server"]

MakeApp = Callable[[Spawn], Flask]
"""Makes the application; called once in every process that serves."""

Announce = Callable[[], None]
"""Called once, when requests are accepted."""

_BACKLOG = 1024
_DRAIN_SECONDS = 10
_HANDSHAKE_SECONDS = 10.0
_MEMORY = "/dev/shm"  # noqa: S108 - gunicorn makes its files there with names of their own
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


def serve_gunicorn(
    make_app: MakeApp, listener: socket.socket, workers: int, announce: Announce, certificates: CertificateFiles | None
) -> None:
    """Serve until SIGINT or SIGTERM, with *workers* processes of gevent; with TLS if there are *certificates*."""
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # noqa: PLC0415 - not on Windows

    # Gunicorn closes it in the end, so it must not be closed here a second time. Not below, where SIGHUP comes again.
    descriptor = listener.detach()

    class Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
        def load_config(self) -> None:
            settings: dict[str, Any] = {
                "bind": f"fd://{descriptor}",
                "workers": workers,
                "worker_class": "gevent",
                "worker_connections": 2000,
                "graceful_timeout": _DRAIN_SECONDS,
                "loglevel": "warning",
                "when_ready": lambda _: announce(),
                "proc_name": "sidestep-relay",
                # A socket for gunicorn's own control program; the relay needs none.
                "control_socket_disable": True,
                # The heartbeats' files: in memory, and there also where the root is read-only.
                "worker_tmp_dir": _MEMORY if os.access(_MEMORY, os.W_OK) else None,
                # Whom to believe about the client's address is decided in `proxies`, for every server alike.
                "forwarded_allow_ips": "",
                **(_use_tls(certificates) if certificates else {}),
            }
            for name, value in settings.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Flask:
            return make_app(spawn_in_gevent)

    Application().run()


def serve_waitress(
    make_app: MakeApp, listener: socket.socket, workers: int, announce: Announce, certificates: CertificateFiles | None
) -> None:
    """Serve until SIGINT or SIGTERM, in one process of threads; *workers* does not matter to it.

    Raises:
        CertificateError: there are *certificates*.
    """
    if certificates:
        raise CertificateError("waitress has no TLS; serve with gunicorn, or let a proxy in front do it.")
    import waitress  # type: ignore[import-untyped]  # noqa: PLC0415 - only where gunicorn does not run

    server = waitress.create_server(
        make_app(spawn_thread),
        sockets=[listener],
        threads=_WAITRESS_THREADS,
        channel_timeout=_LONGEST_IDLE_CLIENT,
        # Reading one request ahead is how waitress notices that a client has left.
        channel_request_lookahead=1,
        # Believed or not in `proxies`, which has to see them.
        clear_untrusted_proxy_headers=False,
        ident=None,
    )
    signal.signal(signal.SIGTERM, _stop)
    announce()
    try:
        server.run()
    except SystemExit:
        # waitress ends quietly on KeyboardInterrupt alone.
        server.close()


SERVERS: dict[str, Callable[[MakeApp, socket.socket, int, Announce, CertificateFiles | None], None]] = {
    "gunicorn": serve_gunicorn,
    "waitress": serve_waitress,
}


def _use_tls(certificates: CertificateFiles) -> dict[str, Any]:
    """Return the settings by which gunicorn serves *certificates*, and takes up renewed ones between two requests."""
    log = make_log()

    def open_context(_config: Any, _usual: Any) -> ssl.SSLContext:
        context = certificates.open()
        # gevent's server takes this method and calls it for every connection.
        context.wrap_socket = partial(_shake_hands, context.wrap_socket)  # type: ignore[method-assign]
        return context

    def renew(_worker: Any, _request: Any) -> None:
        try:
            if certificates.renew():
                log.info("certificate_renewed")
        except CertificateError as error:
            log.error("certificate_broken", detail=f"The one before stays in use: {error}")

    # Only the files' presence counts here: with `ssl_context` gunicorn does not read them itself.
    return {"certfile": str(certificates.certificate), "ssl_context": open_context, "pre_request": renew}


def _shake_hands(wrap: Callable[..., ssl.SSLSocket], connection: socket.socket, **options: Any) -> ssl.SSLSocket:
    """Begin TLS as *wrap* does, but let nobody hold a connection without it, and say nothing of those who try."""
    import gevent  # type: ignore[import-untyped]  # noqa: PLC0415 - only in gevent's workers

    connection.settimeout(_HANDSHAKE_SECONDS)
    try:
        wrapped = wrap(connection, **options)
    except OSError:
        # Any scanner of the internet causes it; gevent would print a traceback for each.
        raise gevent.GreenletExit from None
    wrapped.settimeout(None)
    return wrapped


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
