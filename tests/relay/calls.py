"""How the tests of the relay call it and read its streams."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from sidestep.sse import SSEDecoder
from tests.fakes.providers import AnthropicProvider, OpenProvider, ZaiProvider
from tests.fakes.servers import WAIT_SECONDS
from tests.relay.servers import RunningRelay

Fake = OpenProvider | AnthropicProvider

MESSAGES = [{"role": "user", "content": "Say hello"}]


def name_model(fake: Fake) -> str:
    """Return what the relay calls the first model of *fake*."""
    prefix = {ZaiProvider: "zai", AnthropicProvider: "anthropic"}.get(type(fake), "openai")
    return f"{prefix}/{fake.models[0]}"


def make_headers(fake: Fake, **more: str) -> dict[str, str]:
    """Return the headers that lead to *fake* with its key."""
    return {"X-Provider-Key": fake.key, "X-Provider-Base": fake.base_url, **more}


def make_body(fake: Fake, **fields: Any) -> dict[str, Any]:
    return {"model": name_model(fake), "messages": MESSAGES, **fields}


def chat(client: httpx.Client, fake: Fake, **fields: Any) -> httpx.Response:
    """Send one chat to *fake* and return the whole answer."""
    return client.post("/v1/chat/completions", headers=make_headers(fake), json=make_body(fake, **fields))


def chat_when_free(client: httpx.Client, fake: Fake, **fields: Any) -> httpx.Response:
    """Send one chat as soon as an answer's place is free: it becomes that a moment after the last byte was sent."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (answer := chat(client, fake, **fields)).status_code == HTTPStatus.TOO_MANY_REQUESTS:
        assert time.monotonic() < deadline, answer.text
    return answer


def write_usual(fake: Fake) -> list[bytes]:
    """Return the events of the stream that *fake* would answer with."""
    if isinstance(fake, AnthropicProvider):
        return list(fake.write_stream(fake.models[0]))
    return list(fake.write_stream(fake.models[0], wants_usage=False))


def open_chat(relay: RunningRelay, fake: Fake, *, buffer: int | None = None, **fields: Any) -> socket.socket:
    """Send a chat over a plain connection and return that, nothing read; *buffer* bytes are taken unread at most."""
    headers = make_headers(fake) | relay.headers
    url = f"{relay.url}/v1/chat/completions"
    request = httpx.Request("POST", url, headers=headers, json=make_body(fake, **fields))
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    connection = socket.socket()
    if buffer:
        # Before the connection is made: it decides what the other side may send.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(WAIT_SECONDS)
    connection.connect(("127.0.0.1", relay.port))
    connection.sendall(f"POST {request.url.path} HTTP/1.1\r\n{head}\r\n".encode() + request.read())
    return connection


@dataclass
class StreamRead:
    """A stream that was read to its end.

    Attributes:
        error: the relay's own event.
        told: an error in the provider's own words.
    """

    text: str = ""
    reasoning: str = ""
    finish_reasons: list[str] = field(default_factory=list)
    usage: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    told: dict[str, Any] | None = None
    is_done: bool = False


def read_stream(raw: bytes) -> StreamRead:
    """Read the bytes of a stream."""
    decoder = SSEDecoder()
    read = StreamRead()
    for event in [*decoder.feed(raw), *decoder.flush()]:
        if event.data == "[DONE]":
            read.is_done = True
        elif event.event == "error":
            read.error = json.loads(event.data)["error"]
        elif "error" in (chunk := json.loads(event.data)):
            read.told = chunk["error"]
        else:
            _read_chunk(chunk, read)
    return read


def _read_chunk(chunk: dict[str, Any], read: StreamRead) -> None:
    assert chunk["object"] == "chat.completion.chunk"
    read.usage = chunk.get("usage") or read.usage
    for choice in chunk["choices"]:
        read.text += choice["delta"].get("content") or ""
        read.reasoning += choice["delta"].get("reasoning_content") or ""
        if choice["finish_reason"]:
            read.finish_reasons.append(choice["finish_reason"])
