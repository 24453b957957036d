"""The CPython transport against a real server on this machine."""

import asyncio
import sys

import pytest

if sys.platform == "emscripten":
    pytest.skip("httpx is CPython's transport; a browser has fetch", allow_module_level=True)

from sidestep import Client, ConnectionFailed, ConnectionLost, Provider, TextDelta
from sidestep.transports.http import HttpTransport
from sidestep.types import HttpRequest

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
PIECE = b'data: {"choices": [{"delta": {"content": "Half"}}]}\n\n'


class Server:
    """A server of one scripted connection after another, by hand, so that it can misbehave."""

    def __init__(self, *, head: bytes = HEAD + b"connection: close\r\n\r\n", body: bytes = PIECE, hold: bool = False):
        self._answer = head + body
        self._hold = hold
        self.requests: list[bytes] = []
        self.has_left = asyncio.Event()

    async def __aenter__(self) -> "Server":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self._answer)
        await writer.drain()
        if self._hold:
            while await reader.read(4096):
                pass
            self.has_left.set()
        writer.close()


async def test_a_broken_connection_keeps_what_came() -> None:
    chunked = HEAD + b"transfer-encoding: chunked\r\n\r\n"
    async with Server(head=chunked, body=b"%x\r\n%b\r\n" % (len(PIECE), PIECE)) as server:
        transport = HttpTransport()
        client = Client([Provider("mine", base_url=server.url)], transport=transport)
        with pytest.raises(ConnectionLost) as caught:
            await client.complete("mine/m", "Hi")
        assert caught.value.partial_text == "Half"
        await transport.aclose()


async def test_no_connection_gets_a_sentence() -> None:
    async with Server() as server:
        gone = server.url
    transport = HttpTransport()
    with pytest.raises(ConnectionFailed, match=r"No connection to 127\.0\.0\.1") as caught:
        await transport.send(HttpRequest("GET", gone))
    assert caught.value.reason == "refused"
    await transport.aclose()


async def test_a_server_that_does_not_encrypt_is_told_apart_from_none() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    transport = HttpTransport()
    with pytest.raises(ConnectionFailed) as caught:
        await transport.send(HttpRequest("GET", f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    assert caught.value.reason == "tls"
    await transport.aclose()
    server.close()


async def test_stopping_closes_the_upstream_connection() -> None:
    async with Server(hold=True) as server:
        transport = HttpTransport()
        stream = Client([Provider("mine", base_url=server.url)], transport=transport).stream("mine/m", "Hi")
        while not isinstance(await anext(stream), TextDelta):
            pass
        await stream.aclose()
        async with asyncio.timeout(10):
            await server.has_left.wait()
        await transport.aclose()


async def test_redirects_are_not_followed_and_cookies_not_kept() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n"
    async with Server(head=redirect, body=b"") as server:
        transport = HttpTransport()
        for _ in range(2):
            response = await transport.send(HttpRequest("GET", f"{server.url}/"))
            assert response.status == 302
            await response.aclose()
        assert all(b"cookie" not in request.lower() for request in server.requests)
        await transport.aclose()
