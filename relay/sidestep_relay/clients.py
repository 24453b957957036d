"""Clients that are too slow: one watcher for each process drops those that neither send nor read in time.

A server that hands its connection over (gunicorn) is watched here. waitress keeps its connections to itself and
watches them itself (`waitress_servers`). Of any other server nothing is known, and a proxy in front has to do it.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from sidestep_relay.deadlines import Deadlines, Drain
from sidestep_relay.errors import RelayError
from sidestep_relay.sockets import is_gone, shut
from sidestep_relay.telemetry import Log

__all__ = ["PIECE", "ROUTE", "WAS_SLOW", "ClientGuard", "has_client_left", "was_client_slow"]

PIECE = 64 * 1024
"""Bytes that a client has to take within the reader's deadline."""

ROUTE = "sidestep.route"
"""In the WSGI environment: the rule that the application found for the path, which may hold a key by mistake."""

WAS_SLOW = "sidestep.was_slow"
"""In the WSGI environment: a function that says whether the client was dropped because it did not read."""

_WAKE_SECONDS = 0.25  # how late a slow client may be dropped

_WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ClientGuard:
    """The WSGI application around the relay's: gives clients that are too slow up."""

    def __init__(self, app: _WSGIApp, deadlines: Deadlines, drain: Drain, log: Log) -> None:
        self._app = app
        self._deadlines = deadlines
        self._watcher = _Watcher(drain)
        self._log = log

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer as WSGI wants it (PEP 3333)."""
        with ExitStack() as closing:
            connection = environ.get("gunicorn.socket")
            client = _Client(connection, self._deadlines) if connection is not None else None
            if client:
                self._watcher.add(client)
                closing.callback(self._watcher.remove, client)
                environ["wsgi.input"] = _TimedInput(environ["wsgi.input"], client)
                environ[WAS_SLOW] = client.was_slow
            closing.callback(self._tell, environ)
            answer = self._app(environ, start_response)
            if hasattr(answer, "close"):
                closing.callback(answer.close)
            return _Answer(answer, client, closing.pop_all())

    def _tell(self, environ: Mapping[str, Any]) -> None:
        if was_client_slow(environ):
            self._log.warning("client_dropped", code="slow_reader", route=str(environ.get(ROUTE, "")))


def was_client_slow(environ: Mapping[str, Any]) -> bool:
    """Say whether the client of the WSGI request *environ* was dropped because it did not read."""
    return WAS_SLOW in environ and bool(environ[WAS_SLOW]())


def has_client_left(environ: Mapping[str, Any]) -> bool:
    """Say whether the client of the WSGI request *environ* has closed its connection.

    Behind a proxy this sees the proxy's connection. A server that tells nothing counts as a client that stays.
    """
    if "waitress.client_disconnected" in environ:
        return bool(environ["waitress.client_disconnected"]())
    connection: socket.socket | None = environ.get("gunicorn.socket")
    return connection is not None and is_gone(connection)


class _Client:
    """One request's client, and until when it has to do what it is waited for.

    Attributes:
        due: a moment of `time.monotonic`; infinitely late while nobody waits for the client.
    """

    def __init__(self, connection: socket.socket, deadlines: Deadlines) -> None:
        self.due = math.inf
        self._connection = connection
        self._deadlines = deadlines
        self._request_due = math.inf
        self._how = socket.SHUT_RDWR
        self._is_dropped = False

    def wait_for_request(self) -> None:
        """Begin, or go on, to wait for the request's body; its time runs from the first call."""
        self._request_due = min(self._request_due, time.monotonic() + self._deadlines.request)
        # The answer that says so can still be written.
        self._how = socket.SHUT_RD
        self.due = self._request_due

    def check_request(self) -> None:
        """End to wait for the body.

        Raises:
            RelayError: 408 `request_too_slow`.
        """
        self.due = math.inf
        if self._is_dropped:
            raise RelayError(
                "request_too_slow",
                f"The request was not whole after {self._deadlines.request:g} s.",
                status=408,
                is_retryable=True,
            )

    def wait_for_reader(self) -> None:
        """Begin to wait until the client takes what is written."""
        self._how = socket.SHUT_RDWR
        self.due = time.monotonic() + self._deadlines.reader

    def drop(self) -> None:
        """Wake whoever waits for the client."""
        self.due = math.inf
        self._is_dropped = True
        shut(self._connection, self._how)

    def was_slow(self) -> bool:
        """Say whether the client was dropped because it did not read."""
        return self._is_dropped and self._how == socket.SHUT_RDWR


class _Watcher:
    """Looks at all clients that are waited for, a few times in a second, in one thread (under gevent a greenlet)."""

    def __init__(self, drain: Drain) -> None:
        self._drain = drain
        self._clients: set[_Client] = set()
        self._lock = threading.Lock()
        self._has_clients = threading.Event()
        self._has_started = False

    def add(self, client: _Client) -> None:
        """Watch *client* until it is removed."""
        with self._lock:
            self._clients.add(client)
            self._has_clients.set()
            if not self._has_started:
                # Not before a request: a server may fork after it has made the application.
                self._has_started = True
                threading.Thread(target=self._run, daemon=True).start()

    def remove(self, client: _Client) -> None:
        """Watch *client* no longer."""
        with self._lock:
            self._clients.discard(client)
            if not self._clients:
                self._has_clients.clear()

    def _run(self) -> None:
        while True:
            self._has_clients.wait()
            time.sleep(_WAKE_SECONDS)
            with self._lock:
                clients = list(self._clients)
            now = time.monotonic()
            is_over = self._drain.is_over(now)
            for client in clients:
                if client.due <= now or (is_over and client.due < math.inf):
                    client.drop()


class _TimedInput:
    """A request's body that has to come in time. Werkzeug reads it by `read` alone."""

    def __init__(self, body: Any, client: _Client) -> None:
        self._body = body
        self._client = client

    def read(self, size: int = -1) -> bytes:
        """Return bytes of the body.

        Raises:
            RelayError: 408 `request_too_slow`.
        """
        self._client.wait_for_request()
        try:
            data: bytes = self._body.read(size)
        finally:
            # Also in the place of what the server makes of a body that ends too early.
            self._client.check_request()
        return data


class _Answer:
    """An answer's body that has to be taken in time, in pieces that even a slow client can take."""

    def __init__(self, body: Iterable[bytes], client: _Client | None, closing: ExitStack) -> None:
        self._body = body
        self._client = client
        self._closing = closing

    def __iter__(self) -> Iterator[bytes]:
        for data in self._body:
            for start in range(0, len(data), PIECE):
                if self._client:
                    self._client.wait_for_reader()
                yield data if len(data) <= PIECE else data[start : start + PIECE]
                if self._client:
                    self._client.due = math.inf

    def close(self) -> None:
        """End the answer. Servers call this also where they did not begin with it."""
        self._closing.close()
