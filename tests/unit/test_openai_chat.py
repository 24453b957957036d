"""OpenAI's chat wire, both ways, with what Z.ai, Groq and OpenRouter made of it."""

import json
from typing import Any

import pytest

from sidestep import (
    Event,
    Finished,
    Message,
    QuotaExceeded,
    ReasoningDelta,
    ReasoningPart,
    ReasoningSignature,
    ServerError,
    SidestepError,
    StreamIncomplete,
    TextDelta,
    ToolCallDelta,
    UnexpectedResponse,
    Usage,
)
from sidestep.dialects import DIALECTS
from sidestep.dialects.failures import FailureReader
from sidestep.dialects.openai_chat import OpenAIChatStream
from sidestep.types import ChatRequest, Endpoint, WireRules
from tests.unit.answers import delta, read_answer, sse, usage

DIALECT = DIALECTS["openai_chat"]
FAILURES = FailureReader("Z.ai", {"1113": "quota", "1302": "rate_limit"})


def read(stream: bytes) -> tuple[list[Event], SidestepError | None]:
    return read_answer(DIALECT, FAILURES, stream)


def encode(request: ChatRequest, max_tokens_field: str = "max_tokens") -> dict[str, Any]:
    endpoint = Endpoint("https://api.test/v1", {"Authorization": "Bearer k"})
    http = DIALECT.encode_chat(request, endpoint, WireRules(max_tokens_field=max_tokens_field))
    assert http.url == "https://api.test/v1/chat/completions"
    assert dict(http.headers) == {"Authorization": "Bearer k", "Content-Type": "application/json"}
    document: dict[str, Any] = json.loads(http.body or b"")
    return document


def test_a_request_says_only_what_was_asked_for() -> None:
    assert encode(ChatRequest("m", (Message("system", "Be brief."), Message("user", "Grüße")))) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Grüße"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_parameters_are_sent_under_their_wire_names() -> None:
    request = ChatRequest(
        "m",
        (),
        temperature=0.0,
        top_p=0.5,
        max_tokens=9,
        stop=("END",),
        seed=1,
        extra={"thinking": {"type": "disabled"}},
    )
    body = encode(request, "max_completion_tokens")
    assert body["temperature"] == 0.0
    assert body["top_p"] == 0.5
    assert body["max_completion_tokens"] == 9
    assert "max_tokens" not in body
    assert body["stop"] == ["END"]
    assert body["seed"] == 1
    assert body["thinking"] == {"type": "disabled"}


def test_text_usage_and_finish() -> None:
    events, error = read(sse(delta(role="assistant"), delta("Hel"), delta("lo"), delta(finish="stop"), usage(3, 2)))
    assert error is None
    assert events == [TextDelta("Hello"), Usage(3, 2), Finished("stop")]


def test_text_that_comes_together_is_one_event_and_keeps_its_place() -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "go", "arguments": "{}"}}
    thought = (delta(reasoning_content="Let "), delta(reasoning_content="me see."))
    said = (delta("It "), delta("is"), delta(tool_calls=[call]), delta(" done."), delta(finish="stop"))
    events, error = read(sse(*thought, *said))
    assert error is None
    assert events == [
        ReasoningDelta("Let me see."),
        TextDelta("It is"),
        ToolCallDelta(0, "c1", "go", "{}"),
        TextDelta(" done."),
        Finished("stop"),
    ]


def test_zai_role_in_every_chunk_and_usage_on_the_last() -> None:
    last = delta(role="assistant", finish="stop") | {
        "usage": {
            "prompt_tokens": 8,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 3},
        }
    }
    events, error = read(sse(delta(role="assistant", reasoning_content="Hm."), delta("Hi", role="assistant"), last))
    assert error is None
    assert events == [ReasoningDelta("Hm."), TextDelta("Hi"), Usage(8, 5, 3, 4), Finished("stop")]


def test_reasoning_under_two_names_is_shown_once() -> None:
    events, _ = read(sse(delta(reasoning="a", reasoning_content="a"), delta(reasoning="b"), delta(finish="stop")))
    assert [event for event in events if isinstance(event, ReasoningDelta)] == [ReasoningDelta("ab")]


def test_tool_calls_with_and_without_an_index() -> None:
    first = {"index": 0, "id": "c1", "function": {"name": "look", "arguments": '{"q"'}}
    then = {"index": 0, "function": {"arguments": ':"a"}'}}
    whole = {"id": "c2", "function": {"name": "go", "arguments": "{}"}}
    events, _ = read(sse(delta(tool_calls=[first]), delta(tool_calls=[then]), delta(finish="tool_calls")))
    assert events[:2] == [ToolCallDelta(0, "c1", "look", '{"q"'), ToolCallDelta(0, "", "", ':"a"}')]
    events, _ = read(sse(delta(tool_calls=[whole], finish="tool_calls")))
    assert events == [ToolCallDelta(0, "c2", "go", "{}"), Finished("tool_calls")]


def test_a_missing_done_is_tolerated() -> None:
    events, error = read(sse(delta("Hi"), delta(finish="stop"), done=False))
    assert error is None
    assert events[-1] == Finished("stop")


def test_a_stream_cut_in_the_middle_says_so_and_keeps_what_came() -> None:
    events, error = read(sse(delta("Half of "), delta("an ans"), done=False))
    assert events == [TextDelta("Half of an ans")]
    assert isinstance(error, StreamIncomplete)
    assert "what came is kept" in error.message


def test_network_error_as_a_finish_is_an_error_not_an_end() -> None:
    events, error = read(sse(delta("So"), delta("me", finish="network_error")))
    assert events == [TextDelta("Some")]
    assert isinstance(error, ServerError)
    assert error.code == "network_error"
    assert error.is_retryable


def test_an_error_in_the_stream_keeps_what_stood_before_it_in_the_same_piece() -> None:
    broken = {"error": {"code": "1113", "message": "Insufficient balance"}}
    events, error = read(sse(delta("Hi"), broken))
    assert events == [TextDelta("Hi")]
    assert isinstance(error, QuotaExceeded)
    assert error.code == "1113"


def test_an_error_beside_choices_is_an_error() -> None:
    events, error = read(sse(delta("a") | {"error": {"code": 502, "message": "upstream"}}))
    assert events == [TextDelta("a")]
    assert isinstance(error, ServerError)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"<!doctype html><title>Sign in</title>", "a web page"),
        (b"\n <html>", "a web page"),
        (b'{"choices": [', "broken JSON"),
        (b"", "nothing"),
        (b"  \n", "something unreadable|nothing"),
        (b"hello world", "something unreadable"),
        (b"data: {not json}\n\n", "not JSON"),
        (b"\xff\xfe\x00", "something unreadable"),
    ],
)
def test_a_body_that_is_no_answer_is_named(body: bytes, what: str) -> None:
    events, error = read(body)
    assert events == []
    assert isinstance(error, UnexpectedResponse)
    with pytest.raises(UnexpectedResponse, match=what):
        raise error


def test_a_whole_json_answer_is_read_like_a_stream() -> None:
    document = {
        "choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    }
    events, error = read(json.dumps(document).encode())
    assert error is None
    assert events == [TextDelta("Hi"), Usage(1, 1), Finished("stop")]


def test_a_json_error_under_http_200_is_an_error() -> None:
    _, error = read(b'{"error": {"code": "1113", "message": "no balance"}}')
    assert isinstance(error, QuotaExceeded)


def test_strange_shapes_break_nothing() -> None:
    odd: list[Any] = [
        {"choices": None},
        {"choices": [None, 3, {"delta": "text"}, {"delta": {"content": 5, "tool_calls": [None, {}]}}]},
        {"type": "keepalive"},
        {"usage": None},
        {"usage": {"prompt_tokens": "many", "completion_tokens": True}},
        [],
    ]
    events, error = read(sse(*odd[:-1], delta("Hi"), delta(finish="stop")))
    assert error is None
    assert TextDelta("Hi") in events


def test_models_are_listed_by_id() -> None:
    listed = DIALECT.decode_models({"data": [{"id": "a"}, {"id": ""}, {"no": "id"}, None, {"id": "b", "name": "B"}]})
    assert [(model.id, model.name) for model in listed] == [("a", "a"), ("b", "B")]
    assert DIALECT.decode_models({"data": "none"}) == ()


def test_anthropics_signatures_survive_the_way_through_a_relay() -> None:
    rules = WireRules(reasoning_return="thinking_blocks")
    signed = [{"type": "thinking", "thinking": "", "signature": "proof"}]
    stream = OpenAIChatStream(FAILURES, rules)
    chunk = delta(reasoning_content="Hm.")
    events = [*stream.read_chunk(chunk), *stream.read_chunk(delta(thinking_blocks=signed))]
    assert events == [ReasoningDelta("Hm."), ReasoningSignature("proof")]
    turn = Message("assistant", (ReasoningPart("Hm.", "proof"), ReasoningPart("", "sealed", is_redacted=True)))
    encoded = DIALECT.encode_chat(ChatRequest("m", (turn,)), Endpoint("https://relay.test/v1"), rules)
    assert json.loads(encoded.body or b"")["messages"][0]["thinking_blocks"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "proof"},
        {"type": "redacted_thinking", "data": "sealed"},
    ]
