"""Builders for what providers put on the wire: server-sent events, OpenAI chunks, Anthropic events."""

import json
from collections.abc import Iterator
from typing import Any

DONE = b"data: [DONE]\n\n"


def write_event(data: Any, name: str | None = None) -> bytes:
    """Return one server-sent event: *data* as JSON, under `event: name` if given."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def write_line(data: Any) -> bytes:
    """Return *data* as one line of JSON, the way Ollama streams."""
    return f"{json.dumps(data, ensure_ascii=False)}\n".encode()


def write_chunk(
    delta: dict[str, Any] | None = None,
    *,
    finish_reason: str | None = None,
    usage: dict[str, Any] | None = None,
    model: str = "fake",
    choices: list[Any] | None = None,
    **extra: Any,
) -> bytes:
    """Return one OpenAI `chat.completion.chunk` event; *choices* replaces the single choice."""
    body: dict[str, Any] = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "model": model}
    body["created"] = 1_760_000_000
    body["choices"] = choices
    if choices is None:
        body["choices"] = [{"index": 0, "delta": delta or {}, "finish_reason": finish_reason}]
    if usage is not None:
        body["usage"] = usage
    return write_event({**body, **extra})


def make_usage(prompt: int = 7, completion: int = 5, **details: Any) -> dict[str, Any]:
    """Return a usage object in OpenAI's form, in tokens."""
    counts = {"prompt_tokens": prompt, "completion_tokens": completion}
    return {**counts, "total_tokens": prompt + completion, **details}


def split_words(text: str) -> list[str]:
    """Split *text* into pieces that together are *text*: one word with its trailing space each."""
    words = text.split(" ")
    return [word + " " for word in words[:-1]] + words[-1:]


def split_inside_characters(data: bytes) -> Iterator[bytes]:
    """Yield *data* in pieces such that every multi-byte UTF-8 character is cut in two."""
    start = 0
    for position, byte in enumerate(data):
        is_lead = byte >= 0xC0
        if is_lead:
            yield data[start : position + 1]
            start = position + 1
    yield data[start:]
