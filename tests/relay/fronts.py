"""A small reverse proxy to put in front of a relay, which can do what real ones do wrong."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

__all__ = ["Front", "run_front", "run_page"]

_PATIENCE = 30.0  # seconds; no wait lasts longer
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade"}


@dataclass(frozen=True, slots=True)
class Front:
    """What the proxy does beside passing on.

    Attributes:
        buffers: whether an answer is read to its end before any of it is sent.
        compresses: whether answers are packed with gzip, each piece at once.
        strips: request headers that it takes away.
        adds: answer headers that it sets.
        reflects: whether it lets every page read answers.
        hides_errors: whether it replaces errors by a page of its own.
        largest_body: bytes of a request; 413 beyond.
        idle_s: how long an answer may be silent before the connection is cut.
        keeps: whether it answers a GET again from memory, whoever asks.
        speaks_for: whether it says whose request it passes on.
    """

    buffers: bool = False
    compresses: bool = False
    strips: tuple[str, ...] = ()
    adds: Mapping[str, str] = field(default_factory=dict)
    reflects: bool = False
    hides_errors: bool = False
    largest_body: int = 64 * 1024 * 1024
    idle_s: float = _PATIENCE
    keeps: bool = False
    speaks_for: bool = False


Kept = tuple[int, list[tuple[str, str]], bytes]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE

    def answer(self) -> None:
        raise NotImplementedError

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def do_OPTIONS(self) -> None:
        self.answer()

    def log_message(self, *_: object) -> None:
        pass

    def send_page(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        self.send_kept((status, [("Content-Type", "text/html"), *(headers or {}).items()], b"<html>A page</html>"))

    def send_kept(self, kept: Kept) -> None:
        status, headers, body = kept
        self.send_response_only(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _FrontHandler(_Handler):
    front: Front
    target: SplitResult
    memory: dict[str, Kept]

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if len(body) > self.front.largest_body:
            self.send_page(413)
        elif self.front.keeps and self.command == "GET" and self.path in self.memory:
            self.send_kept(self.memory[self.path])
        else:
            self._pass_on(body)

    def _pass_on(self, body: bytes) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in self.front.strips}
        if self.front.speaks_for:
            headers["X-Forwarded-For"] = self.client_address[0]
        connection = http.client.HTTPConnection(self.target.hostname or "", self.target.port, timeout=self.front.idle_s)
        try:
            connection.request(self.command, self.path, body or None, headers)
            self._send_back(connection.getresponse())
        except TimeoutError:
            self.close_connection = True
        finally:
            connection.close()

    def _send_back(self, answer: http.client.HTTPResponse) -> None:
        if self.front.hides_errors and answer.status >= 400:
            self.send_page(answer.status)
            return
        adds = dict(self.front.adds)
        if self.front.reflects and (origin := self.headers.get("Origin")):
            adds["Access-Control-Allow-Origin"] = origin
        headers = [row for row in answer.getheaders() if row[0].lower() not in _HOP_BY_HOP and row[0] not in adds]
        headers += adds.items()
        if self.front.buffers or self.front.keeps:
            self.memory[self.path] = (answer.status, headers, answer.read())
            self.send_kept(self.memory[self.path])
        else:
            self._stream(answer, headers)

    def _stream(self, answer: http.client.HTTPResponse, headers: list[tuple[str, str]]) -> None:
        packer = zlib.compressobj(wbits=31) if self.front.compresses else None
        self.send_response_only(answer.status)
        for name, value in [*headers, *([("Content-Encoding", "gzip")] if packer else [])]:
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        while piece := answer.read1(65536):
            self.wfile.write(packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) if packer else piece)


@contextmanager
def run_front(upstream: str, front: Front, *, certificate: Path | None = None) -> Iterator[str]:
    """Run the proxy before *upstream* on a free port until the end of the block; yield its address."""
    own = {"front": front, "target": urlsplit(upstream), "memory": {}}
    with _run(type("FrontHandler", (_FrontHandler,), own), certificate) as address:
        yield address


@contextmanager
def run_page(
    status: int = 200, headers: Mapping[str, str] | None = None, *, certificate: Path | None = None
) -> Iterator[str]:
    """Run a server that answers everything with a page; yield its address."""

    class Handler(_Handler):
        def answer(self) -> None:
            self.send_page(status, headers or {})

    with _run(Handler, certificate) as address:
        yield address


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler: type[_Handler], context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._context = context

    def finish_request(self, request: socket.socket, client_address: Any) -> None:  # type: ignore[override]
        if self._context is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(_PATIENCE)
        with self._context.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that refuse the certificate, or leave, are what is tested."""


@contextmanager
def _run(handler: type[_Handler], certificate: Path | None) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
    if context and certificate:
        context.load_cert_chain(certificate)
    with _Server(handler, context) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(_PATIENCE)
