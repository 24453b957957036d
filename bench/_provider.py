"""A provider as fast as Python gets, in a process of its own: `python -m bench._provider`; it prints its port.

It answers every POST: with the stream of `_measures` if the body asks for one, else with a small document.
"""

from __future__ import annotations

import asyncio
import json
import sys

from bench._measures import write_stream
from tests.fakes.wires import make_usage

_CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}
_ANSWER = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [_CHOICE]}
_WHOLE = json.dumps({**_ANSWER, "usage": make_usage()}).encode()
_WHOLE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_WHOLE)
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_STREAM = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in write_stream()]


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            body = json.loads(await reader.readexactly(size))
            if not body.get("stream"):
                writer.write(_WHOLE_HEAD + _WHOLE)
                continue
            writer.write(_STREAM_HEAD)
            for piece in _STREAM:
                # Each in a write of its own, as tokens come.
                writer.write(piece)
                await writer.drain()
            writer.write(b"0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        # The client has what it wanted.
        writer.close()


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
