"""The bridge: the page's protocol, frame by frame."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from sidestep import FetchRejected, MockResponse, MockTransport
from sidestep.bridge import Bridge
from sidestep.transports import Response, Transport
from sidestep.transports.mock import MockSurroundings
from sidestep.types import HttpRequest
from tests.unit.answers import EVENT_STREAM, delta, refused, said, sse

CONFIG = {
    "version": 1,
    "providers": [{"id": "openai"}, {"id": "zai-coding"}],
    "relays": [{"id": "attic", "name": "Attic", "url": "https://attic.test"}],
    "consents": [{"relay": "attic", "provider": "*"}],
}
SECRETS = {
    "providers": {"openai": "openai-key-123", "zai-coding": "zai-key-123"},
    "relays": {"attic": "attic-token-123"},
}


class Page:
    """The other side of the bridge: sends commands, keeps frames."""

    def __init__(self, transport: Transport) -> None:
        self.frames: list[dict[str, Any]] = []
        self._arrived = asyncio.Event()
        self._bridge = Bridge(self._take, transport, surroundings=MockSurroundings())
        self._last_id = 0

    def _take(self, text: str) -> None:
        self.frames.append(json.loads(text))
        self._arrived.set()

    def send(self, command: str, **payload: Any) -> int:
        self._last_id += 1
        self._bridge.handle(json.dumps({"id": self._last_id, "command": command, "payload": payload}))
        return self._last_id

    async def wait_for(self, is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first frame that *is_wanted* says yes to."""
        while not (found := [frame for frame in self.frames if is_wanted(frame)]):
            self._arrived.clear()
            async with asyncio.timeout(10):
                await self._arrived.wait()
        return found[0]

    async def answer(self, command_id: int) -> dict[str, Any]:
        """Return the frame that ends a command."""
        return await self.wait_for(lambda frame: frame.get("id") == command_id and frame["kind"] in {"result", "error"})

    async def ask(self, command: str, **payload: Any) -> dict[str, Any]:
        return await self.answer(self.send(command, **payload))

    async def configured(self) -> "Page":
        await self.ask("configure", config=CONFIG, secrets=SECRETS, page_origin="https://page.test")
        return self

    def events(self, command_id: int) -> list[dict[str, Any]]:
        return [
            event
            for frame in self.frames
            if frame.get("id") == command_id and frame["kind"] == "events"
            for event in frame["events"]
        ]


def answers(request: HttpRequest) -> MockResponse | Exception:
    return FetchRejected("refused") if "api.z.ai" in request.url else said("Hello")


CHAT = {"messages": [{"role": "user", "content": "Hi"}], "parameters": {"temperature": 0.5}}


async def test_a_chat_streams_its_events_and_ends_with_a_summary() -> None:
    page = await Page(MockTransport(answers)).configured()
    chat = page.send("chat", model="openai/gpt", **CHAT)
    frame = await page.answer(chat)
    events = page.events(chat)
    assert [event["type"] for event in events] == ["route_taken", "text_delta", "usage", "finished"]
    assert events[0]["route"] == {"kind": "direct", "relay": None, "label": "direct"}
    value = frame["value"]
    assert value["finish_reason"] == "stop"
    assert value["usage"]["output_tokens"] == 2
    assert value["route"]["kind"] == "direct"
    assert value["timing"]["first_token_ms"] <= value["timing"]["total_ms"]


async def test_what_was_learned_is_handed_to_the_page_before_the_answer_ends_and_taken_back_later() -> None:
    page = await Page(MockTransport(answers)).configured()
    chat = page.send("chat", model="zai-coding/glm", **CHAT)
    await page.answer(chat)
    assert [event["type"] for event in page.events(chat)][:2] == ["route_failed", "route_taken"]
    (learned,) = [frame["knowledge"] for frame in page.frames if frame["kind"] == "learned"]
    assert learned["evidence"][0]["verdict"] == "blocked"
    assert [row["relay"] for row in learned["ledger"]] == [None, "attic"]
    assert [row["outcome"] for row in learned["metrics"]] == ["FetchRejected", "ok"]

    transport = MockTransport(answers)
    reloaded = Page(transport)
    await reloaded.ask("configure", config=CONFIG, secrets=SECRETS, knowledge=learned, page_origin="https://page.test")
    explained = await reloaded.ask("explain", model="zai-coding/glm")
    assert [row["included"] for row in explained["value"]["routes"]] == [True, False]
    await reloaded.ask("chat", model="zai-coding/glm", **CHAT)
    assert [request.url.split("/")[2] for request in transport.requests] == ["attic.test"]
    await reloaded.ask("forget_evidence", provider="zai-coding")
    assert reloaded.frames[-2]["kind"] == "learned"
    assert [row.get("forgotten") for row in reloaded.frames[-2]["knowledge"]["evidence"]] == ["https://api.z.ai"]


async def test_what_another_tab_learned_is_used_and_not_handed_back() -> None:
    page = await Page(MockTransport(answers)).configured()
    await page.ask("chat", model="zai-coding/glm", **CHAT)
    (learned,) = [frame["knowledge"] for frame in page.frames if frame["kind"] == "learned"]
    transport = MockTransport(answers)
    other = await Page(transport).configured()
    await other.ask("learn", knowledge=learned)
    assert not [frame for frame in other.frames if frame["kind"] == "learned"]
    assert (await other.ask("explain", model="zai-coding/glm"))["value"]["classification"]["way"] == "relay required"
    await other.ask("chat", model="zai-coding/glm", **CHAT)
    assert [request.url.split("/")[2] for request in transport.requests] == ["attic.test"]
    (news,) = [frame["knowledge"] for frame in other.frames if frame["kind"] == "learned"]
    assert len(news["metrics"]) == 1


async def test_two_tabs_that_stored_at_the_same_moment_end_with_all_that_either_learned() -> None:
    def ask_both(request: HttpRequest) -> MockResponse | Exception:
        return FetchRejected("refused") if "api." in request.url else said("Hello")

    tabs = [await Page(MockTransport(ask_both)).configured() for _ in range(2)]
    for tab, model in zip(tabs, ("zai-coding/glm", "openai/gpt"), strict=True):
        await tab.ask("chat", model=model, **CHAT)
    stored: dict[str, Any] = {}
    # Each news is written over what is stored, and told to the other tab, until nobody has any.
    for _ in range(9):
        news = [(tab, frame["knowledge"]) for tab in tabs for frame in tab.frames if frame["kind"] == "learned"]
        for tab in tabs:
            tab.frames.clear()
        for sender, knowledge in news:
            stored |= knowledge
            await tabs[1 - tabs.index(sender)].ask("learn", knowledge=knowledge)
    assert not news, "it comes to rest"
    origins = {row["key"]["provider_origin"] for row in stored["evidence"] if "key" in row}
    assert origins == {"https://api.z.ai", "https://api.openai.com"}
    assert len(stored["ledger"]) == 4


async def test_rules_are_checked_and_tried_before_they_are_saved() -> None:
    page = await Page(MockTransport(answers)).configured()
    wrong = [
        {"id": "a", "when": {"provider": "openai"}, "then": {"policy": "sideways"}},
        {"id": "b", "python": "def x("},
    ]
    checked = (await page.ask("check_policies", rules=wrong))["value"]["problems"]
    assert [problem["pointer"] for problem in checked] == ["/rules/0/then/policy", "/rules/1/python"]
    night = {"id": "n", "when": {"time": {"from": "22:00", "to": "06:00"}}, "then": {"policy": "relay"}}
    for minute, outcome in ((23 * 60, "decides"), (12 * 60, "differs")):
        tried = await page.ask(
            "try_rules", rules=[night], model="openai/gpt", local_time={"minute": minute, "weekday": 0}, **CHAT
        )
        assert [row["outcome"] for row in tried["value"]["outcomes"]] == [outcome]


async def test_an_overview_names_every_provider_and_relay() -> None:
    page = await Page(MockTransport(answers)).configured()
    await page.ask("chat", model="zai-coding/glm", **CHAT)
    overview = (await page.ask("overview"))["value"]
    assert overview["providers"]["zai-coding"]["classification"]["way"] == "relay required"
    assert overview["providers"]["zai-coding"]["last_success"] is not None
    assert overview["providers"]["openai"]["classification"]["way"] == "unknown"
    assert overview["relays"]["attic"]["level"] == "healthy"
    rows = (await page.ask("metrics"))["value"]["routes"]
    assert [(row["provider"], row["route"], row["attempts"]) for row in rows] == [
        ("zai-coding", "direct", 1),
        ("zai-coding", "attic", 1),
    ]
    assert len((await page.ask("ledger"))["value"]["entries"]) == 2


async def test_stop_ends_the_chat_closes_its_response_and_keeps_what_came() -> None:
    class Held(MockResponse):
        async def chunks(self) -> AsyncGenerator[bytes]:
            yield sse(delta("Half"), done=False)
            await asyncio.Event().wait()

    held = Held(200, EVENT_STREAM)
    page = await Page(MockTransport(lambda _: held)).configured()
    chat = page.send("chat", model="openai/gpt", **CHAT)
    await page.wait_for(lambda _: any(event["type"] == "text_delta" for event in page.events(chat)))
    assert (await page.ask("stop", target=chat))["value"] == {"stopped": True}
    frame = await page.answer(chat)
    assert frame["error"]["type"] == "Cancelled"
    assert held.is_closed
    assert (await page.ask("stop", target=chat))["value"] == {"stopped": False}


async def test_pieces_of_text_are_joined_into_frames_a_page_can_draw() -> None:
    chunks = [delta(f"{number} ") for number in range(500)]
    answer = MockResponse(200, EVENT_STREAM, [sse(chunk, done=False) for chunk in chunks] + [sse(delta(finish="stop"))])
    page = await Page(MockTransport(lambda _: answer)).configured()
    chat = page.send("chat", model="openai/gpt", **CHAT)
    await page.answer(chat)
    texts = [event["text"] for event in page.events(chat) if event["type"] == "text_delta"]
    assert "".join(texts) == "".join(f"{number} " for number in range(500))
    assert len(texts) < 250


async def test_an_error_comes_as_the_protocol_writes_it() -> None:
    page = await Page(MockTransport(lambda _: MockResponse(401, {}, [b'{"error": {"message": "bad"}}']))).configured()
    error = (await page.ask("chat", model="openai/gpt", **CHAT))["error"]
    assert (error["type"], error["status"], error["origin"]) == ("AuthenticationError", 401, "provider")
    assert error["route"]["label"] == "direct"
    assert (await page.ask("dance"))["error"]["type"] == "ConfigurationError"


async def test_a_wait_is_announced_with_its_length_and_its_reason() -> None:
    busy = MockResponse(429, {"retry-after-ms": "5"}, [b'{"error": {"message": "slow down"}}'])
    rest = [busy, said("Hello")]
    page = await Page(MockTransport(lambda _: rest.pop(0))).configured()
    chat = page.send("chat", model="openai/gpt", **CHAT)
    assert (await page.answer(chat))["kind"] == "result"
    first = page.events(chat)[0]
    assert (first["type"], first["wait_ms"], first["attempt"]) == ("retrying", 5, 1)
    assert first["error"]["type"] == "RateLimited"


async def test_a_wait_ends_when_the_page_says_stop() -> None:
    busy = MockResponse(429, {"retry-after": "20"}, [b'{"error": {"message": "slow down"}}'])
    page = await Page(MockTransport(lambda _: busy)).configured()
    chat = page.send("chat", model="openai/gpt", **CHAT)
    await page.wait_for(lambda _: bool(page.events(chat)))
    assert (await page.ask("stop", target=chat))["value"] == {"stopped": True}
    assert (await page.answer(chat))["error"]["type"] == "Cancelled"


async def test_a_list_of_models_that_the_page_kept_is_taken_back_once() -> None:
    live = MockResponse(200, {}, [b'{"data": [{"id": "new", "context_length": 8}]}'])
    transport = MockTransport(lambda _: live)
    kept = {"openai": {"models": [{"id": "kept", "name": "Kept"}], "fetched_at": time.time()}, "zai-coding": "damaged"}
    page = Page(transport)
    stored = {"config": CONFIG, "secrets": SECRETS, "page_origin": "https://page.test"}
    await page.ask("configure", models=kept, **stored)
    value = (await page.ask("models", provider="openai"))["value"]
    assert ([row["id"] for row in value["models"]], value["is_stale"]) == (["kept"], False)
    assert transport.requests == []
    value = (await page.ask("models", provider="openai", refresh=True))["value"]
    assert ([row["id"] for row in value["models"]], value["models"][0]["context_length"]) == (["new"], 8)
    assert value["fetched_at"] == pytest.approx(time.time(), abs=60)
    await page.ask("configure", models=kept, **stored)
    assert (await page.ask("models", provider="openai"))["value"]["models"] == value["models"]
    assert len(transport.requests) == 1
    # What was kept belongs to the address it was fetched from, not to a later one.
    moved = CONFIG | {"providers": [{"id": "openai", "base_url": "https://other.test/v1"}]}
    await page.ask("configure", models=kept, **(stored | {"config": moved}))
    value = (await page.ask("models", provider="openai"))["value"]
    assert [row["id"] for row in value["models"]] == ["new"]
    assert transport.requests[-1].url == "https://other.test/v1/models"


async def test_a_model_is_described_and_what_an_answer_cost_is_said_where_its_prices_are_known() -> None:
    page = Page(MockTransport(answers))
    model = {"id": "gpt", "name": "GPT", "max_output": 99, "input_price": 1e6, "output_price": 2e6}
    kept = {"openai": {"models": [model], "fetched_at": time.time()}}
    await page.ask("configure", config=CONFIG, secrets=SECRETS, page_origin="https://page.test", models=kept)
    value = (await page.ask("describe_model", model="openai/gpt", parameters={}))["value"]
    assert (value["model"]["name"], value["model"]["has_vision"]) == ("GPT", None)
    offers = {offer["name"]: offer for offer in value["parameters"]}
    assert offers["max_tokens"] == {
        "name": "max_tokens", "kind": "integer", "minimum": 1, "maximum": 99, "choices": [],
    }  # fmt: skip
    said = (await page.ask("chat", model="openai/gpt", **CHAT))["value"]
    assert said["cost"] == said["usage"]["input_tokens"] * 1.0 + said["usage"]["output_tokens"] * 2.0
    assert (await page.ask("chat", model="openai/other", **CHAT))["value"]["cost"] is None
    assert (await page.ask("describe_model", model="nobody/gpt", parameters={}))["kind"] == "error"


async def test_a_provider_is_checked_before_it_is_saved() -> None:
    page = Page(MockTransport(answers))
    good = (await page.ask("check_provider", provider={"id": "openai"}, api_key=" sk-1 \n"))["value"]
    assert (good["problems"], good["api_key"], good["provider"]["name"]) == ([], "sk-1", "OpenAI")
    bad = (await page.ask("check_provider", provider={"id": "x", "base_url": "nowhere"}, api_key="k"))["value"]
    assert [(row["item"], row["field"]) for row in bad["problems"]] == [("x", "base_url")]
    keyless = (await page.ask("check_provider", provider={"id": "openai"}, api_key=" "))["value"]
    assert keyless["problems"][0]["field"] == "api_key"
    await page.configured()
    keyless = (await page.ask("check_provider", provider={"id": "openai"}, api_key=""))["value"]
    assert keyless["problems"] == []
    assert "relay" in keyless["notes"][0]


async def test_a_relay_is_checked_and_tested() -> None:
    status = MockResponse(200, {}, [b'{"version": "0.1.0", "providers": [], "limits": {"streams": 4, "odd": "x"}}'])
    page = Page(MockTransport(lambda _: status))
    checked = (await page.ask("check_relay", relay={"url": "https://attic.test/"}, token=" t-1 "))["value"]
    assert (checked["relay"]["id"], checked["relay"]["url"], checked["token"]) == (
        "attic.test",
        "https://attic.test",
        "t-1",
    )
    assert (await page.ask("check_relay", relay={"url": "attic"}, token="t"))["value"]["problems"]
    assert (await page.ask("check_relay", relay={"url": "https://attic.test"}, token=""))["value"]["problems"]
    tested = (await page.ask("test_relay", relay={"url": "https://attic.test"}, token="t"))["value"]
    assert (tested["version"], tested["limits"]) == ("0.1.0", {"streams": 4})


async def test_an_answer_tells_which_rule_decided() -> None:
    rule = {"id": "big", "name": "Big ones", "enabled": True, "when": {"model": "gpt*"}, "then": {"timeout": 9}}
    page = Page(MockTransport(answers))
    await page.ask("configure", config=CONFIG | {"rules": [rule]}, secrets=SECRETS, page_origin="https://page.test")
    for model, wanted in (("openai/gpt", {"id": "big", "name": "Big ones"}), ("openai/other", None)):
        chat = page.send("chat", model=model, **CHAT)
        await page.answer(chat)
        assert page.events(chat)[0]["rule"] == wanted


async def test_a_bad_row_of_the_configuration_is_reported_and_the_rest_used() -> None:
    page = Page(MockTransport(answers))
    config = {"providers": [{"id": "openai"}, {"id": "mine", "base_url": "x"}]}
    value = (await page.ask("configure", config=config, secrets=SECRETS, page_origin=""))["value"]
    assert [row["item"] for row in value["problems"]] == ["mine"]
    assert (await page.ask("chat", model="openai/gpt", **CHAT))["kind"] == "result"


def test_a_transport_and_a_response_are_what_the_mocks_are() -> None:
    transport: Transport = MockTransport(answers)
    response: Response = MockResponse()
    assert transport
    assert response


async def test_a_diagnosis_says_how_far_it_is_then_why_and_what_to_do() -> None:
    def hide(request: HttpRequest) -> MockResponse | Exception:
        if request.url.startswith("https://api.openai.com"):
            return FetchRejected("refused")
        wrong = {"error": {"message": "Wrong key.", "origin": "provider", "provider_status": 401}}
        return refused(401, wrong) if request.url.endswith("/chat/completions") else refused(404, {})

    page = await Page(MockTransport(hide)).configured()
    failed = (await page.ask("chat", model="openai/gpt", **CHAT))["error"]
    assert failed["type"] == "AuthenticationError"
    examined = page.send("diagnose", model="openai/gpt", error=failed)
    verdict = (await page.answer(examined))["value"]
    assert (verdict["cause"], verdict["behind"], verdict["certainty"]) == ("cors_hidden_errors", "auth", "proven")
    assert verdict["remedies"][0]["action"] == "edit_key"
    assert {event["type"] for event in page.events(examined)} == {"probed"}


async def test_a_bundle_has_no_secret_and_says_what_was_seen() -> None:
    page = await Page(MockTransport(answers)).configured()
    await page.ask("chat", model="zai-coding/glm", messages=[{"role": "user", "content": "a private word"}])
    bundle = (await page.ask("bundle", user_agent="Browser/1"))["value"]
    text = json.dumps(bundle)
    assert "Browser/1" in text
    assert "relay required" in text
    assert not [secret for kind in SECRETS.values() for secret in kind.values() if secret in text]
    assert "a private word" not in text


async def test_the_browsers_own_question_is_announced_before_it_comes() -> None:
    page = await Page(MockTransport(answers)).configured()
    local = {"id": "mine", "kind": "ollama", "base_url": "http://127.0.0.1:11434/v1"}
    assert "programs on this computer" in (await page.ask("check_provider", provider=local))["value"]["notes"][-1]
    neighbour = {"id": "attic", "name": "Attic", "url": "https://192.168.0.9"}
    checked = await page.ask("check_relay", relay=neighbour, token="token-0123456789")
    assert "devices in this network" in checked["value"]["notes"][0]
    far = {"id": "openai", "kind": "openai"}
    assert not (await page.ask("check_provider", provider=far, api_key="sk-1234567890"))["value"]["notes"]
