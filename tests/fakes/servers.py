"""The scriptable HTTP/1.1 server under every fake provider. It paces by events, never by sleeping."""

import json
import select
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

WAIT_SECONDS = 10.0
"""No wait in a fake or in a test of one lasts longer than this."""


class Signal:
    """A one-shot event that `select` can wait on beside a socket."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()

    def fileno(self) -> int:
        return self._reader.fileno()

    def set(self) -> None:
        """Raise the signal. It stays raised: nobody reads the byte, so every waiter sees it."""
        self._writer.send(b"!")

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


class Hold:
    """A place in a `Stream` where the provider falls silent until `release` is called or the client leaves.

    Several streams may stand at one hold.
    """

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._lock = threading.Lock()
        self._is_released = False
        self._waiting: set[Signal] = set()

    def wait_reached(self, timeout: float = WAIT_SECONDS) -> None:
        """Wait up to *timeout* seconds until a stream stands at this hold; AssertionError if none does."""
        assert self.reached.wait(timeout), "no stream came to this hold"

    def release(self) -> None:
        """Let the streams go on."""
        with self._lock:
            self._is_released = True
            for signal in self._waiting:
                signal.set()

    def stand(self, stopping: Signal, connection: socket.socket) -> bool:
        """Wait for the release; return False if *stopping* is raised or the client at *connection* leaves first."""
        signal = Signal()
        with self._lock:
            self._waiting.add(signal)
            if self._is_released:
                signal.set()
        self.reached.set()
        waited: list[Signal | socket.socket] = [signal, stopping, connection]
        ready, _, _ = select.select(waited, [], [], 6 * WAIT_SECONDS)
        with self._lock:
            self._waiting.discard(signal)
            signal.close()
        # Nobody may take this for a client that left.
        assert ready, "nobody released this hold, and the client stayed"
        if signal in ready:
            return True
        return connection in ready and connection.recv(1, socket.MSG_PEEK) != b""


class _Cut:
    """The type of `CUT`."""


CUT = _Cut()
"""A place in a `Stream` where the provider drops the connection without ending the HTTP body."""

Piece = bytes | Hold | _Cut


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. *body*: bytes as they are, text as UTF-8 HTML, anything else as JSON."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: Hold | None = None
    """Silence before the status line."""

    def encode(self) -> tuple[bytes, str]:
        """Return the body's bytes and their content type."""
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), "text/html; charset=utf-8"
        return json.dumps(self.body).encode(), "application/json"


@dataclass(frozen=True, slots=True)
class Stream:
    """A chunked answer: each `bytes` is flushed as one HTTP chunk, `Hold` waits, `CUT` breaks off."""

    pieces: Iterable[Piece]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream"


Answer = Reply | Stream


@dataclass(slots=True)
class Recorded:
    """One request as it arrived. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    peer: tuple[str, int]
    closed_early: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def wait_closed(self, timeout: float = WAIT_SECONDS) -> bool:
        """Say, within *timeout* seconds, whether the client closed the connection before the answer's end."""
        return self.closed_early.wait(timeout)


class FakeServer:
    """A server on its own free port, running between `with` and the end of the block.

    *answers* holds what the next POSTs get, in order, instead of the usual answer; *behaviour*, when set, is
    asked first, for every method but OPTIONS, and may return None to leave the request to the usual answer.
    """

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.behaviour: Callable[[Recorded], Answer | None] | None = None
        self.requests: list[Recorded] = []
        self._arrival = threading.Condition()
        self._stopping = Signal()
        self._server = _Server(("127.0.0.1", 0), _Handler, self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    # what a kind of provider defines

    def respond(self, request: Recorded) -> Answer:
        """Return the usual answer to *request*."""
        raise NotImplementedError

    def preflight(self, request: Recorded) -> Answer:
        """Return the answer to an OPTIONS request."""
        return Reply(200)

    def cors_headers(self, request: Recorded, status: int) -> Mapping[str, str]:
        """Return the `Access-Control-*` headers that every answer but a preflight's carries."""
        return {}

    # what tests use

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def chats(self) -> list[Recorded]:
        """The POST requests so far."""
        return [request for request in self.requests if request.method == "POST"]

    def wait_for_request(self, count: int = 1, timeout: float = WAIT_SECONDS) -> Recorded:
        """Wait until *count* requests have arrived and return the last; AssertionError if they do not."""
        with self._arrival:
            arrived = self._arrival.wait_for(lambda: len(self.requests) >= count, timeout)
        assert arrived, f"{count} requests expected, {len(self.requests)} came"
        return self.requests[count - 1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join(WAIT_SECONDS)
        self._stopping.close()

    # what the handler uses

    def answer(self, request: Recorded) -> Answer:
        """Record *request* and choose its answer: scripted first, the usual one otherwise."""
        with self._arrival:
            self.requests.append(request)
            self._arrival.notify_all()
            if request.method == "OPTIONS":
                return self.preflight(request)
            scripted = self.behaviour(request) if self.behaviour else None
            if scripted is None and request.method == "POST" and self.answers:
                scripted = self.answers.popleft()
        return scripted if scripted is not None else self.respond(request)

    def stand_at(self, hold: Hold, connection: socket.socket) -> bool:
        """Stay silent at *hold*; return False if the client left or the fake is stopping."""
        return hold.stand(self._stopping, connection)


class _Server(ThreadingHTTPServer):
    """Remembers its connections, so that closing the server ends kept-alive ones too."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], fake: FakeServer) -> None:
        self.fake = fake
        self._connections: set[socket.socket] = set()
        self._quiet = threading.Condition()
        super().__init__(address, handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._quiet:
            self._connections.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._quiet:
                self._connections.discard(request)
                self._quiet.notify_all()

    def close_connections(self) -> None:
        with self._quiet:
            for connection in self._connections:
                _shut(connection)
            self._quiet.wait_for(lambda: not self._connections, WAIT_SECONDS)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One write per chunk must become one packet, or a test cannot say what arrived when.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Keep silent: a test reads `requests`."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def _serve(self) -> None:
        fake = cast("_Server", self.server).fake
        address = urlsplit(self.path)
        request = Recorded(
            method=self.command,
            path=address.path,
            query=address.query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            peer=self.client_address,
        )
        try:
            self._send(fake, request, fake.answer(request))
        except ConnectionError:
            request.closed_early.set()
            raise
        finally:
            request.finished.set()

    do_GET = do_POST = do_OPTIONS = do_HEAD = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _send(self, fake: FakeServer, request: Recorded, answer: Answer) -> None:
        cors = {} if request.method == "OPTIONS" else fake.cors_headers(request, answer.status)
        if isinstance(answer, Reply):
            self._send_reply(fake, answer, cors)
        else:
            self._send_stream(fake, answer, cors)

    def _send_reply(self, fake: FakeServer, answer: Reply, cors: Mapping[str, str]) -> None:
        if answer.hold and not fake.stand_at(answer.hold, self.connection):
            raise ConnectionAbortedError
        body, content_type = answer.encode()
        self._send_head(answer.status, {"Content-Type": content_type, **cors, **answer.headers}, len(body))
        self.wfile.write(body)

    def _send_stream(self, fake: FakeServer, answer: Stream, cors: Mapping[str, str]) -> None:
        self._send_head(answer.status, {"Content-Type": answer.content_type, **cors, **answer.headers}, None)
        for piece in answer.pieces:
            if isinstance(piece, Hold):
                if not fake.stand_at(piece, self.connection):
                    raise ConnectionAbortedError
            elif isinstance(piece, _Cut):
                self.close_connection = True
                _shut(self.connection)
                return
            else:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _send_head(self, status: int, headers: Mapping[str, str], length: int | None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # Already gone: the peer closed it first.
        return
