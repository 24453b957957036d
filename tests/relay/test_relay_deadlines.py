"""A provider that falls silent, or never ends, is given up: by both lanes, streaming or whole, on both servers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest

from tests.fakes import AnthropicProvider, Hold, Recorded, Reply, Stream
from tests.fakes.servers import WAIT_SECONDS, Answer
from tests.fakes.wires import write_chunk, write_event
from tests.relay.calls import Fake, chat_when_free, make_body, make_headers, name_model, read_stream, write_usual
from tests.relay.conftest import start_loaded
from tests.relay.servers import RunningRelay

IDLE, TOTAL = 1.0, 4.0
STREAMS = 3
LATE = 3.0  # seconds by which a busy computer may be late
PACE = 0.1  # seconds between two bytes of a provider that drips


@pytest.fixture(scope="module", params=["gunicorn", "waitress"])
def hasty(request: pytest.FixtureRequest) -> Iterator[RunningRelay]:
    """A relay with short deadlines, where a token has as many answers as one test asks for at a time."""
    yield from start_loaded(
        request.param,
        SIDESTEP_IDLE_SECONDS=str(IDLE),
        SIDESTEP_TOTAL_SECONDS=str(TOTAL),
        SIDESTEP_STREAMS=str(STREAMS),
        SIDESTEP_LANES="zai-coding=translate",
    )


@pytest.fixture
def hasty_client(hasty: RunningRelay) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hasty.url, headers=hasty.headers, timeout=20, trust_env=False) as opened:
        yield opened


@pytest.fixture(params=["open_provider", "zai_provider", "anthropic_provider"])
def fake(request: pytest.FixtureRequest) -> Fake:
    """A provider that is piped, and two that are translated, each through an SDK of its own."""
    chosen: Fake = request.getfixturevalue(request.param)
    return chosen


@dataclass
class Drip:
    """Sends the same bytes again and again, slowly, until `stop`."""

    bytes_: bytes
    stop: threading.Event = field(default_factory=threading.Event)

    def __iter__(self) -> Iterator[bytes]:
        while not self.stop.wait(PACE):
            yield self.bytes_


@dataclass(frozen=True)
class Ended:
    """An answer that ended, and when."""

    answer: httpx.Response
    seconds: float

    @property
    def error(self) -> dict[str, object]:
        """The relay's error, wherever it is."""
        error = (
            self.answer.json()["error"] if self.answer.status_code != 200 else read_stream(self.answer.content).error
        )
        assert error is not None
        return error


def write_first(fake: Fake) -> bytes:
    return fake.open_message("claude-fake") if isinstance(fake, AnthropicProvider) else write_chunk({"content": "a"})


def write_token(fake: Fake) -> bytes:
    if not isinstance(fake, AnthropicProvider):
        return write_chunk({"content": "a"})
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}
    return write_event(delta, "content_block_delta")


def ask_all(client: httpx.Client, fake: Fake, answers: dict[str, Answer]) -> dict[str, Ended]:
    """Ask for all *answers* at a time; those whose name begins with "stream" are asked for as a stream."""

    def answer(request: Recorded) -> Answer | None:
        return next((answer for name, answer in answers.items() if name.encode() in request.body), None)

    def ask(name: str) -> Ended:
        begun = time.monotonic()
        messages = [{"role": "user", "content": name}]
        body = make_body(fake, stream=name.startswith("stream")) | {"messages": messages}
        got = client.post("/v1/chat/completions", headers=make_headers(fake), json=body)
        return Ended(got, time.monotonic() - begun)

    fake.behaviour = answer
    with ThreadPoolExecutor(len(answers)) as pool:
        return dict(zip(answers, pool.map(ask, answers), strict=True))


def check_aftermath(relay: RunningRelay, client: httpx.Client, fake: Fake, ended: dict[str, Ended], code: str) -> None:
    """The provider was let go, one line was logged of each, and the same worker goes on."""
    for request in fake.chats:
        assert request.wait_closed(), request.body
    for one in ended.values():
        request_id = one.answer.headers["x-request-id"]
        relay.wait_for_log(request_id=request_id)
        lines = [line for line in relay.log_lines() if line.get("request_id") == request_id]
        assert [(line["event"], line["code"]) for line in lines] == [("chat", code)]
    check_places(client, fake)
    fake.behaviour = None
    assert chat_when_free(client, fake).status_code == 200


def check_places(client: httpx.Client, fake: Fake) -> None:
    """As many answers are under way at a time as a token may have: all the places are free again."""
    hold = Hold()
    fake.behaviour = lambda _: Stream([write_first(fake), hold])
    known = len(fake.requests)
    with ThreadPoolExecutor(STREAMS) as pool:
        asked = [pool.submit(chat_when_free, client, fake, stream=True) for _ in range(STREAMS)]
        try:
            fake.wait_for_request(known + STREAMS)
        finally:
            hold.release()
        assert [one.result().status_code for one in asked] == [200] * STREAMS


def test_a_silent_provider_is_given_up(hasty: RunningRelay, hasty_client: httpx.Client, fake: Fake) -> None:
    holds = [Hold(), Hold(), Hold()]
    answers: dict[str, Answer] = {
        "stream, silent from the start": Reply(200, {}, hold=holds[0]),
        "stream, silent after a token": Stream([write_first(fake), holds[1]]),
        "whole, silent": Reply(200, {}, hold=holds[2]),
    }
    ended = ask_all(hasty_client, fake, answers)
    assert [one.answer.status_code for one in ended.values()] == [504, 200, 504]
    for name, one in ended.items():
        assert (one.error["code"], one.error["origin"], one.error["retryable"]) == (
            "provider_timeout",
            "provider",
            True,
        )
        assert IDLE <= one.seconds < IDLE + LATE, name
    assert "did not answer in 1 s" in str(ended["whole, silent"].error["message"])
    check_aftermath(hasty, hasty_client, fake, ended, "provider_timeout")


def test_an_answer_without_an_end_is_ended(hasty: RunningRelay, hasty_client: httpx.Client, fake: Fake) -> None:
    drips = [Drip(write_token(fake)), Drip(b"x"), Drip(b" ")]
    answers: dict[str, Answer] = {
        "stream of tokens": Stream(_chain(write_first(fake), drips[0])),
        "stream that is one event": Stream(_chain(write_first(fake) + b"data: ", drips[1])),
        "whole, that never ends": Stream(_chain(b"{", drips[2]), content_type="application/json"),
    }
    ended = ask_all(hasty_client, fake, answers)
    assert [one.answer.status_code for one in ended.values()] == [200, 200, 504]
    for name, one in ended.items():
        error = one.error
        assert (error["code"], error["origin"], error["retryable"]) == ("deadline_exceeded", "relay", False), name
        assert TOTAL <= one.seconds < TOTAL + LATE, name
    assert "after 4 s" in str(ended["stream of tokens"].error["message"])
    check_aftermath(hasty, hasty_client, fake, ended, "deadline_exceeded")
    for drip in drips:
        drip.stop.set()


def test_bytes_that_drip_are_no_silence(hasty: RunningRelay, hasty_client: httpx.Client, fake: Fake) -> None:
    """What ends after the idle deadline, but before the total one, arrives."""
    events = write_usual(fake)
    paced = Stream(_pace(events, 1.4 * IDLE / len(events)))
    ended = ask_all(hasty_client, fake, {"stream, slow": paced})["stream, slow"]
    read = read_stream(ended.answer.content)
    assert (read.text, read.error) == (fake.text, None)
    assert ended.seconds > IDLE
    hasty.wait_for_log(event="chat", model=name_model(fake), code="")


def _chain(first: bytes, rest: Drip) -> Iterator[bytes]:
    yield first
    yield from rest


def _pace(events: list[bytes], seconds: float) -> Iterator[bytes]:
    never = threading.Event()
    assert len(events) * seconds < WAIT_SECONDS
    for event in events:
        never.wait(seconds)
        yield event
