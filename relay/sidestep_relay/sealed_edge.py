"""Between the server and the application: what came sealed goes in open, and its answer goes out sealed.

The application sees the request that is inside, with its own path and headers, so every route, limit and error is the
same. What could not be opened goes in as it is, to be refused where all errors are written (`Sealing.find_refusal`).
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from flask import Request

from sidestep.envelopes import (
    CONTENT_TYPE,
    KEY_HEADER,
    PATH,
    PREFIX_SIZE,
    SEALED_HEADERS,
    TAG_SIZE,
    TIME_HEADER,
    AnswerHead,
    EnvelopeError,
    Prefix,
    bind_key,
    encode,
)
from sidestep_relay.errors import RelayError
from sidestep_relay.replays import WINDOW, MemoryReplayGuard, ReplayGuard
from sidestep_relay.sealing import AnswerSealer, OpenedExchange, SealingKeys, refuse_envelope

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Sealing", "SealingMiddleware"]

_ERROR = "sidestep.sealing.error"
_EXCHANGE = "sidestep.sealing.exchange"
_OUTSIDE = ("access-control-", "vary", "x-accel-buffering", "x-request-id", "cache-control")
"""Headers of an answer that the browser or a proxy must see; these hold no secret."""
_NOT_INSIDE = ("access-control-", "vary", "x-accel-buffering", "content-length")

Headers = list[tuple[str, str]]


class Sealing:
    """What the application asks about what came sealed.

    Args:
        keys: the relay's keys, or None if it has none.
        guard: remembers ids.
        clock: Unix time in seconds.
    """

    def __init__(
        self, keys: SealingKeys | None, guard: ReplayGuard | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._guard = guard or MemoryReplayGuard(clock)
        self._clock = clock

    def describe(self) -> dict[str, Any] | None:
        """Return what a page is told of the relay's key, or None."""
        if self._keys is None:
            return None
        current = self._keys.current
        return {"public_key": encode(current.public), "fingerprint": current.fingerprint, "time": self._clock()}

    def open(self, environ: WSGIEnvironment) -> OpenedExchange:
        """Return the envelope that a request to `PATH` is, with its head open and its body unread.

        Raises:
            RelayError: it cannot be opened.
        """
        keys = self._require_keys()
        source = environ["wsgi.input"]
        try:
            prefix = Prefix.from_bytes(source.read(PREFIX_SIZE))
        except EnvelopeError as error:
            raise refuse_envelope(str(error)) from None
        return keys.open_head(prefix, source.read(prefix.head_size), self._clock())

    def find_refusal(self, environ: WSGIEnvironment) -> RelayError:
        """Return why a request to `PATH` was not opened."""
        refusal: RelayError = environ.get(_ERROR) or refuse_envelope("it is no envelope")
        return refusal

    def check_fresh(self, environ: WSGIEnvironment) -> None:
        """Return if the request came open, or in an envelope that is new. To be asked once the token has proved good.

        Raises:
            RelayError: `sealed_expired`, `sealed_replayed`, `sealed_busy` or `sealed_unsafe`.
        """
        exchange: OpenedExchange | None = environ.get(_EXCHANGE)
        if exchange:
            self._take(environ, exchange.head.id, exchange.head.time)

    def read_key(self, request: Request) -> str | None:
        """Return the provider's key of *request*, sealed or not; None without one.

        Raises:
            RelayError: 400, as `SealingKeys.open_key` and `check_fresh`.
        """
        sealed = request.headers.get(KEY_HEADER)
        if sealed is None:
            return request.headers.get("X-Provider-Key")
        if "X-Provider-Key" in request.headers:
            raise refuse_envelope(f"there is a key beside {KEY_HEADER}")
        binding = bind_key(
            method=request.method,
            path=request.full_path if request.query_string else request.path,
            base_url=request.headers.get("X-Provider-Base", ""),
            token=request.headers.get("Authorization", "").partition(" ")[2].strip(),
            body=request.get_data(),
        )
        opened = self._require_keys().open_key(sealed, binding, self._clock())
        self._take(request.environ, opened.id, opened.time)
        return opened.key

    def _take(self, environ: WSGIEnvironment, identifier: bytes, moment: float) -> None:
        if environ.get("wsgi.multiprocess") and not self._guard.is_shared:
            raise RelayError(
                "sealed_unsafe",
                "This relay runs in several processes that do not know of each other, so it cannot tell a sealed "
                "request from its copy. Run it by `sidestep-relay serve`, or set SIDESTEP_REDIS_URL.",
                status=503,
                type="server_error",
            )
        now = self._clock()
        if abs(now - moment) > WINDOW or moment < self._guard.since:
            raise RelayError(
                "sealed_expired",
                "The time of the sealed request is too far from the relay's; check the clock.",
                status=400,
                headers={TIME_HEADER: f"{now:.3f}"},
            )
        if not self._guard.take(identifier, moment + WINDOW):
            raise RelayError(
                "sealed_replayed",
                "This sealed request was taken before and is not taken again. Somebody may have recorded it.",
                status=400,
            )

    def _require_keys(self) -> SealingKeys:
        if self._keys is None:
            raise RelayError("sealing_off", "This relay has no key to seal to; it says why when it starts.", status=404)
        return self._keys


class SealingMiddleware:
    """Opens envelopes before *app* and seals its answers."""

    def __init__(self, app: WSGIApplication, sealing: Sealing) -> None:
        self._app = app
        self._sealing = sealing

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO") != PATH or environ["REQUEST_METHOD"] != "POST":
            return self._app(environ, start_response)
        try:
            size = _read_size(environ)
            exchange = self._sealing.open(environ)
            inside = _make_environ(environ, exchange, size - exchange.size)
        except RelayError as error:
            return self._app({**environ, _ERROR: error}, start_response)
        answer = _SealedAnswer(exchange.make_answer_sealer(), start_response)
        return answer.seal(self._app(inside, answer.start))


class _SealedBody(io.RawIOBase):
    """The body of an envelope, opened when it is first read: not before the token was looked at."""

    def __init__(self, source: Any, size: int, exchange: OpenedExchange) -> None:
        self._source = source
        self._size = size
        self._exchange = exchange
        self._opened: io.BytesIO | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._opened is None:
            self._opened = io.BytesIO(self._exchange.open_body(self._source.read(self._size)))
        return self._opened.readinto(buffer)


class _SealedAnswer:
    """One answer on its way out."""

    def __init__(self, sealer: AnswerSealer, start_response: StartResponse) -> None:
        self._sealer = sealer
        self._start_response = start_response
        self._begun = b""
        self._inner: Iterable[bytes] = ()
        self._pieces: Iterator[bytes] = iter(())
        self._has_ended = False

    def start(self, status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
        """Take the application's status and headers: WSGI's `start_response`."""
        inside = {name.lower(): value for name, value in headers if not name.lower().startswith(_NOT_INSIDE)}
        self._begun = self._sealer.begin(AnswerHead(int(status.split(" ", 1)[0]), inside))
        outside = [(name, value) for name, value in headers if name.lower().startswith(_OUTSIDE)]
        return self._start_response("200 OK", [("Content-Type", CONTENT_TYPE), *outside], exc_info)

    def seal(self, inner: Iterable[bytes]) -> Iterable[bytes]:
        """Return the sealed body of *inner*."""
        self._inner, self._pieces = inner, iter(inner)
        return self

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._has_ended:
            raise StopIteration
        sealed, self._begun = self._begun, b""
        for piece in self._pieces:
            if piece:
                return sealed + self._sealer.write(piece)
        self._has_ended = True
        return sealed + self._sealer.end()

    def close(self) -> None:
        """Close the application's answer, as WSGI asks for."""
        if close := getattr(self._inner, "close", None):
            close()


def _read_size(environ: WSGIEnvironment) -> int:
    size = environ.get("CONTENT_LENGTH") or ""
    if not size.isdigit():
        raise refuse_envelope("its size is not said in Content-Length")
    return int(size)


def _make_environ(outside: WSGIEnvironment, exchange: OpenedExchange, left: int) -> WSGIEnvironment:
    """Return the request that is inside, on the connection that it came by; *left* bytes of it are unread.

    Raises:
        RelayError: 400 `sealed_invalid`.
    """
    head = exchange.head
    if left != 0 if head.method == "GET" else left < TAG_SIZE:
        raise refuse_envelope("its body is not whole")
    path, _, query = head.path.partition("?")
    dropped = {_name_variable(name) for name in (*SEALED_HEADERS, KEY_HEADER)} | {"wsgi.file_wrapper"}
    environ = {name: value for name, value in outside.items() if name not in dropped}
    environ |= {_name_variable(name): value for name, value in head.headers.items()}
    environ |= {
        "REQUEST_METHOD": head.method,
        # PEP 3333: bytes as Latin-1.
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": head.path,
        "REQUEST_URI": head.path,
        "CONTENT_LENGTH": str(max(left - TAG_SIZE, 0)),
        "wsgi.input": io.BufferedReader(_SealedBody(outside["wsgi.input"], left, exchange)) if left else io.BytesIO(),
        _EXCHANGE: exchange,
    }
    return environ


def _name_variable(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"
