"""Clients that stop to read, or that send their request byte by byte, are dropped; those that are only slow are not."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.fakes import AnthropicProvider, Hold, OpenProvider, Reply, Stream
from tests.fakes.servers import WAIT_SECONDS
from tests.fakes.wires import DONE, write_chunk, write_event
from tests.relay.calls import Fake, chat_when_free, make_body, open_chat
from tests.relay.conftest import start_loaded
from tests.relay.servers import RunningRelay

READER, REQUEST = 1.0, 1.0
LATE = 3.0  # seconds by which a busy computer may be late
BUFFER = 8 * 1024  # bytes that the client takes without reading
MOST_AHEAD = 16 * 1024 * 1024  # bytes that a provider can be rid of while the client reads nothing


@pytest.fixture(scope="module", params=["gunicorn", "waitress"])
def strict(request: pytest.FixtureRequest) -> Iterator[RunningRelay]:
    """A relay that waits a second for a client."""
    yield from start_loaded(
        request.param,
        SIDESTEP_READER_SECONDS=str(READER),
        SIDESTEP_REQUEST_SECONDS=str(REQUEST),
        SIDESTEP_STREAMS="1",
    )


@pytest.fixture
def is_gunicorn(strict: RunningRelay) -> bool:
    return "gunicorn" in strict.process.args  # type: ignore[operator]


@pytest.fixture
def strict_client(strict: RunningRelay) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=strict.url, headers=strict.headers, timeout=20, trust_env=False) as opened:
        yield opened


@pytest.fixture(params=["open_provider", "anthropic_provider"])
def fake(request: pytest.FixtureRequest) -> Fake:
    """A provider of each lane."""
    chosen: Fake = request.getfixturevalue(request.param)
    return chosen


class Flood:
    """Events without an end, as fast as they are taken; counts their bytes."""

    def __init__(self, fake: Fake) -> None:
        self.sent = 0
        self._first = fake.open_message("claude-fake") if isinstance(fake, AnthropicProvider) else b": hello\n\n"
        text = "flood " * 2000
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        is_named = isinstance(fake, AnthropicProvider)
        self._event = write_event(delta, "content_block_delta") if is_named else write_chunk({"content": text})

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        while True:
            self.sent += len(self._event)
            yield self._event


def list_processes(parent: int) -> list[int]:
    """Return *parent* and the processes it has started."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return [parent, *map(int, children)]


def drip(connection: socket.socket, data: bytes) -> tuple[bytes, float]:
    """Send *data* again and again until the other side answers or closes; return the answer, and after how long."""
    begun = time.monotonic()
    answer = b""
    with suppress(ConnectionError):
        while time.monotonic() - begun < WAIT_SECONDS:
            if select.select([connection], [], [], 0.05)[0]:
                received = connection.recv(65536)
                answer += received
                if not received:
                    break
            else:
                connection.sendall(data)
    return answer, time.monotonic() - begun


def test_a_client_that_stops_to_read_is_dropped(strict: RunningRelay, strict_client: httpx.Client, fake: Fake) -> None:
    workers = list_processes(strict.process.pid)
    flood = Flood(fake)
    fake.answers.append(Stream(flood))
    begun = time.monotonic()
    with open_chat(strict, fake, stream=True, buffer=BUFFER):
        assert fake.wait_for_request().wait_closed()
        assert READER <= time.monotonic() - begun < READER + LATE
        line = strict.wait_for_log(event="chat", code="slow_reader", model=make_body(fake)["model"])
        assert (line["status"], line["stream"]) == (499, True)
    assert flood.sent < MOST_AHEAD
    # There is one place, and it is free again; no worker had to be replaced.
    assert chat_when_free(strict_client, fake, stream=True).status_code == 200
    assert list_processes(strict.process.pid) == workers


def test_a_whole_answer_that_nobody_reads_is_dropped(
    strict: RunningRelay, strict_client: httpx.Client, open_provider: OpenProvider
) -> None:
    whole = open_provider.write_whole("fake-small")
    whole["choices"][0]["message"]["content"] = "long " * 2_000_000
    open_provider.answers.append(Reply(200, whole))
    known = len([line for line in strict.log_lines() if line["event"] == "client_dropped"])
    with open_chat(strict, open_provider, buffer=BUFFER) as connection:
        # Only then is the place taken: the next one must not come before it.
        open_provider.wait_for_request()
        # The place that the answer holds is free when the client was dropped, and not before.
        begun = time.monotonic()
        assert chat_when_free(strict_client, open_provider).status_code == 200
        assert READER / 2 < time.monotonic() - begun < READER + LATE
        received = b""
        with suppress(ConnectionError):
            while piece := connection.recv(65536):
                received += piece
        assert len(received) < len(json.dumps(whole))
    lines = [line for line in strict.log_lines() if line["event"] == "client_dropped"]
    assert len(lines) == known + 1
    assert (lines[-1]["code"], lines[-1]["route"]) == ("slow_reader", "/v1/chat/completions")


def test_a_client_that_reads_slowly_is_served(strict: RunningRelay, open_provider: OpenProvider) -> None:
    """It takes several times the reader's deadline, and in each of them more than a piece."""
    text = "slow " * 2000
    # More than all the buffers on the way take.
    events = [write_chunk({"content": text})] * 600
    open_provider.answers.append(Stream([*events, write_chunk(finish_reason="stop"), DONE]))
    begun = time.monotonic()
    with open_chat(strict, open_provider, buffer=128 * 1024, stream=True) as connection:
        received = bytearray()
        while piece := connection.recv(16 * 1024):
            received += piece
            if len(received) < 2_000_000:
                # Nothing is sent by this side, so this waits its time out.
                select.select([], [], [], 0.02)
    assert time.monotonic() - begun > 2 * READER
    assert received.endswith(b"0\r\n\r\n")
    assert b"[DONE]" in received


def test_a_silent_stream_is_no_slow_reader(strict: RunningRelay, open_provider: OpenProvider) -> None:
    """Between two tokens the client has nothing to read, however long that is."""
    hold = Hold()
    end = [write_chunk({"content": "b"}), write_chunk(finish_reason="stop"), DONE]
    open_provider.answers.append(Stream([write_chunk({"content": "a"}), hold, *end]))
    with open_chat(strict, open_provider, stream=True) as connection:
        hold.wait_reached()
        received = b""
        while b'"a"' not in received:
            received += connection.recv(65536)
        connection.settimeout(1.5 * READER)
        with pytest.raises(TimeoutError):
            connection.recv(65536)
        hold.release()
        connection.settimeout(WAIT_SECONDS)
        while piece := connection.recv(65536):
            received += piece
    assert b"[DONE]" in received


@pytest.mark.parametrize("form", ["length", "chunked"])
def test_a_body_that_drips_is_given_up(strict: RunningRelay, is_gunicorn: bool, form: str) -> None:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer {strict.token}\r\n"
    head += "Content-Length: 100000\r\n\r\n" if form == "length" else "Transfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", strict.port)) as connection:
        connection.sendall(head.encode())
        answer, seconds = drip(connection, b"x" if form == "length" else b"1\r\nx\r\n")
    assert REQUEST <= seconds < REQUEST + LATE
    if is_gunicorn:
        status, _, body = answer.partition(b"\r\n\r\n")
        assert status.startswith(b"HTTP/1.1 408 ")
        error = json.loads(body)["error"]
        assert (error["code"], error["origin"], error["retryable"]) == ("request_too_slow", "relay", True)
    else:
        assert answer == b""


@pytest.mark.parametrize("start", [b"", b"POST /v1/chat/completions HTTP/1.1\r\nHost: relay\r\nX-Drip: "])
def test_a_head_that_drips_is_given_up(strict: RunningRelay, strict_client: httpx.Client, start: bytes) -> None:
    workers = list_processes(strict.process.pid)
    with socket.create_connection(("127.0.0.1", strict.port)) as connection:
        connection.sendall(start)
        answer, seconds = drip(connection, b"x")
    assert answer == b""
    assert seconds < max(REQUEST, 2) + LATE
    assert strict_client.get("/healthz").status_code == 200
    assert list_processes(strict.process.pid) == workers
