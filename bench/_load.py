"""Many streams at a time, asked for and read by one process that does nothing else: `python -m bench._load`.

It reads what to do as JSON from stdin and prints what it saw. Bytes are only kept while they come, with their moments;
all counting is done behind the last of them.
"""

from __future__ import annotations

import gc
import hashlib
import json
import resource
import selectors
import socket
import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from bench._askers import Side, has_last_chunk, read_chunks
from bench._streams import name_stream

_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Order:
    """What to do: *streams* streams of *model*, the first ones begun evenly over *ramp* seconds.

    Attributes:
        side: a `Side`, as a dictionary.
        limit: seconds after which what is still open is given up.
        is_text: whether the text counts instead of the bytes, since the side writes its own.
    """

    side: dict[str, Any]
    model: str
    streams: int
    ramp: float = 0.0
    limit: float = 120.0
    is_text: bool = False


@dataclass(slots=True)
class _Stream:
    number: int
    socket: socket.socket
    asked: float
    pieces: list[bytes] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)
    is_whole: bool = False

    def take(self) -> bool:
        """Take what is there; say whether the stream goes on."""
        try:
            piece = self.socket.recv(_PIECE)
        except ConnectionError:
            return False
        if not piece:
            return False
        self.moments.append(time.monotonic())
        self.pieces.append(piece)
        self.is_whole = has_last_chunk(self.pieces)
        return not self.is_whole


class _Crowd:
    """All streams of one order."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._side = Side(**order.side)
        self._selector = selectors.DefaultSelector()
        self.streams: list[_Stream] = []
        self.most = 0

    def run(self) -> None:
        """Ask for all and read them to their ends, or until the time is over."""
        began = time.monotonic()
        number = 0
        while number < self._order.streams or self._selector.get_map():
            now = time.monotonic() - began
            if now > self._order.limit:
                break
            due = self._order.ramp * number / self._order.streams
            if number < self._order.streams and now >= due:
                self._open(number)
                number += 1
                continue
            self._read(due - now if number < self._order.streams else 1.0)

    def _open(self, number: int) -> None:
        connection = socket.create_connection(("127.0.0.1", self._side.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = _Stream(number, connection, time.monotonic())
        connection.sendall(self._side.write(is_stream=True, model=self._order.model, message=name_stream(number)))
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, stream)
        self.streams.append(stream)
        self.most = max(self.most, len(self._selector.get_map()))

    def _read(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            stream: _Stream = key.data
            if not stream.take():
                self._selector.unregister(stream.socket)
                stream.socket.close()


def _count(crowd: _Crowd, order: Order, wall: float, cpu: float) -> dict[str, Any]:
    whole = [stream for stream in crowd.streams if stream.is_whole]
    answers = {stream.number: b"".join(stream.pieces) for stream in whole}
    bodies = {number: read_chunks(answer) for number, answer in answers.items()}
    firsts = [_find_first(stream) for stream in crowd.streams if stream.pieces]
    gaps = [
        (later - sooner) * 1000
        for stream in whole
        for sooner, later in zip(stream.moments[1:], stream.moments[2:], strict=False)
    ]
    read = _read_text if order.is_text else bytes
    return {
        "streams": order.streams,
        "at_a_time": crowd.most,
        "whole": len(whole),
        "seconds": round(wall, 2),
        "chunks": sum(body.count(b"Wort ") for body in bodies.values()),
        "first_byte_ms": _spread(firsts),
        "gap_ms": _spread(gaps),
        "load_cpu_share": round(cpu / wall, 2),
        "digests": {number: hashlib.sha256(read(body)).hexdigest() for number, body in bodies.items()},
    }


def _find_first(stream: _Stream) -> float:
    """Return the milliseconds from the request to the first byte of the body, or to the last if there is none."""
    seen = b""
    for moment, piece in zip(stream.moments, stream.pieces, strict=True):
        seen += piece
        if seen.partition(b"\r\n\r\n")[2]:
            return (moment - stream.asked) * 1000
    return (stream.moments[-1] - stream.asked) * 1000


def _read_text(body: bytes) -> bytes:
    lines = (json.loads(line[6:]) for line in body.splitlines() if line.startswith(b"data: {"))
    return "".join(choice["delta"].get("content") or "" for row in lines for choice in row["choices"]).encode()


def _spread(values: Iterable[float]) -> dict[str, float]:
    row = sorted(values)
    if len(row) < 2:  # noqa: PLR2004 - one value has no spread
        return {}
    parts = statistics.quantiles(row, n=100)
    return {"median": round(parts[49], 1), "p99": round(parts[98], 1), "longest": round(row[-1], 1)}


def main() -> None:
    """Do what stdin says, and print what was seen."""
    order = Order(**json.load(sys.stdin))
    crowd = _Crowd(order)
    gc.disable()  # a pause here would look like one of the server's
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    crowd.run()
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    json.dump(_count(crowd, order, wall, cpu), sys.stdout)


def describe(order: Order) -> str:
    """Return what `main` reads."""
    return json.dumps(asdict(order))


if __name__ == "__main__":
    main()
