"""Anthropic's messages wire, both ways."""

import json
from typing import Any

from sidestep import (
    Event,
    Finished,
    Message,
    Overloaded,
    ReasoningDelta,
    ReasoningSignature,
    SidestepError,
    StreamIncomplete,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from sidestep.catalogue import load_catalogue
from sidestep.dialects import DIALECTS
from sidestep.dialects.failures import FailureReader
from sidestep.types import ChatRequest, Endpoint, WireRules
from tests.unit.answers import read_answer

DIALECT = DIALECTS["anthropic"]
FAILURES = FailureReader("Anthropic", load_catalogue()["anthropic"].error_codes)

START = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}
STOP = {"type": "message_stop"}


def stream(*documents: dict[str, Any]) -> bytes:
    return "".join(f"event: {row['type']}\ndata: {json.dumps(row)}\n\n" for row in documents).encode()


def piece(index: int = 0, **delta: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def read(body: bytes) -> tuple[list[Event], SidestepError | None]:
    return read_answer(DIALECT, FAILURES, body)


def encode(request: ChatRequest) -> dict[str, Any]:
    endpoint = Endpoint("https://api.anthropic.com/v1", {"x-api-key": "k"})
    http = DIALECT.encode_chat(request, endpoint, WireRules())
    assert http.url == "https://api.anthropic.com/v1/messages"
    document: dict[str, Any] = json.loads(http.body or b"")
    return document


def test_the_system_prompt_stands_apart_and_a_limit_is_always_sent() -> None:
    messages = (Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", ""), Message("user", "Go"))
    assert encode(ChatRequest("claude", messages, stop=("END",), seed=3)) == {
        "model": "claude",
        "system": "Be brief.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "Go"}]}],
        "max_tokens": 8192,
        "stop_sequences": ["END"],
        "stream": True,
    }


def test_text_thinking_usage_and_finish() -> None:
    events, error = read(
        stream(
            START,
            {"type": "ping"},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
            piece(type="thinking_delta", thinking="Hm."),
            piece(type="signature_delta", signature="abc"),
            {"type": "content_block_stop", "index": 0},
            {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
            piece(1, type="text_delta", text="Hi"),
            {"type": "an_event_of_tomorrow", "x": 1},
            END,
            STOP,
        )
    )
    assert error is None
    assert events == [
        ReasoningDelta("Hm."),
        ReasoningSignature("abc"),
        TextDelta("Hi"),
        Usage(9, 7),
        Finished("stop"),
    ]


def test_tool_calls_are_numbered_by_themselves() -> None:
    def block(index: int, name: str) -> dict[str, Any]:
        return {
            "type": "content_block_start",
            "index": index,
            "content_block": {"type": "tool_use", "id": f"t{index}", "name": name, "input": {}},
        }

    events, _ = read(
        stream(
            START,
            block(1, "look"),
            piece(1, type="input_json_delta", partial_json='{"q":1}'),
            block(2, "go"),
            piece(2, type="input_json_delta", partial_json="{}"),
            END,
            STOP,
        )
    )
    assert events[:4] == [
        ToolCallDelta(0, "t1", "look", ""),
        ToolCallDelta(0, "", "", '{"q":1}'),
        ToolCallDelta(1, "t2", "go", ""),
        ToolCallDelta(1, "", "", "{}"),
    ]


def test_an_error_event_in_the_stream() -> None:
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    events, error = read(stream(START, piece(type="text_delta", text="So"), overloaded))
    assert events == [TextDelta("So")]
    assert isinstance(error, Overloaded)


def test_a_cut_stream_is_incomplete_and_its_usage_kept() -> None:
    events, error = read(stream(START, piece(type="text_delta", text="So")))
    assert events == [TextDelta("So"), Usage(9, 1)]
    assert isinstance(error, StreamIncomplete)


def test_a_whole_message_is_read_like_a_stream() -> None:
    message = {
        "type": "message",
        "content": [{"type": "text", "text": "Hi"}, {"type": "tool_use", "id": "t", "name": "go", "input": {"a": 1}}],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    events, error = read(json.dumps(message).encode())
    assert error is None
    assert events == [TextDelta("Hi"), ToolCallDelta(0, "t", "go", '{"a": 1}'), Usage(1, 2), Finished("tool_calls")]
