"""SIGTERM: nothing new begins, what is under way may end, and what does not is told so; a second one stops at once."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from tests.fakes import AnthropicProvider, Hold, OpenProvider, Reply, Stream
from tests.fakes.servers import WAIT_SECONDS
from tests.fakes.wires import DONE, write_chunk
from tests.relay.calls import Fake, StreamRead, make_body, make_headers, open_chat, read_stream
from tests.relay.servers import RunningRelay, run_relay

SERVERS = pytest.mark.parametrize("server", ["gunicorn", "waitress"])
DRAIN = 3.0
LATE = 15.0  # seconds for the last words, for noticing the end, and for a process to end on a busy computer


@contextmanager
def drain_relay(server: str, *arguments: str, seconds: float = DRAIN) -> Iterator[RunningRelay]:
    settings = {"SIDESTEP_DRAIN_SECONDS": str(seconds)}
    with run_relay(server=server, destinations=["127.0.0.1"], settings=settings, arguments=arguments) as relay:
        yield relay


@dataclass
class Asked:
    """A chat under way, and what it gets."""

    hold: Hold
    answer: Future[httpx.Response]

    def read(self) -> StreamRead:
        return read_stream(self.answer.result(DRAIN + 2 * LATE).content)


class Asker:
    """Asks, beside the test, for answers that stand at a hold."""

    def __init__(self, relay: RunningRelay) -> None:
        self._relay = relay
        self._pool = ThreadPoolExecutor(16)

    def ask_stream(self, fake: Fake) -> Asked:
        """Ask for a stream, and wait until its first event has passed."""
        hold = Hold()
        is_named = isinstance(fake, AnthropicProvider)
        first = fake.open_message("claude-fake") if is_named else write_chunk({"content": "a"})  # type: ignore[union-attr]
        end = [write_chunk({"content": "b"}), write_chunk(finish_reason="stop"), DONE]
        fake.answers.append(Stream([first, hold, *end]))
        return self._ask(fake, hold, is_stream=True)

    def ask_whole(self, fake: Fake) -> Asked:
        hold = Hold()
        fake.answers.append(Reply(200, {}, hold=hold))
        return self._ask(fake, hold, is_stream=False)

    def _ask(self, fake: Fake, hold: Hold, *, is_stream: bool) -> Asked:
        headers, body = make_headers(fake) | self._relay.headers, make_body(fake, stream=is_stream)
        url = f"{self._relay.url}/v1/chat/completions"
        answer = self._pool.submit(httpx.post, url, headers=headers, json=body, timeout=60, trust_env=False)
        hold.wait_reached()
        return Asked(hold, answer)


def wait_refused(relay: RunningRelay) -> None:
    """Wait until the relay accepts no more connections."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", relay.port), 1) as connection:
                # What waited to be accepted when that ended is closed or reset.
                connection.settimeout(0.1)
                connection.recv(1)
        except ConnectionError:
            return
        except TimeoutError:
            continue
    raise AssertionError("it still accepts connections")


def check_quiet(relay: RunningRelay) -> None:
    assert [line for line in relay.stderr if not line.startswith("{")] == []


@SERVERS
def test_answers_may_end_and_are_told_if_they_cannot(
    server: str, open_provider: OpenProvider, anthropic_provider: AnthropicProvider
) -> None:
    with drain_relay(server) as relay:
        relay.wait_for_log(event="loaded", timeout=30)
        asker = Asker(relay)
        ending = asker.ask_stream(open_provider)
        piped = asker.ask_stream(open_provider)
        translated = asker.ask_stream(anthropic_provider)
        whole = asker.ask_whole(open_provider)
        relay.process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        wait_refused(relay)
        assert time.monotonic() - begun < DRAIN
        ending.hold.release()
        assert (ending.read().text, ending.read().is_done, ending.read().error) == ("ab", True, None)
        assert time.monotonic() - begun < DRAIN, "this one ended by itself"
        for asked in (piped, translated):
            error = asked.read().error
            assert error is not None
            assert (error["code"], error["origin"], error["retryable"]) == ("relay_stopping", "relay", True)
        answer = whole.answer.result(LATE)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "relay_stopping")
        assert int(answer.headers["Retry-After"]) > 0
        assert relay.process.wait(LATE) == 0
        assert DRAIN <= time.monotonic() - begun < DRAIN + LATE
        for request in (open_provider.chats[1], open_provider.chats[2], anthropic_provider.chats[0]):
            assert request.wait_closed()
    codes = [line["code"] for line in relay.log_lines() if line["event"] == "chat"]
    assert sorted(codes) == ["", "relay_stopping", "relay_stopping", "relay_stopping"]
    check_quiet(relay)


@SERVERS
def test_it_is_gone_at_once_if_nothing_is_under_way(server: str) -> None:
    with drain_relay(server, seconds=60) as relay:
        relay.process.send_signal(signal.SIGTERM)
        assert relay.process.wait(LATE) == 0
    check_quiet(relay)


@SERVERS
def test_a_kept_connection_is_told_and_nothing_new_begins(server: str, open_provider: OpenProvider) -> None:
    with drain_relay(server, seconds=60) as relay, httpx.Client(base_url=relay.url, trust_env=False) as client:
        asked = Asker(relay).ask_stream(open_provider)
        assert client.get("/healthz").status_code == 200
        relay.process.send_signal(signal.SIGTERM)
        ready = client.get("/readyz")
        # Until the signal has arrived it is as before.
        while ready.json()["status"] != "stopping":
            assert ready.json()["status"] in ("starting", "ready")
            ready = client.get("/readyz")
        assert (ready.status_code, ready.headers["Retry-After"]) == (503, "1")
        asked.hold.release()
        assert asked.read().is_done
        assert relay.process.wait(LATE) == 0


@SERVERS
def test_a_chat_that_comes_too_late_is_refused(server: str, open_provider: OpenProvider) -> None:
    """Its request was half sent when the relay was told to stop."""
    with drain_relay(server, seconds=60) as relay:
        asked = Asker(relay).ask_stream(open_provider)
        body = json.dumps(make_body(open_provider)).encode()
        fields = make_headers(open_provider) | relay.headers | {"Host": "relay", "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        with socket.create_connection(("127.0.0.1", relay.port)) as late:
            late.settimeout(WAIT_SECONDS)
            late.sendall(f"POST /v1/chat/completions HTTP/1.1\r\n{head}".encode())
            # Others are accepted in their order, so this one was too.
            assert httpx.get(f"{relay.url}/healthz", trust_env=False).status_code == 200
            relay.process.send_signal(signal.SIGTERM)
            wait_refused(relay)
            late.sendall(b"\r\n" + body)
            answer = b""
            while piece := late.recv(65536):
                answer += piece
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b'"relay_stopping"' in answer
        assert len(open_provider.chats) == 1
        asked.hold.release()
        assert asked.read().is_done
        assert relay.process.wait(LATE) == 0


@SERVERS
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_at_once(server: str, second: signal.Signals, open_provider: OpenProvider) -> None:
    with drain_relay(server, seconds=60) as relay:
        Asker(relay).ask_stream(open_provider)
        relay.process.send_signal(signal.SIGTERM)
        wait_refused(relay)
        assert relay.process.poll() is None
        begun = time.monotonic()
        relay.process.send_signal(second)
        assert relay.process.wait(LATE) == 0
        assert time.monotonic() - begun < LATE
        assert open_provider.chats[0].wait_closed()


@SERVERS
def test_a_client_that_does_not_read_keeps_nobody(server: str, open_provider: OpenProvider) -> None:
    flood = [write_chunk({"content": "flood " * 2000})] * 5000
    open_provider.answers.append(Stream(flood))
    with (
        drain_relay(server, seconds=1) as relay,
        open_chat(relay, open_provider, stream=True, buffer=8192),
    ):
        open_provider.wait_for_request()
        relay.process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        assert relay.process.wait(1 + LATE) == 0
        assert time.monotonic() - begun >= 1
        assert open_provider.chats[0].wait_closed()
    check_quiet(relay)


def test_every_worker_drains(open_provider: OpenProvider) -> None:
    with drain_relay("gunicorn", "--workers", "2") as relay:
        asker = Asker(relay)
        asked = [asker.ask_stream(open_provider) for _ in range(8)]
        relay.process.send_signal(signal.SIGTERM)
        wait_refused(relay)
        for one in asked[:4]:
            one.hold.release()
        assert all(one.read().is_done for one in asked[:4])
        errors = [one.read().error for one in asked[4:]]
        assert [error and error["code"] for error in errors] == ["relay_stopping"] * 4
        assert relay.process.wait(LATE) == 0
    check_quiet(relay)
