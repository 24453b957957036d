"""A client that leaves lets the provider go within half a second, whatever is going on; both lanes, both servers."""

from __future__ import annotations

import select
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import AnthropicProvider, Hold, Reply, Stream
from tests.fakes.servers import WAIT_SECONDS, Answer, Piece
from tests.fakes.wires import write_chunk, write_event
from tests.relay.calls import Fake, name_model, open_chat
from tests.relay.servers import RunningRelay

Leave = Callable[[socket.socket], None]

pytestmark = pytest.mark.alone

PATIENCE = 0.5
"""Seconds within which a provider must be let go after the client left."""

ATTEMPTS = 3
"""The best counts: other programs share this computer."""


@pytest.fixture(params=["open_provider", "anthropic_provider"])
def fake(request: pytest.FixtureRequest) -> Fake:
    """A provider of each lane."""
    chosen: Fake = request.getfixturevalue(request.param)
    return chosen


def write_opening(fake: Fake) -> bytes:
    return fake.open_message("claude-fake") if isinstance(fake, AnthropicProvider) else b": hello\n\n"


def write_token(fake: Fake) -> bytes:
    if not isinstance(fake, AnthropicProvider):
        return write_chunk({"content": "a"})
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}
    return write_event(delta, "content_block_delta")


def check_let_go(
    relay: RunningRelay, fake: Fake, make_answer: Callable[[], Answer], leave: Leave, **fields: Any
) -> None:
    """Ask, leave when *leave* returns, and see how long the provider is kept."""

    def try_once() -> float:
        fake.answers.append(make_answer())
        known = len(fake.chats)
        with open_chat(relay, fake, **fields) as connection:
            request = fake.wait_for_request(known + 1)
            leave(connection)
        left = time.monotonic()
        assert request.wait_closed()
        return time.monotonic() - left

    check_prompt(try_once)
    relay.wait_for_log(event="chat", code="client_left", model=name_model(fake))


def check_prompt(try_once: Callable[[], float]) -> None:
    took: list[float] = []
    while not took or took[-1] >= PATIENCE:
        assert len(took) < ATTEMPTS, took
        took.append(try_once())


def test_while_tokens_come_fast(relay: RunningRelay, fake: Fake) -> None:
    def pour() -> Iterator[bytes]:
        yield write_opening(fake)
        while True:
            yield write_token(fake)

    def read_much(connection: socket.socket) -> None:
        read = 0
        while read < 100_000:
            read += len(connection.recv(65536))

    check_let_go(relay, fake, lambda: Stream(pour()), read_much, stream=True)


def test_between_two_tokens(relay: RunningRelay, fake: Fake) -> None:
    hold = Hold()

    def read_some(connection: socket.socket) -> None:
        hold.wait_reached()
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")

    pieces: list[Piece] = [write_opening(fake), write_token(fake), hold]
    check_let_go(relay, fake, lambda: Stream(pieces), read_some, stream=True)


@pytest.mark.parametrize("is_stream", [True, False])
def test_before_the_providers_headers(relay: RunningRelay, fake: Fake, is_stream: bool) -> None:
    hold = Hold()
    check_let_go(relay, fake, lambda: Reply(200, {}, hold=hold), lambda _: hold.wait_reached(), stream=is_stream)


def test_between_headers_and_the_first_token(relay: RunningRelay, fake: Fake) -> None:
    hold = Hold()
    check_let_go(relay, fake, lambda: Stream([hold]), lambda _: hold.wait_reached(), stream=True)


def test_in_the_middle_of_a_whole_answer(relay: RunningRelay, fake: Fake) -> None:
    hold = Hold()
    half = Stream([b'{"id": "half', hold], content_type="application/json")
    check_let_go(relay, fake, lambda: half, lambda _: hold.wait_reached())


def test_leaving_is_seen_behind_bytes_that_nobody_read(relay: RunningRelay, fake: Fake) -> None:
    """A client may send its next requests ahead, and then leave."""
    hold = Hold()

    def send_ahead(connection: socket.socket) -> None:
        hold.wait_reached()
        connection.recv(65536)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: relay\r\n\r\n" * 2)

    pieces: list[Piece] = [write_opening(fake), write_token(fake), hold]
    check_let_go(relay, fake, lambda: Stream(pieces), send_ahead, stream=True)


@pytest.mark.parametrize("is_stream", [True, False])
def test_while_the_provider_says_nothing_of_tls(
    relay: RunningRelay, fake: Fake, is_stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute.settimeout(WAIT_SECONDS)
        monkeypatch.setattr(type(fake), "base_url", f"https://127.0.0.1:{mute.getsockname()[1]}/v1")

        def try_once() -> float:
            with open_chat(relay, fake, stream=is_stream):
                connection, _ = mute.accept()
                connection.settimeout(WAIT_SECONDS)
                assert connection.recv(65536), "the beginning of a handshake"
            left = time.monotonic()
            with closing(connection):
                assert connection.recv(1) == b""
            return time.monotonic() - left

        check_prompt(try_once)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a connection being made is seen in /proc")
@pytest.mark.parametrize("is_stream", [True, False])
def test_while_the_provider_does_not_accept(
    relay: RunningRelay, fake: Fake, is_stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        monkeypatch.setattr(type(fake), "base_url", f"http://127.0.0.1:{port}/v1")

        def try_once() -> float:
            with open_chat(relay, fake, stream=is_stream):
                wait_until(lambda: count_connecting(port) == 1)
            left = time.monotonic()
            wait_until(lambda: count_connecting(port) == 0)
            return time.monotonic() - left

        # One fills the queue; to the next ones Linux does not answer.
        with socket.create_connection(("127.0.0.1", port)):
            check_prompt(try_once)


def count_connecting(port: int) -> int:
    """Return how many connections to *port* wait for an answer to their SYN."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "02" for row in rows)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.01)
