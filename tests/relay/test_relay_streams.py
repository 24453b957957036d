"""Chats through a real relay to fakes that behave and misbehave; every test runs on gunicorn and on waitress."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from tests.fakes import CUT, AnthropicProvider, Hold, OpenProvider, Reply, Stream, ZaiProvider
from tests.fakes.wires import DONE, make_usage, split_inside_characters, write_chunk, write_event
from tests.relay.calls import Fake, chat, make_body, make_headers, name_model, open_chat, read_stream, write_usual
from tests.relay.conftest import PAGE
from tests.relay.servers import RunningRelay

PATIENCE = 0.5
"""Seconds within which a provider must be let go after the client left."""


@pytest.fixture(params=["open_provider", "zai_provider", "anthropic_provider"])
def fake(request: pytest.FixtureRequest) -> Fake:
    """One provider of each kind that LiteLLM is called for in its own way."""
    chosen = request.getfixturevalue(request.param)
    assert isinstance(chosen, OpenProvider | AnthropicProvider)
    return chosen


def test_a_stream_arrives_as_it_was_sent(client: httpx.Client, fake: Fake) -> None:
    fake.reasoning = "First think. Denke größer."
    answer = chat(client, fake, stream=True, stream_options={"include_usage": True})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert "upstream;dur=" in answer.headers["Server-Timing"]
    read = read_stream(answer.content)
    assert (read.text, read.reasoning, read.finish_reasons) == (fake.text, fake.reasoning, ["stop"])
    assert read.usage is not None
    assert (read.usage["prompt_tokens"], read.usage["completion_tokens"]) == (7, 5)
    assert read.is_done
    assert read.error is None


def test_a_whole_answer_arrives(client: httpx.Client, fake: Fake) -> None:
    answer = chat(client, fake)
    assert answer.status_code == 200
    choice = answer.json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (fake.text, "stop")
    assert answer.json()["usage"]["total_tokens"] == 12


def test_usage_comes_only_when_asked_for(client: httpx.Client, open_provider: OpenProvider) -> None:
    assert read_stream(chat(client, open_provider, stream=True).content).usage is None


def test_counts_are_the_providers_not_made_up(client: httpx.Client, open_provider: OpenProvider) -> None:
    open_provider.answers.append(Stream([write_chunk({"content": "hi"}), write_chunk(finish_reason="stop"), DONE]))
    answer = chat(client, open_provider, stream=True, stream_options={"include_usage": True})
    assert read_stream(answer.content).usage is None


@pytest.mark.parametrize("is_stream", [True, False])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_one_request_reaches_the_provider_whatever_it_answers(
    client: httpx.Client, fake: Fake, status: int, is_stream: bool
) -> None:
    for _ in range(3):
        fake.answers.append(Reply(status, {"error": {"message": "not now"}}, {"Retry-After": "0"}))
    answer = chat(client, fake, stream=is_stream)
    assert answer.status_code == {429: 429, 500: 502, 503: 503}[status]
    assert len(fake.chats) == 1


def test_messages_are_not_rewritten_for_a_second_try(client: httpx.Client, open_provider: OpenProvider) -> None:
    for _ in range(2):
        open_provider.answers.append(
            open_provider.error(400, "Conversation roles must alternate user/assistant/user/assistant")
        )
    assert chat(client, open_provider).json()["error"]["code"] == "provider_request"
    assert len(open_provider.chats) == 1


@pytest.mark.parametrize("is_stream", [True, False])
def test_the_vendors_code_and_words_are_kept(client: httpx.Client, zai_provider: ZaiProvider, is_stream: bool) -> None:
    refusal = zai_provider.zai_error(429, "1113", "Insufficient balance or no resource package.", Retry_After="7")
    zai_provider.answers.append(refusal)
    answer = chat(client, zai_provider, stream=is_stream)
    error = answer.json()["error"]
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "7"
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert (error["code"], error["origin"], error["retryable"]) == ("provider_quota", "provider", False)
    assert (error["provider_status"], error["provider_code"]) == (429, "1113")
    assert "Insufficient balance" in error["message"]


def test_a_wrong_provider_key_is_not_a_wrong_token(client: httpx.Client, relay: RunningRelay, fake: Fake) -> None:
    key = "sk-canary-" + "k" * 20
    headers = make_headers(fake) | {"X-Provider-Key": key}
    answer = client.post("/v1/chat/completions", headers=headers, json=make_body(fake, stream=True))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["origin"]) == (401, "provider_auth", "provider")
    wrong = {**headers, "Authorization": "Bearer wrong"}
    answer = client.post("/v1/chat/completions", headers=wrong, json=make_body(fake, stream=True))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["origin"]) == (401, "relay_token_wrong", "relay")
    assert len(fake.chats) == 1


def test_an_unknown_model_is_told(client: httpx.Client, open_provider: OpenProvider) -> None:
    body = make_body(open_provider) | {"model": "openai/nothing"}
    answer = client.post("/v1/chat/completions", headers=make_headers(open_provider), json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "provider_model")


@pytest.mark.parametrize("is_stream", [True, False])
def test_network_error_is_not_hidden_as_stop(client: httpx.Client, zai_provider: ZaiProvider, is_stream: bool) -> None:
    zai_provider.finish_reason = "network_error"
    if not is_stream:
        whole = zai_provider.write_whole("glm-4.6")
        whole["choices"][0]["finish_reason"] = "network_error"
        zai_provider.answers.append(Reply(200, whole))
        assert chat(client, zai_provider).json()["choices"][0]["finish_reason"] == "network_error"
        return
    assert read_stream(chat(client, zai_provider, stream=True).content).finish_reasons == ["network_error"]


def test_an_error_inside_a_stream_is_an_event(client: httpx.Client, zai_provider: ZaiProvider) -> None:
    broken = write_event({"error": {"code": "1305", "message": "The service is overloaded"}})
    zai_provider.answers.append(Stream([write_chunk({"content": "Hel"}), broken]))
    read = read_stream(chat(client, zai_provider, stream=True).content)
    assert read.text == "Hel"
    assert read.told == {"code": "1305", "message": "The service is overloaded"}
    assert read.error is not None
    assert (read.error["code"], read.error["provider_code"]) == ("provider_overloaded", "1305")
    assert read.error["retryable"] is True
    assert not read.is_done


def test_anthropics_error_inside_a_stream_is_an_event(
    client: httpx.Client, anthropic_provider: AnthropicProvider
) -> None:
    start = anthropic_provider.open_message("claude-fake")
    broken = write_event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "error")
    anthropic_provider.answers.append(Stream([start, broken]))
    read = read_stream(chat(client, anthropic_provider, stream=True).content)
    assert read.error is not None
    assert (read.error["code"], read.error["provider_code"]) == ("provider_overloaded", "overloaded_error")


@pytest.mark.parametrize("end", [[CUT], []], ids=["cut", "ended without a finish"])
def test_a_stream_that_stops_short_is_an_error(client: httpx.Client, fake: Fake, end: list[Any]) -> None:
    if isinstance(fake, AnthropicProvider):
        opened = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Hel"}}
        pieces = [fake.open_message("claude-fake"), write_event(opened, "content_block_start")]
    else:
        pieces = [write_chunk({"content": "Hel"})]
    fake.answers.append(Stream([*pieces, *end]))
    read = read_stream(chat(client, fake, stream=True).content)
    assert read.finish_reasons == []
    assert not read.is_done
    assert read.error is not None
    assert (read.error["code"], read.error["origin"], read.error["retryable"]) == (
        "provider_incomplete",
        "provider",
        True,
    )


@pytest.mark.parametrize("is_stream", [True, False])
def test_a_web_page_is_not_an_answer(client: httpx.Client, fake: Fake, is_stream: bool) -> None:
    fake.answers.append(Reply(200, "<html><body>Sign in to the hotel's network</body></html>"))
    answer = chat(client, fake, stream=is_stream)
    error = read_stream(answer.content).error if answer.status_code == 200 else answer.json()["error"]
    assert error is not None
    assert error["code"] == "provider_answer"
    assert "hotel" not in error["message"]


@pytest.mark.parametrize("body", [b"\x00\xff garbage", b'{"choices": 7}', b"[]", b""])
def test_garbage_is_not_an_answer(client: httpx.Client, open_provider: OpenProvider, body: bytes) -> None:
    open_provider.answers.append(Reply(200, body, {"Content-Type": "application/json"}))
    answer = chat(client, open_provider)
    assert answer.status_code == 502
    assert answer.json()["error"]["origin"] == "provider"


def test_characters_cut_in_two_arrive_whole(client: httpx.Client, fake: Fake) -> None:
    fake.text = "Größe ✓ 漢字 🙂"
    fake.answers.append(Stream(split_inside_characters(b"".join(write_usual(fake)))))
    assert read_stream(chat(client, fake, stream=True).content).text == fake.text


def test_the_same_chunk_a_hundred_and_fifty_times(client: httpx.Client, open_provider: OpenProvider) -> None:
    many = [write_chunk({"content": "same"})] * 150
    open_provider.answers.append(Stream([*many, write_chunk(finish_reason="stop"), DONE]))
    read = read_stream(chat(client, open_provider, stream=True).content)
    assert read.text == "same" * 150
    assert read.finish_reasons == ["stop"]


def test_tool_calls_pass(client: httpx.Client, zai_provider: ZaiProvider) -> None:
    function = {"name": "look", "arguments": '{"at":'}
    first = {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}
    second = {"tool_calls": [{"index": 0, "function": {"arguments": '"x"}'}}]}
    end = write_chunk(finish_reason="tool_calls", usage=make_usage())
    zai_provider.answers.append(Stream([write_chunk(first), write_chunk(second), end, DONE]))
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]
    answer = chat(client, zai_provider, stream=True, tools=tools, thinking={"type": "disabled"})
    lines = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    calls = [call for chunk in lines for c in chunk["choices"] for call in c["delta"].get("tool_calls") or []]
    assert calls[0]["id"] == "call_1"
    assert "".join(call["function"]["arguments"] for call in calls) == '{"at":"x"}'
    assert read_stream(answer.content).finish_reasons == ["tool_calls"]
    sent = zai_provider.chats[0].json
    assert sent["tools"] == tools
    assert sent["thinking"] == {"type": "disabled"}


def test_a_provider_sees_its_key_and_nothing_of_the_relay(
    client: httpx.Client, relay: RunningRelay, fake: Fake
) -> None:
    chat(client, fake, stream=True)
    headers = fake.chats[0].headers
    assert relay.token not in json.dumps(headers)
    assert not [name for name in headers if name.startswith(("x-stainless", "x-provider", "origin", "cookie"))]
    assert "openai-organization" not in headers


def test_a_provider_without_key_gets_none(client: httpx.Client, open_provider: OpenProvider) -> None:
    headers = {"X-Provider-Base": open_provider.base_url}
    client.post("/v1/chat/completions", headers=headers, json=make_body(open_provider))
    assert "authorization" not in open_provider.chats[0].headers


def test_no_cookie_is_kept(client: httpx.Client, open_provider: OpenProvider) -> None:
    whole = open_provider.write_whole("fake-small")
    open_provider.answers.append(Reply(200, whole, {"Set-Cookie": "session=one; Path=/"}))
    assert "set-cookie" not in chat(client, open_provider).headers
    chat(client, open_provider)
    assert [request.headers.get("cookie") for request in open_provider.chats] == [None, None]


def test_a_redirect_is_not_followed(client: httpx.Client, fake: Fake) -> None:
    with OpenProvider() as elsewhere:
        for status in (301, 302, 307, 308):
            place = f"{elsewhere.base_url}/chat/completions"
            fake.answers.append(Reply(status, b"", {"Location": place}))
            error = chat(client, fake, stream=True).json()["error"]
            assert (error["code"], error["provider_status"]) == ("provider_redirect", status)
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "base_url",
    ["http://169.254.169.254/v1", "http://10.0.0.1/v1", "https://evil.example/v1", "http://[::1]:9/v1"],
)
def test_other_places_are_refused_by_the_running_relay(client: httpx.Client, base_url: str) -> None:
    headers = {"X-Provider-Key": "sk-x", "X-Provider-Base": base_url}
    body = {"model": "openai/x", "messages": [{"role": "user", "content": "hi"}]}
    answer = client.post("/v1/chat/completions", headers=headers, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "destination_refused")
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


def test_a_provider_that_is_not_there_is_unreachable(client: httpx.Client) -> None:
    with OpenProvider() as gone:
        pass
    answer = chat(client, gone, stream=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_unreachable")


def leave_at(relay: RunningRelay, fake: Fake, hold: Hold, *, is_stream: bool) -> float:
    """Send a chat, close the connection once the provider stands at *hold*; return when that was."""
    with open_chat(relay, fake, stream=is_stream):
        hold.wait_reached()
    return time.monotonic()


@pytest.mark.alone
@pytest.mark.parametrize("is_stream", [True, False])
def test_a_client_that_leaves_before_the_answer_frees_the_provider(
    relay: RunningRelay, fake: Fake, is_stream: bool
) -> None:
    hold = Hold()
    fake.answers.append(Reply(200, {}, hold=hold))
    left = leave_at(relay, fake, hold, is_stream=is_stream)
    assert fake.chats[0].wait_closed()
    assert time.monotonic() - left < PATIENCE
    relay.wait_for_log(event="chat", code="client_left", model=name_model(fake))


@pytest.mark.alone
def test_a_client_that_leaves_during_silence_frees_the_provider(relay: RunningRelay, fake: Fake) -> None:
    hold = Hold()
    first = fake.open_message("claude-fake") if isinstance(fake, AnthropicProvider) else write_chunk({"content": "a"})
    fake.answers.append(Stream([first, hold]))
    left = leave_at(relay, fake, hold, is_stream=True)
    assert fake.chats[0].wait_closed()
    assert time.monotonic() - left < PATIENCE
    relay.wait_for_log(event="chat", code="client_left", model=name_model(fake), stream=True)


def test_chunks_are_not_gathered(client: httpx.Client, fake: Fake) -> None:
    hold = Hold()
    pieces = write_usual(fake)
    fake.answers.append(Stream([*pieces[:-3], hold, *pieces[-3:]]))
    body = make_body(fake, stream=True)
    with client.stream("POST", "/v1/chat/completions", headers=make_headers(fake), json=body) as answer:
        received = answer.iter_bytes()
        # It comes although the provider has not gone on.
        first = next(received)
        assert b"data: {" in first
        hold.wait_reached()
        hold.release()
        rest = b"".join(received)
    assert read_stream(first + rest).text == fake.text


def test_the_log_tells_of_a_chat_without_telling_it(client: httpx.Client, relay: RunningRelay, fake: Fake) -> None:
    canary = "canary-in-the-prompt"
    fake.text = "canary-in-the-answer"
    headers = make_headers(fake) | {"X-Request-Id": f"log-{type(fake).__name__}-{relay.port}"}
    body = make_body(fake, stream=True) | {"messages": [{"role": "user", "content": canary}], "user": "canary-user"}
    if isinstance(fake, AnthropicProvider):
        body.pop("user")
    client.post("/v1/chat/completions", headers=headers, json=body)
    line = relay.wait_for_log(event="chat", request_id=headers["X-Request-Id"])
    assert (line["model"], line["status"], line["origin"]) == (name_model(fake), 200, PAGE)
    assert line["provider"] in {"custom", "zai", "anthropic"}
    assert line["chunks"] > 0
    assert line["bytes"] > 0
    # Refusals of every kind must not tell more.
    fake.answers.append(Reply(400, {"error": {"message": f"bad: {canary} {fake.key}"}}))
    client.post("/v1/chat/completions", headers=headers, json=body)
    client.post("/v1/chat/completions", headers=headers, json=body | {"api_base": canary})
    client.post("/v1/chat/completions", headers=headers, content=f'{{"{canary}')
    written = "\n".join(relay.stdout + relay.stderr)
    assert "canary" not in written
    assert fake.key not in written
    assert relay.token not in written


def test_models_are_listed_in_openais_form(client: httpx.Client, fake: Fake) -> None:
    provider = {"zai": "zai-coding", "anthropic": "anthropic"}.get(name_model(fake).partition("/")[0], "custom")
    answer = client.get("/v1/models", params={"provider": provider}, headers=make_headers(fake))
    if provider == "zai-coding":
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "models_not_listed")
        return
    assert [row["id"] for row in answer.json()["data"]] == fake.models
    wrong = client.get(
        "/v1/models", params={"provider": provider}, headers=make_headers(fake) | {"X-Provider-Key": "x"}
    )
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "provider_auth")


def test_a_list_of_models_that_is_a_bare_array_is_read(client: httpx.Client, open_provider: OpenProvider) -> None:
    open_provider.behaviour = lambda _: Reply(200, [{"id": "one"}, {"id": "two"}])
    answer = client.get("/v1/models", params={"provider": "together"}, headers=make_headers(open_provider))
    assert [row["id"] for row in answer.json()["data"]] == ["one", "two"]


def test_without_a_provider_the_catalogues_models_are_listed(client: httpx.Client) -> None:
    names = [row["id"] for row in client.get("/v1/models").json()["data"]]
    assert "zai/glm-4.6" in names
    assert [name for name in names if name.startswith("anthropic/")]
