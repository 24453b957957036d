"""Answers of made-up providers, for tests without a network."""

from __future__ import annotations

import json
from typing import Any

from sidestep import Event, MockResponse, SidestepError
from sidestep.answers import AnswerReader
from sidestep.dialects import Dialect
from sidestep.dialects.failures import FailureReader

EVENT_STREAM = {"content-type": "text/event-stream"}


def read_answer(dialect: Dialect, failures: FailureReader, body: bytes) -> tuple[list[Event], SidestepError | None]:
    """Return the events of *body* and the error it ends with; what came before the error is kept."""
    reader = AnswerReader(dialect, failures)
    events: list[Event] = []
    try:
        events.extend(reader.feed(body))
        events.extend(reader.finish())
    except SidestepError as error:
        return events, error
    return events, None


def sse(*chunks: Any, done: bool = True) -> bytes:
    """Return *chunks* as an OpenAI-like stream."""
    lines = [f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n" for chunk in chunks]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def delta(text: str = "", *, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return one chunk of an OpenAI-like stream."""
    content = {"content": text} if text else {}
    return {"choices": [{"index": 0, "delta": content | fields, "finish_reason": finish}]}


def usage(input_tokens: int, output_tokens: int) -> dict[str, Any]:
    """Return the chunk that holds only usage."""
    return {"choices": [], "usage": {"prompt_tokens": input_tokens, "completion_tokens": output_tokens}}


def streamed(*chunks: Any) -> MockResponse:
    """Return a whole OpenAI-like answer in one piece."""
    return MockResponse(200, EVENT_STREAM, [sse(*chunks)])


def said(text: str) -> MockResponse:
    """Return a short, complete answer."""
    return streamed(delta(text), delta(finish="stop"), usage(3, 2))


def refused(status: int, body: Any, **headers: str) -> MockResponse:
    """Return a JSON answer with a failing status."""
    return MockResponse(status, {"content-type": "application/json", **headers}, [json.dumps(body).encode()])
