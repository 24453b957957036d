"""What a client reads: the same by the pipe lane as without a relay, and what it loses by the translate lane.

Every stream written for the project, and the recorded ones where they lie beside it, is read three times by the real
client: straight from a fake provider, piped and translated.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from sidestep import Client, Event, Provider, Relay, ResponseError, RouteTaken, SidestepError
from sidestep.catalogue import load_catalogue
from sidestep.routing.retries import RetryPolicy
from sidestep.sse import SSEDecoder
from sidestep.transports.http import HttpTransport
from sidestep_relay.destinations import Destinations, parse_destination
from sidestep_relay.streaming import EventWriter
from tests.fakes import CUT, OpenProvider, Reply, Stream
from tests.fakes.servers import Piece
from tests.fakes.wires import DONE, write_chunk
from tests.relay.calls import chat, make_body, make_headers, read_stream
from tests.relay.conftest import PAGE
from tests.relay.servers import TOKEN, RunningRelay, run_relay
from tests.wire.reading import describe_events

ROOT = Path(__file__).parents[2]
CATALOGUE = load_catalogue()
WRITTEN = ROOT / "tests" / "wire" / "streams"
RECORDED = ROOT.parent / "shared" / "fixtures" / "streams"
KINDS: Mapping[str, str] = {".sse": "text/event-stream", ".body": "application/json"}
"""Ollama's native lines (`.ndjson`) are never an answer to this wire."""

PIECE = 211
"""Bytes of a piece, so that most events are torn."""

Fault = tuple[str, str | None]
"""The class of a client's error, and its code."""


@dataclass(frozen=True, slots=True)
class Case:
    """One answer: whose it is, and its bytes."""

    name: str
    provider: str
    pieces: Sequence[Piece]
    content_type: str = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client read: the events, and the error that they end with."""

    events: list[list[Any]]
    error: Fault | None


def cut(body: bytes, size: int = PIECE) -> list[Piece]:
    return [body[start : start + size] for start in range(0, len(body), size)]


def speaks_chat(provider: str) -> bool:
    entry = CATALOGUE[provider]
    return entry.dialect == entry.relay_dialect == "openai_chat"


def list_written() -> Iterator[Case]:
    for path in sorted(path for kind in KINDS for path in WRITTEN.glob(f"*{kind}")):
        provider = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["provider"]
        if speaks_chat(provider):
            yield Case(path.stem, provider, cut(path.read_bytes()), KINDS[path.suffix])


def list_recorded() -> Iterator[Case]:
    hosts = {host: entry.id for entry in CATALOGUE.values() if speaks_chat(entry.id) for host in entry.hosts}
    for path in sorted(RECORDED.glob("openai_chat--*.sse")):
        yield Case(path.stem, hosts[path.stem.split("--")[1]], cut(path.read_bytes()))


LONG = write_chunk({"content": "long " * 40_000})
END = [write_chunk(finish_reason="stop"), DONE]
MADE = [
    Case("cut between events", "openai", [write_chunk({"content": "Hel"}), CUT]),
    Case("cut inside an event", "openai", [write_chunk({"content": "Hel"}), write_chunk({"content": "lo"})[:30], CUT]),
    Case("cut before the first byte", "openai", [CUT]),
    Case("a page that calls itself a stream", "openai", [b"<html>Sign in</html>"]),
    Case("a document that calls itself a stream", "custom", [(WRITTEN / "whole-document.body").read_bytes()]),
    Case("a stream that calls itself plain", "openai", [(WRITTEN / "calls-in-pieces.sse").read_bytes()], "text/plain"),
    Case("a line longer than any other", "openai", [*cut(LONG, 30_000), *END]),
]
CASES = [*list_written(), *list_recorded(), *MADE]
if not any(RECORDED.glob("*")):
    print(f"No recorded streams are replayed: there is no {RECORDED.name}/ beside the project.")

TOLD: Mapping[Fault, frozenset[Fault]] = {
    ("StreamIncomplete", None): frozenset({("ServerError", "provider_incomplete")}),
    ("ConnectionLost", None): frozenset({("ServerError", "provider_incomplete")}),
    ("UnexpectedResponse", None): frozenset({("ServerError", "provider_answer")}),
    ("ServerError", None): frozenset({("ServerError", "provider_server")}),
}
"""What a client without a relay finds out for itself, and the words in which the relay tells it.

The relay has to: a client behind it cannot know whether the relay or the provider broke off, or showed a page.
"""

LOST: Mapping[str, str] = {
    "broken-document": "What is wrong",
    "nothing": "What is wrong",
    "web-page": "What is wrong",
    "plain-words": "What is wrong",
    "a page that calls itself a stream": "What is wrong",
    "refusal": "Refusals",
    "byte-order-mark": "A byte order mark",
    "invalid-utf-8": "Broken characters",
    "usage-is-nonsense": "Odd token counts",
    "calls-arguments-are-an-object": "The spelling of arguments",
    "done-without-a-reason": "An end without a reason",
    "reasoning-in-parts": "Reasoning in parts",
    "openai_chat--api.mistral.ai--mistral_model_thinking_part_iter-0": "Reasoning in parts",
    "reasoning-said-twice": "Reasoning details",
    "openai_chat--openrouter.ai--openrouter_stream_with_reasoning-0": "Reasoning details",
    "error-beside-choices": "Text beside an error",
    "error-event-without-an-envelope": "Errors in odd places",
    "error-in-a-choice": "Errors in odd places",
    "whole-document": "A document instead of a stream",
    "whole-document-after-blank-lines": "A document instead of a stream",
    "whole-document-byte-order-mark": "A document instead of a stream",
    "a document that calls itself a stream": "A document instead of a stream",
    "a stream that calls itself plain": "A wrong content type",
}
"""The cases that lose something when they are translated, and the row of docs/relay.md that says what."""


@pytest.fixture(scope="module")
def translating() -> Iterator[RunningRelay]:
    rows = [f"{entry.id}=translate" for entry in CATALOGUE.values() if entry.relay_dialect == "openai_chat"]
    settings = {"SIDESTEP_LANES": ",".join(rows)}
    with run_relay(origins=[PAGE], destinations=["127.0.0.1"], settings=settings) as relay:
        relay.wait_for_log(event="loaded", timeout=60)
        yield relay


def see(case: Case, relay: RunningRelay | None = None) -> Seen:
    """Return what the client reads of *case*, straight or through *relay*."""
    with OpenProvider() as fake:
        fake.behaviour = lambda _: Stream(case.pieces, content_type=case.content_type)
        route = "relay" if relay else "direct"
        provider = Provider("it", kind=case.provider, api_key=fake.key, base_url=fake.base_url, route=route)
        relays = [Relay(relay.url, token=relay.token)] if relay else []
        seen = asyncio.run(read(provider, relays))
        assert len(fake.chats) == 1
    return seen


async def read(provider: Provider, relays: list[Relay]) -> Seen:
    transport = HttpTransport()
    events: list[Event] = []
    error = None
    try:
        client = Client([provider], relays, transport=transport, retries=RetryPolicy(attempts=0))
        async for event in client.stream("it/some-model", "Say hello"):
            events.append(event)  # noqa: PERF401 - what came before an error must be kept
    except SidestepError as caught:
        error = (type(caught).__name__, caught.code if isinstance(caught, ResponseError) else None)
    finally:
        await transport.aclose()
    return Seen(describe_events(event for event in events if not isinstance(event, RouteTaken)), error)


def is_same(direct: Seen, other: Seen) -> bool:
    """Say whether a client reads the same, the relay's words for the same fault allowed."""
    if direct.events != other.events:
        return False
    return direct.error == other.error or (
        direct.error is not None and other.error in TOLD.get(direct.error, frozenset())
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_piped_is_what_a_client_reads_without_a_relay(case: Case, gunicorn_relay: RunningRelay) -> None:
    direct, piped = see(case), see(case, gunicorn_relay)
    assert piped.events == direct.events
    assert is_same(direct, piped), (direct.error, piped.error)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_translation_loses_is_known(case: Case, translating: RunningRelay) -> None:
    direct, translated = see(case), see(case, translating)
    if case.name in LOST:
        assert not is_same(direct, translated), "nothing is lost any more: take it from LOST"
    else:
        assert translated.events == direct.events
        assert is_same(direct, translated), (direct.error, translated.error)


def test_the_table_of_losses_is_true() -> None:
    text = (ROOT / "docs" / "relay.md").read_text(encoding="utf-8")
    table = text.partition("## What translation loses")[2]
    rows = re.findall(r"^\| ([A-Z][^|]+?) \| [^|]+ \|$", table, re.MULTILINE)
    assert set(rows[1:]) == set(LOST.values())
    names = {case.name for case in CASES}
    assert {name for name in LOST if not name.startswith("openai_chat--")} <= names


@pytest.mark.parametrize("server", ["gunicorn", "waitress"])
def test_every_byte_passes(server: str, request: pytest.FixtureRequest) -> None:
    relay: RunningRelay = request.getfixturevalue(f"{server}_relay")
    whole = [case for case in CASES if case.content_type == "text/event-stream" and is_whole(case)]
    assert len(whole) > 20
    with OpenProvider() as fake, make_client(relay) as client:
        for case in whole:
            fake.answers.append(Stream(case.pieces))
            answer = chat(client, fake, stream=True)
            assert answer.content == b"".join(piece for piece in case.pieces if isinstance(piece, bytes)), case.name


def is_whole(case: Case) -> bool:
    return b"[DONE]" in b"".join(piece for piece in case.pieces if isinstance(piece, bytes))[-40:]


@pytest.mark.parametrize("is_stream", [True, False])
@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("lane", ["pipe", "translate"])
def test_each_lane_sends_one_request(
    lane: str, status: int, is_stream: bool, gunicorn_relay: RunningRelay, translating: RunningRelay
) -> None:
    relay = gunicorn_relay if lane == "pipe" else translating
    with OpenProvider() as fake, make_client(relay) as client:
        fake.behaviour = lambda _: Reply(status, {"error": {"message": "not now"}}, {"Retry-After": "0"})
        assert chat(client, fake, stream=is_stream).json()["error"]["provider_status"] == status
        assert len(fake.chats) == 1
        relay.wait_for_log(event="chat", lane=lane, stream=is_stream, status={500: 502}.get(status, status))


def test_a_whole_answer_is_passed_on_as_it_came(gunicorn_relay: RunningRelay) -> None:
    body = b'{ "choices" : [{"message": {"content": "\\u00e9"}, "finish_reason": "eos", "x": 1.50}] }\n'
    with OpenProvider() as fake, make_client(gunicorn_relay) as client:
        fake.answers.append(Reply(200, body, {"Content-Type": "application/json"}))
        answer = chat(client, fake)
    assert (answer.content, answer.headers["Content-Type"]) == (body, "application/json")


def test_a_packed_answer_is_unpacked(gunicorn_relay: RunningRelay) -> None:
    events = write_chunk({"content": "packed"}) + b"".join(END)
    with OpenProvider() as fake, make_client(gunicorn_relay) as client:
        fake.answers.append(Stream(cut(gzip.compress(events), 9), headers={"Content-Encoding": "gzip"}))
        assert chat(client, fake, stream=True).content == events
        fake.answers.append(Stream([b"no gzip at all"], headers={"Content-Encoding": "gzip"}))
        error = read_stream(chat(client, fake, stream=True).content).error
    assert error is not None
    assert error["code"] == "provider_answer"


def test_the_pipe_does_not_wait_for_litellm(make_app: Callable[..., Flask]) -> None:
    # Here it is never loaded.
    with OpenProvider() as fake:
        # Nobody closes an application, so nothing may stay open in it.
        fake.answers.append(Stream([write_chunk({"content": "at once"}), *END], headers={"Connection": "close"}))
        app = make_app(destinations=Destinations(named=(parse_destination(fake.origin),)))
        headers = {**make_headers(fake), "Authorization": f"Bearer {TOKEN}"}
        answer = app.test_client().post("/v1/chat/completions", json=make_body(fake, stream=True), headers=headers)
        assert read_stream(answer.data).text == "at once"


def make_client(relay: RunningRelay) -> httpx.Client:
    return httpx.Client(base_url=relay.url, headers=relay.headers, timeout=20, trust_env=False)


@pytest.mark.parametrize(
    ("written", "is_between"),
    [
        (b"", True), (b"data: x\n\n", True), (b"data: x\r\n\r\n", True), (b"data: x\r\r", True), (b"\n", True),
        (b"data: x\n\r\n", True), (b"data: x\n", False), (b"data: x\r\n", False), (b"data: x\r", False),
        (b"data", False), (b": note\n", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 100])
def test_the_writer_knows_where_it_stands(written: bytes, is_between: bool, size: int) -> None:
    writer = EventWriter()
    for start in range(0, len(written), size):
        writer.write(written[start : start + size])
    assert writer.is_between_events is is_between
    closed = written + writer.write_error({"error": {}})
    last = SSEDecoder().feed(closed)[-1]
    assert (last.event, last.data) == ("error", '{"error":{}}')


@pytest.mark.parametrize(
    ("written", "is_done"),
    [
        (DONE, True), (b"data:[DONE]\n\n", True), (b"data: x\r\n\r\ndata: [DONE]\r\n\r\n", True),
        (b"data: [DONE]\n", False), (b"", False), (DONE + b": note\n\n", False),
        (b'data: {"content":"[DONE]"}\n\n', False), (b"data: x data: [DONE]\n\n", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 100])
def test_the_writer_knows_the_last_event(written: bytes, is_done: bool, size: int) -> None:
    writer = EventWriter()
    for start in range(0, len(written), size):
        writer.write(written[start : start + size])
    assert writer.is_done is is_done
