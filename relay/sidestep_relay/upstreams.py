"""The relay's only way out: one `Upstream` per request, over connections that all requests share.

Whatever LiteLLM is talked into, an `Upstream` sends one request and no second (no retries), to the approved base URL
and nowhere else, at an address that was checked, without cookies, without following a redirect. It keeps what the
provider answered, so errors are built from the wire and not from an exception's text, and it can be aborted from
another thread at any moment, also while the provider is silent. What the provider says of a key that is not the
client's is taken out before anyone reads it.

Proxies named in the environment are not used: an address behind a proxy cannot be checked.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx
from httpcore._backends.sync import SyncStream  # httpcore has no public way to make a stream of a socket

from sidestep_relay.destinations import Destination, Destinations
from sidestep_relay.errors import RelayError
from sidestep_relay.observations import Observer
from sidestep_relay.redactions import KeyFilter
from sidestep_relay.sockets import shut

__all__ = ["TIMEOUT", "Connections", "Upstream"]

TIMEOUT = httpx.Timeout(connect=10.0, read=600.0, write=60.0, pool=10.0)
"""Seconds, the usual ones. A reasoning model may think for minutes before its first byte."""

_STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream")
_LARGEST_ERROR = 64 * 1024  # bytes of an error's body that are read
_KEY_HEADERS = ("authorization", "x-api-key")
# What SDKs add on their own: it tells about the relay's machine, and the operator's account if keys of others are used.
_DROPPED_HEADERS = ("x-stainless-", "openai-organization", "openai-project", "cookie")

_current: ContextVar[Upstream | None] = ContextVar("current_upstream", default=None)


class Connections(httpx.HTTPTransport):
    """The pool of connections to providers. Every new one is made to an address that *destinations* accepts.

    Attributes:
        context: how certificates are checked; reading the authorities takes 20 ms, so a second pool is given it.
    """

    def __init__(self, destinations: Destinations, context: ssl.SSLContext | None = None) -> None:
        self.context = context or httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=self.context, trust_env=False)
        # httpx has no public parameter for the network backend; everything else of its transport is kept.
        self._pool = httpcore.ConnectionPool(
            ssl_context=self.context,
            max_connections=None,
            max_keepalive_connections=100,
            keepalive_expiry=30.0,
            network_backend=_CheckedBackend(destinations),
        )


class Upstream(httpx.BaseTransport):
    """One request's transport, used by the pipe lane as it is, and by the HTTP client that LiteLLM is given.

    Attributes:
        refusal: why the relay itself did not send the request, or None.
        failure: what broke the connection, or None.
        status: the provider's HTTP status, or None if there was no answer.
        headers: the provider's headers.
        error_body: the body of an answer whose status is 300 or more.
        is_html: whether a page came where data was expected.
        observer: what the answer's body says, or None if nobody reads along.
        usage: the token counts that the lane found, or None.
        is_aborted: whether `abort` was called.
        timeout: seconds; it stands above those of whoever makes the request.

    *secret* is a key that the client must not see, or empty.
    """

    def __init__(
        self,
        connections: httpx.BaseTransport,
        place: Destination,
        *,
        dialect: str,
        has_key: bool,
        reads_along: bool = True,
        largest_error: int = _LARGEST_ERROR,
        timeout: httpx.Timeout = TIMEOUT,
        secret: str = "",
    ) -> None:
        self._secret = secret
        self.refusal: RelayError | None = None
        self.failure: httpx.TransportError | None = None
        self.status: int | None = None
        self.headers = httpx.Headers()
        self.error_body = b""
        self.is_html = False
        self.observer: Observer | None = None
        self.usage: Mapping[str, Any] | None = None
        self.is_aborted = False
        self.timeout = timeout
        self._connections = connections
        self._place = place
        self._dialect = dialect
        self._has_key = has_key
        self._reads_along = reads_along
        self._largest_error = largest_error
        self._sent_at: float | None = None
        self._waiting = _Stopwatch()
        self._shared_wait_ms: float | None = None
        self._socket: socket.socket | None = None
        self._answer: _Observed | None = None
        self._lock = threading.Lock()

    @property
    def waited_ms(self) -> float | None:
        """Milliseconds that were spent waiting for the provider until now, or None if nothing was asked of it."""
        if self._shared_wait_ms is not None:
            return self._shared_wait_ms
        return None if self._sent_at is None else self._waiting.seconds * 1000

    @property
    def was_asked(self) -> bool:
        """Whether the request was sent to the provider, or tried to be."""
        return self._sent_at is not None and self.refusal is None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request*, once.

        Raises:
            httpx.TransportError: it was not sent, or no answer came; `refusal` tells the first from the second.
        """
        if self._sent_at is not None:
            raise httpx.ConnectError("The relay sends a request once.", request=request)
        self._sent_at = time.monotonic()
        self._check(request.url)
        token = _current.set(self)
        self._waiting.start()
        try:
            response = self._connections.handle_request(self._clean(request))
        except RelayError as error:
            self.refusal = error
            raise httpx.ConnectError(error.message, request=request) from error
        except httpx.TransportError as error:
            self.failure = error
            raise
        finally:
            self._waiting.stop()
            _current.reset(token)
        return self._take(response)

    def note_shared_wait(self, milliseconds: float) -> None:
        """Remember how long was waited for an answer that another's request brought; this one sends none."""
        self._shared_wait_ms = milliseconds

    def abort(self) -> None:
        """Break the connection, from any thread. The thread that reads from it gets an error at once."""
        with self._lock:
            self.is_aborted = True
            if self._socket is not None:
                shut(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the connection back, or close it if the answer was not read to its end. Safe to call twice.

        Whoever used the upstream must call this. An answer left to the garbage collector is closed wherever that
        happens to run, and inside the pool's own lock it would wait for that lock for ever.
        """
        if self._answer is not None:
            self._answer.close()

    def _check(self, url: httpx.URL) -> None:
        port = url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
        if not self._place.covers(Destination(url.scheme, url.host, port, url.path.rstrip("/"))):
            self.refusal = RelayError(
                "destination_refused",
                "The request would have left the base URL that was approved, so it was not sent.",
                status=403,
                param="X-Provider-Base",
            )
            raise httpx.ConnectError("not the approved base URL")

    def _clean(self, request: httpx.Request) -> httpx.Request:
        """Return what is sent instead of *request*, which stays as it is: its SDK looks at it again later."""
        headers = request.headers.copy()
        for name in list(headers):
            if name.startswith(_DROPPED_HEADERS) or (name in _KEY_HEADERS and not self._has_key):
                del headers[name]
        # The observer reads along, and compressing single tokens helps nobody.
        headers["accept-encoding"] = "identity"
        extensions = {**request.extensions, "timeout": self.timeout.as_dict()}
        return httpx.Request(request.method, request.url, headers=headers, stream=request.stream, extensions=extensions)

    def _take(self, response: httpx.Response) -> httpx.Response:
        self.status = response.status_code
        self.headers = response.headers
        content_type = response.headers.get("content-type", "").lower()
        if not response.is_success:
            self.error_body = self._hide(_read_some(response, self._largest_error))
            response.close()
            return httpx.Response(response.status_code, content=self.error_body, headers={"content-type": content_type})
        if self._secret:
            _unpack(response)
        self.is_html = content_type.startswith("text/html")
        if self._reads_along and response.headers.get("content-encoding", "identity") == "identity":
            self.observer = Observer(self._dialect, is_stream=content_type.startswith(_STREAMS))
        response.headers.pop("set-cookie", None)
        self._answer = _Observed(response.stream, self, self._waiting, KeyFilter(self._secret))
        response.stream = self._answer
        return response

    def _hide(self, body: bytes) -> bytes:
        key_filter = KeyFilter(self._secret)
        return key_filter.feed(body) + key_filter.flush()

    # what the connection underneath uses

    def hold(self, connection: socket.socket) -> None:
        """Remember the connection that carries this request, or that is being made for it."""
        with self._lock:
            self._socket = connection
            if self.is_aborted:
                shut(connection, socket.SHUT_RDWR)

    def let_go(self) -> None:
        """Forget the connection: another request may get it next."""
        with self._lock:
            self._socket = None


class _Stopwatch:
    """Adds up spans of time. One thread starts and stops it; others may read it, also while it runs."""

    def __init__(self) -> None:
        self._total = 0.0
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """The spans until now."""
        since = self._since
        return self._total + (0.0 if since is None else time.monotonic() - since)

    def start(self) -> None:
        """Begin a span."""
        self._since = time.monotonic()

    def stop(self) -> None:
        """End the span, if one runs."""
        if self._since is not None:
            self._total += time.monotonic() - self._since
            self._since = None


class _Observed(httpx.SyncByteStream):
    def __init__(self, stream: Any, upstream: Upstream, waiting: _Stopwatch, key_filter: KeyFilter) -> None:
        self._key_filter = key_filter
        self._stream = stream
        self._upstream = upstream
        self._waiting = waiting

    def __iter__(self) -> Iterator[bytes]:
        observer = self._upstream.observer
        self._waiting.start()
        try:
            for piece in self._stream:
                self._waiting.stop()
                if data := self._key_filter.feed(piece):
                    if observer:
                        observer.feed(data)
                    yield data
                self._waiting.start()
        except httpx.TransportError as error:
            self._upstream.failure = error
            raise
        finally:
            self._waiting.stop()
        if rest := self._key_filter.flush():
            if observer:
                observer.feed(rest)
            yield rest
        if observer:
            observer.finish()

    def close(self) -> None:
        self._upstream.let_go()
        self._stream.close()


class _CheckedBackend(httpcore.NetworkBackend):
    """Resolves once, checks, and connects to the checked address; TLS still verifies the name."""

    def __init__(self, destinations: Destinations) -> None:
        self._destinations = destinations

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = self._destinations.resolve(host, port)
        except (OSError, UnicodeError) as error:
            # A label of more than 63 characters is no name at all (RFC 1035, section 2.3.4).
            raise httpcore.ConnectError(f"{host} is not known") from error
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return _Held(_connect(address, port, timeout))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _Held(httpcore.NetworkStream):
    """A connection that makes itself known to the request that writes to it, so that this request can be aborted."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        _hold(self._stream.get_extra_info("socket"))
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        plain = self._stream.get_extra_info("socket")
        with _connecting(plain):
            plain.settimeout(timeout)
            # Its socket takes the place of the plain one, so a handshake that never ends can be aborted as well.
            encrypted = ssl_context.wrap_socket(plain, server_hostname=server_hostname, do_handshake_on_connect=False)
        with _connecting(encrypted):
            _hold(encrypted)
            encrypted.do_handshake()
        return _Held(SyncStream(encrypted))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _connect(address: str, port: int, timeout: float | None) -> SyncStream:
    """Connect so that the request for which it is done can be aborted meanwhile."""
    connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    with _connecting(connection):
        if (upstream := _current.get()) and upstream.is_aborted:
            raise OSError("aborted")
        _hold(connection)
        connection.settimeout(timeout)
        connection.connect((address, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return SyncStream(connection)


@contextmanager
def _connecting(connection: socket.socket) -> Iterator[None]:
    """Close *connection* if the block fails, and say so in httpcore's words."""
    try:
        yield
    except TimeoutError as error:
        connection.close()
        raise httpcore.ConnectTimeout(str(error)) from error
    except OSError as error:
        connection.close()
        raise httpcore.ConnectError(str(error)) from error


def _hold(connection: socket.socket) -> None:
    if upstream := _current.get():
        upstream.hold(connection)


def _unpack(response: httpx.Response) -> None:
    """Let *response* carry its body unpacked, if it was packed although nobody asked for that."""
    if response.headers.get("content-encoding", "identity") != "identity":
        packed = httpx.Response(response.status_code, headers=response.headers, stream=response.stream)
        response.stream = _Unpacked(packed)
        for name in ("content-encoding", "content-length"):
            response.headers.pop(name, None)


class _Unpacked(httpx.SyncByteStream):
    def __init__(self, packed: httpx.Response) -> None:
        self._packed = packed

    def __iter__(self) -> Iterator[bytes]:
        return self._packed.iter_bytes()

    def close(self) -> None:
        self._packed.close()


def _read_some(response: httpx.Response, largest: int) -> bytes:
    body = bytearray()
    for data in response.iter_raw():
        body += data
        if len(body) >= largest:
            break
    return bytes(body[:largest])
