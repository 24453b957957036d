"""Asking one side over plain sockets, so that no HTTP client stands between the clock and the server."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass, field

from bench._streams import FAST

_END = b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Side:
    """One server: where it listens, its process (none if nobody counts it), what it is asked.

    Attributes:
        prefix: what stands before each model's name.
    """

    port: int
    process: int | None
    path: str = "/v1/chat/completions"
    headers: dict[str, str] = field(default_factory=dict)
    prefix: str = ""

    def write(self, *, is_stream: bool, model: str = FAST, message: str = "Say hello") -> bytes:
        """Return the whole request."""
        # Anthropic's wire demands a limit, and no other minds.
        limit = {"max_tokens": 4096} if self.path.endswith("/messages") or "claude" in model else {}
        asked = {"model": self.prefix + model, "messages": [{"role": "user", "content": message}], "stream": is_stream}
        body = json.dumps(asked | limit).encode()
        lines = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in (lines | self.headers).items())
        return f"POST {self.path} HTTP/1.1\r\n{head}\r\n".encode() + body


class Asker:
    """Asks one side over one connection, which is kept, as a browser keeps its own."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._connection: socket.socket | None = None

    def ask(self, *, is_stream: bool, model: str = FAST) -> tuple[float, bytes]:
        """Return the seconds from the request to the answer's last byte, and the answer."""
        request = self._side.write(is_stream=is_stream, model=model)
        if self._connection is None:
            self._connection = connect(self._side.port)
        began = time.perf_counter()
        self._connection.sendall(request)
        answer = self._receive(self._connection, is_stream=is_stream)
        took = time.perf_counter() - began
        if b"connection: close" in answer.partition(b"\r\n\r\n")[0].lower():
            self.close()
        return took, answer

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _receive(self, connection: socket.socket, *, is_stream: bool) -> bytes:
        pieces = []
        while piece := connection.recv(262_144):
            pieces.append(piece)
            is_chunked = is_stream and pieces[0].startswith(b"HTTP/1.1 200 ")
            # What was asked for as a stream may be refused in one piece.
            if has_last_chunk(pieces) if is_chunked else _is_whole(b"".join(pieces)):
                break
        return b"".join(pieces)


def has_last_chunk(pieces: list[bytes]) -> bool:
    """Say whether the *pieces* of an answer in chunks are all."""
    if not b"".join(pieces[-len(_END) :]).endswith(_END):
        return False
    # A header can end in that, too.
    return len(pieces) > len(_END) or bool(b"".join(pieces).partition(b"\r\n\r\n")[2])


def connect(port: int) -> socket.socket:
    """Return a connection to *port* of this computer."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_chunks(answer: bytes) -> bytes:
    """Return the body of an *answer* in chunks (RFC 9112, 7.1)."""
    body = []
    rest = memoryview(answer)[answer.index(b"\r\n\r\n") + 4 :]
    while size := int(bytes(rest[:20]).partition(b"\r\n")[0], 16):
        start = len(f"{size:x}") + 2
        body.append(rest[start : start + size])
        rest = rest[start + size + 2 :]
    return b"".join(body)


def fetch(port: int, path: str) -> bytes:
    """Return the body of a small document."""
    with connect(port) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        answer = b""
        while not _is_whole(answer):
            piece = connection.recv(262_144)
            if not piece:
                break
            answer += piece
    return answer.partition(b"\r\n\r\n")[2]


def _is_whole(answer: bytes) -> bool:
    head, blank, body = answer.partition(b"\r\n\r\n")
    size = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return bool(blank) and (len(body) >= int(size) if size else answer.endswith(_END))
