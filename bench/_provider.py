"""A provider as fast as Python gets, in a process of its own: `python -m bench._provider`; it prints its port.

It answers every POST as the model that is asked for says (`_streams`), at a path of `/messages` in Anthropic's wire.
`GET /sent` tells the digests of the paced streams that it sent, `GET /sent/text` those of their text alone;
`GET /closed/N`, when the client of stream N left.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from bench._measures import write_stream
from bench._streams import PACE, PACED, SILENT, read_number, read_text, write_anthropic, write_paced
from tests.fakes.wires import make_usage

_CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}
_ANSWER = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [_CHOICE]}
_WHOLE = json.dumps({**_ANSWER, "usage": make_usage()}).encode()
_BLOCKS = {"content": [{"type": "text", "text": "Hello."}], "usage": {"input_tokens": 7, "output_tokens": 5}}
_MESSAGE = {"id": "x", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn", **_BLOCKS}
_WHOLE_MESSAGE = json.dumps(_MESSAGE).encode()
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_END = b"0\r\n\r\n"
_PATIENCE = 10.0  # seconds that the question when a client left may wait


def _frame(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


_FAST = [_frame(piece) for piece in write_stream()]
_ANTHROPIC = [_frame(piece) for piece in write_anthropic()]


class _Books:
    """What was sent, and who left when."""

    def __init__(self) -> None:
        self.sent: dict[int, str] = {}
        self._left: dict[int, asyncio.Future[float]] = {}

    def leave(self, number: int) -> asyncio.Future[float]:
        """Return the moment, on the clock that all processes share, at which the client of a stream left."""
        return self._left.setdefault(number, asyncio.get_running_loop().create_future())


class _Pacer:
    """Sends the pieces of one stream at their moments. It never waits for one that was late."""

    def __init__(self, pieces: Iterator[bytes], writer: asyncio.StreamWriter) -> None:
        self._pieces = pieces
        self._piece = next(pieces)
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._hash = hashlib.sha256()
        self._next = self._loop.time()
        self.done: asyncio.Future[str] = self._loop.create_future()
        self._tick()

    def _tick(self) -> None:
        if self._writer.is_closing():
            return
        piece, self._piece = self._piece, next(self._pieces, b"")
        self._hash.update(piece)
        # The end comes with the last piece: some clients leave as soon as they have read `[DONE]`.
        self._writer.write(_frame(piece) if self._piece else _frame(piece) + _END)
        if not self._piece:
            self.done.set_result(self._hash.hexdigest())
            return
        self._next += 1 / PACE
        self._loop.call_at(self._next, self._tick)


class _Provider:
    def __init__(self) -> None:
        self._books = _Books()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                method, path = head.split(b" ", 2)[:2]
                if method == b"GET":
                    writer.write(_write_whole(json.dumps(await self._tell(path.decode())).encode()))
                    continue
                size = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
                body = json.loads(await reader.readexactly(size))
                await self._answer(path, body, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            # The client has what it wanted.
            writer.close()

    async def _tell(self, path: str) -> Any:
        if path == "/sent":
            return self._books.sent
        if path == "/sent/text":
            return {number: hashlib.sha256(read_text(number)).hexdigest() for number in self._books.sent}
        try:
            moment = self._books.leave(int(path.rpartition("/")[2]))
            return await asyncio.wait_for(asyncio.shield(moment), _PATIENCE)
        except TimeoutError:
            return None

    async def _answer(
        self, path: bytes, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        is_anthropic = path.endswith(b"/messages")
        if not body.get("stream"):
            writer.write(_write_whole(_WHOLE_MESSAGE if is_anthropic else _WHOLE))
        elif body["model"] in (PACED, SILENT):
            await self._pace(body, reader, writer)
        else:
            await _pour(_ANTHROPIC if is_anthropic else _FAST, writer)

    async def _pace(self, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = read_number(_read_message(body))
        leaving = asyncio.ensure_future(reader.read(1))
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        if body["model"] == PACED:
            writer.write(_STREAM_HEAD)
            done = _Pacer(write_paced(number), writer).done
        waiting: set[asyncio.Future[Any]] = {leaving, done}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            moment = time.monotonic()
            if not (left := self._books.leave(number)).done():
                left.set_result(moment)
            raise ConnectionAbortedError
        leaving.cancel()
        # Until it is over nothing else may read.
        await asyncio.wait([leaving])
        self._books.sent[number] = done.result()


def _read_message(body: dict[str, Any]) -> str:
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else str(content[0]["text"])


def _write_whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


async def _pour(pieces: list[bytes], writer: asyncio.StreamWriter) -> None:
    writer.write(_STREAM_HEAD)
    for piece in pieces:
        # Each in a write of its own, as tokens come.
        writer.write(piece)
        await writer.drain()
    writer.write(_END)


async def _main() -> None:
    server = await asyncio.start_server(_Provider().serve, "127.0.0.1", 0, backlog=2048)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
