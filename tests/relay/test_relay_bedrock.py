"""Amazon Bedrock through the relay: LiteLLM speaks its wire, and the relay reads along in Amazon's frames."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from sidestep_relay.frames import AmazonFrames
from sidestep_relay.observations import Observer
from tests.fakes import CUT, BedrockProvider, FakeCall, Hold, Stream
from tests.fakes.bedrock import STREAM_TYPE, write_frame
from tests.fakes.servers import Piece
from tests.relay.calls import MESSAGES, StreamRead, read_stream
from tests.relay.conftest import PAGE
from tests.relay.servers import RunningRelay

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
def client(gunicorn_relay: RunningRelay) -> Any:
    headers = {**gunicorn_relay.headers, "Origin": PAGE}
    with httpx.Client(base_url=gunicorn_relay.url, headers=headers, timeout=20, trust_env=False) as opened:
        yield opened


def ask(client: httpx.Client, fake: BedrockProvider, **fields: Any) -> httpx.Response:
    headers = {"X-Provider-Key": fake.key, "X-Provider-Base": fake.base_url}
    body = {"model": f"bedrock/{fake.models[0]}", "messages": MESSAGES, **fields}
    return client.post("/v1/chat/completions", headers=headers, json=body)


def read(client: httpx.Client, fake: BedrockProvider, **fields: Any) -> StreamRead:
    return read_stream(ask(client, fake, stream=True, **fields).content)


def test_a_whole_answer_arrives(client: httpx.Client, bedrock_provider: BedrockProvider) -> None:
    answer = ask(client, bedrock_provider, max_tokens=9).json()
    choice = answer["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (bedrock_provider.text, "stop")
    assert answer["usage"]["total_tokens"] == 12
    [sent] = bedrock_provider.requests
    assert sent.path == "/model/anthropic.gull-v1%3A0/converse"
    assert sent.json["inferenceConfig"] == {"maxTokens": 9}
    assert sent.headers["authorization"] == f"Bearer {bedrock_provider.key}"


def test_a_stream_arrives(client: httpx.Client, bedrock_provider: BedrockProvider) -> None:
    bedrock_provider.tool_calls = [FakeCall("c1", "look", {"at": "x"})]
    bedrock_provider.stop_reason = "tool_use"
    seen = read(client, bedrock_provider, stream_options={"include_usage": True}, tools=[TOOL])
    assert (seen.text, seen.finish_reasons, seen.is_done) == (bedrock_provider.text, ["tool_calls"], True)
    assert seen.usage is not None
    assert seen.usage["total_tokens"] == 12
    assert [request.path.rpartition("/")[2] for request in bedrock_provider.requests] == ["converse-stream"]


@pytest.mark.parametrize("is_stream", [True, False])
@pytest.mark.parametrize(
    "told",
    [
        (429, "ThrottlingException", "provider_rate_limit"),
        (403, "AccessDeniedException", "provider_permission"),
        (404, "ResourceNotFoundException", "provider_model"),
        (400, "ServiceQuotaExceededException", "provider_quota"),
    ],
)
def test_amazons_errors_are_told_for_what_they_are_after_one_request(
    client: httpx.Client, bedrock_provider: BedrockProvider, told: tuple[int, str, str], is_stream: bool
) -> None:
    status, kind, code = told
    bedrock_provider.answers.append(bedrock_provider.error(status, kind, "Not now."))
    error = ask(client, bedrock_provider, stream=is_stream).json()["error"]
    assert (error["code"], error["provider_code"], error["provider_status"]) == (code, kind, status)
    assert "Not now." in error["message"]
    assert len(bedrock_provider.requests) == 1


@pytest.mark.parametrize(
    ("pieces", "code", "provider_code"),
    [
        ([write_frame("throttlingException", {"message": "Slow"}, kind="exception")], "provider_rate_limit", "Thr"),
        ([CUT], "provider_incomplete", None),
        ([], "provider_incomplete", None),
        ([write_frame("messageStop", {"stopReason": "end_turn"})[:-1] + b"!"], "provider_", None),
    ],
    ids=["an exception", "cut", "no end", "a wrong checksum"],
)
def test_a_stream_that_breaks_off_says_so(
    client: httpx.Client, bedrock_provider: BedrockProvider, pieces: list[Piece], code: str, provider_code: str | None
) -> None:
    begun = write_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hel"}})
    bedrock_provider.answers.append(Stream([begun, *pieces], content_type=STREAM_TYPE))
    seen = read(client, bedrock_provider)
    assert seen.text == "Hel"
    assert seen.error is not None
    assert seen.error["code"].startswith(code)
    assert (seen.error["provider_code"] or "")[:3] == (provider_code or "")
    assert not seen.is_done


def test_the_provider_is_let_go_when_the_client_leaves(client: httpx.Client, bedrock_provider: BedrockProvider) -> None:
    hold = Hold()
    begun = write_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hel"}})
    bedrock_provider.answers.append(Stream([begun, hold], content_type=STREAM_TYPE))
    headers = {"X-Provider-Key": bedrock_provider.key, "X-Provider-Base": bedrock_provider.base_url}
    body = {"model": f"bedrock/{bedrock_provider.models[0]}", "messages": MESSAGES, "stream": True}
    with client.stream("POST", "/v1/chat/completions", headers=headers, json=body):
        hold.wait_reached()
    assert bedrock_provider.requests[0].wait_closed(0.5)


@pytest.mark.parametrize("model", ["agent/A1/B2", "agentcore/x", "invoke/m", "us-west-2/m", "mantle/openai.m"])
def test_a_models_name_steers_the_request_nowhere_else(
    client: httpx.Client, bedrock_provider: BedrockProvider, model: str
) -> None:
    bedrock_provider.models = [model]
    ask(client, bedrock_provider)
    assert all(request.path.endswith("/converse") for request in bedrock_provider.requests)


def test_an_image_elsewhere_is_not_fetched(client: httpx.Client, bedrock_provider: BedrockProvider) -> None:
    image = {"type": "image_url", "image_url": {"url": bedrock_provider.origin.replace("http:", "https:") + "/i.png"}}
    answer = ask(client, bedrock_provider, messages=[{"role": "user", "content": [image]}])
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "request_invalid", "messages")
    assert "data" in error["message"]
    assert not bedrock_provider.requests


def test_frames_are_read_wherever_they_are_cut(bedrock_provider: BedrockProvider) -> None:
    stream = b"".join(bedrock_provider.write_stream())
    for size in (1, 7, len(stream)):
        observer = Observer("bedrock_converse", is_stream=True)
        for start in range(0, len(stream), size):
            observer.feed(stream[start : start + size])
        observer.finish()
        assert (observer.seen.is_finished, observer.seen.total_tokens) == (True, 12)


@pytest.mark.parametrize("body", [b"[1]", b"no JSON", b""])
def test_an_exception_without_words_is_still_one(body: bytes) -> None:
    [text] = AmazonFrames().feed(write_frame("internalServerException", body, kind="exception"))
    assert json.loads(text) == {"error": {"code": "InternalServerException", "message": ""}}
