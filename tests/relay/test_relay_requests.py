"""Both lanes send a provider the same request: for every row of the catalogue that speaks OpenAI's chat wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from sidestep.catalogue import CatalogueEntry, load_catalogue
from sidestep_relay.chats import ChatCall, read_chat
from sidestep_relay.destinations import Destinations
from sidestep_relay.errors import RelayError
from sidestep_relay.lanes import Lane
from sidestep_relay.lanes.pipe import PipeLane
from sidestep_relay.lanes.resolve import resolve
from sidestep_relay.lanes.translate import TranslateLane, load_litellm
from sidestep_relay.tokens import make_full_token
from sidestep_relay.upstreams import Upstream
from tests.fakes.wires import DONE, write_chunk
from tests.relay.servers import TOKEN

# LiteLLM's own pydantic models warn of themselves.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydantic")

CATALOGUE = load_catalogue()
ROWS = [entry for entry in CATALOGUE.values() if entry.relay_dialect == "openai_chat"]
KEY = "sk-the-key"
OWN = "https://own.example/v1"

AUTH_DIFFERS: Mapping[str, str] = {
    "azure": "Piped sends `api-key`, as a page does; LiteLLM's client knows `Authorization` alone; Azure takes both.",
}
"""Rows whose key the lanes show in different headers, and why that is well."""

USAGE_DIFFERS: Mapping[str, str] = dict.fromkeys(
    ("openai", "openai-responses"),
    "At api.openai.com LiteLLM asks every stream for its token counts; piped asks if the client does.",
)
"""Rows where the translated request has `stream_options` that nobody gave."""

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": "x"}'}}
IMAGE = "data:image/png;base64,AAAA"
CHANGED: Mapping[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "the role developer": (
        "custom",
        {"role": "developer", "content": "Be kind."},
        {"role": "system", "content": "Be kind."},
        "LiteLLM believes that OpenAI's own models alone know this role.",
    ),
    "content that is null": (
        "custom",
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "assistant", "tool_calls": [CALL]},
        "LiteLLM leaves it out; OpenAI's reference allows both beside tool calls.",
    ),
    "a mark for caching": (
        "openai",
        {"role": "user", "content": "Go on", "cache_control": {"type": "ephemeral"}},
        {"role": "user", "content": "Go on"},
        "LiteLLM takes Anthropic's mark away from OpenAI's own models; piped leaves it to them.",
    ),
}
"""What LiteLLM changes in messages: to whom; what is asked, and so piped; what is translated; why."""

BODIES: Mapping[str, dict[str, Any]] = {
    "plain": {"messages": [{"role": "user", "content": "Grüße 🙂"}]},
    "parameters": {
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        "temperature": 0.5, "top_p": 1, "max_tokens": 5, "max_completion_tokens": 6, "stop": ["a"], "seed": 1,
        "presence_penalty": 0, "n": 1, "logit_bias": {}, "user": "u", "reasoning_effort": "low", "tools": [TOOL],
        "tool_choice": "auto", "response_format": {"type": "json_object"}, "parallel_tool_calls": False,
    },
    "a vendor's own": {
        "messages": [{"role": "user", "content": "hi"}],
        "thinking": {"type": "enabled"}, "tool_stream": True, "enable_thinking": False, "unheard_of": [None, {"a": 1}],
        "reasoning": {"effort": "high"}, "provider": {"order": ["x"]},
    },
    "a long story": {
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "name": "Ann", "content": [
                {"type": "text", "text": "See:"}, {"type": "image_url", "image_url": {"url": IMAGE, "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            ]},
            {"role": "assistant", "content": "", "reasoning_content": "Hm.", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "nothing"},
            {"role": "assistant", "content": "", "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]},
            {"role": "user", "content": "Go on", "unheard_of": 1},
        ],
    },
}  # fmt: skip

STREAM = b"".join([write_chunk({"content": "a"}), write_chunk(finish_reason="stop"), DONE])
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
WHOLE = json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}).encode()


@dataclass
class Catcher(httpx.BaseTransport):
    """Stands where the connections are, and keeps what is sent."""

    sent: list[httpx.Request]
    is_stream: bool = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.sent.append(request)
        body, kind = (STREAM, "text/event-stream") if self.is_stream else (WHOLE, "application/json")
        return httpx.Response(200, headers={"content-type": kind}, stream=httpx.ByteStream(body))


@pytest.fixture(scope="module")
def lanes() -> Iterator[dict[str, Lane]]:
    litellm = load_litellm()
    # LiteLLM takes this thread's event loop. One of its own making would be left behind, and its end be told as a
    # mistake of whichever test runs then.
    with closing(asyncio.new_event_loop()) as loop:
        asyncio.set_event_loop(loop)
        yield {"pipe": PipeLane(), "translate": TranslateLane(lambda: litellm)}
        asyncio.set_event_loop(None)


def make_call(entry: CatalogueEntry, **fields: Any) -> ChatCall:
    model = entry.models[0] if entry.models else "some-model"
    body = {"model": f"{entry.litellm_prefix}/{model}", **fields}
    # Rows that share a prefix are told apart by their address.
    base_url = entry.relay_base_url or entry.base_url or OWN
    call = read_chat(body, CATALOGUE, key=KEY, base_url=base_url, own_keys={}, token=make_full_token(TOKEN))
    assert call.entry.id in {entry.id, "custom", "openai"}
    return call


def catch(lane: Lane, call: ChatCall) -> httpx.Request:
    """Return the one request that *lane* sends for *call*."""
    sent: list[httpx.Request] = []
    place = Destinations(allows_any_public=True, known=frozenset({"localhost"}), named=()).check_url(
        call.base_url.replace("http://localhost", "https://localhost")
    )
    if call.base_url.startswith("http://"):
        place = type(place)("http", place.host, httpx.URL(call.base_url).port or 80, place.path)
    upstream = Upstream(
        Catcher(sent, call.is_stream), place, dialect="openai_chat", has_key=True, reads_along=lane.name == "translate"
    )
    for _ in lane.stream(call, upstream) if call.is_stream else [lane.complete(call, upstream)]:
        pass
    assert len(sent) == 1
    return sent[0]


def find_key(request: httpx.Request) -> list[tuple[str, str]]:
    return [(name, value) for name, value in request.headers.items() if KEY in value]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("entry", ROWS, ids=lambda entry: entry.id)
def test_piped_and_translated_are_the_same_request(lanes: dict[str, Lane], entry: CatalogueEntry, body: str) -> None:
    options: list[dict[str, Any]] = [
        {},
        {"stream": True},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
    ]
    for option in options:
        call = make_call(entry, **BODIES[body], **option)
        piped, translated = catch(lanes["pipe"], call), catch(lanes["translate"], call)
        assert piped.url == translated.url == f"{call.base_url}/chat/completions"
        bodies = json.loads(piped.content), json.loads(translated.content)
        if entry.id in USAGE_DIFFERS and call.is_stream and not call.stream_options:
            assert bodies[1].pop("stream_options") == {"include_usage": True}
        assert bodies[0] == bodies[1]
        assert piped.headers["content-type"] == translated.headers["content-type"]
        assert piped.headers["accept-encoding"] == translated.headers["accept-encoding"] == "identity"
        assert find_key(translated) == [("authorization", f"Bearer {KEY}")]
        if entry.id in AUTH_DIFFERS:
            assert find_key(piped) == [(entry.auth_header.lower(), f"{entry.auth_scheme} {KEY}".strip())]
        else:
            assert find_key(piped) == find_key(translated)


@pytest.mark.parametrize("name", CHANGED)
def test_what_litellm_changes_is_known(lanes: dict[str, Lane], name: str) -> None:
    provider, asked, changed, _ = CHANGED[name]
    call = make_call(CATALOGUE[provider], messages=[asked, {"role": "user", "content": "hi"}])
    bodies = {lane: json.loads(catch(lanes[lane], call).content) for lane in ("pipe", "translate")}
    assert bodies["pipe"]["messages"][0] == asked
    assert bodies["translate"]["messages"][0] == changed


def test_a_row_without_a_key_shows_none() -> None:
    call = read_chat(
        {"model": "openai/m", "messages": [{"role": "user", "content": "hi"}]},
        CATALOGUE,
        key=None,
        base_url=OWN,
        own_keys={},
        token=make_full_token(TOKEN),
    )
    assert {name.lower() for name in resolve(call).headers} == {"accept", "content-type", "user-agent"}


def test_gemini_is_called_where_it_speaks_openais_wire_also_if_nobody_says_so() -> None:
    body = {"model": "gemini/g", "messages": [{"role": "user", "content": "hi"}]}
    asked = resolve(read_chat(body, CATALOGUE, key=KEY, base_url=None, own_keys={}, token=make_full_token(TOKEN)))
    assert asked.url == "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions"
    assert asked.headers["Authorization"] == f"Bearer {KEY}"


@pytest.fixture(params=["\ud800", float("nan"), "deep"])
def odd(request: pytest.FixtureRequest) -> Any:
    value = request.param
    if value == "deep":
        value = []
        for _ in range(100_000):
            value = [value]
    return value


def test_what_json_cannot_say_is_no_bug(lanes: dict[str, Lane], odd: Any) -> None:
    call = make_call(CATALOGUE["openai"], messages=[{"role": "user", "content": "hi"}], odd=odd)
    if isinstance(odd, str):
        assert json.loads(catch(lanes["pipe"], call).content)["odd"] == odd
        return
    with pytest.raises(RelayError) as caught:
        catch(lanes["pipe"], call)
    assert (caught.value.status, caught.value.code) == (400, "request_invalid")
