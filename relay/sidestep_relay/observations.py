"""What really stood on a provider's wire, seen beside LiteLLM.

LiteLLM reports `finish_reason: "network_error"` as `stop`, ends a stream that was cut as if it were whole, and makes up
token counts. The relay therefore reads along and believes the wire. One reader per dialect, named as in the catalogue.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sidestep.errors import UnexpectedResponse
from sidestep_relay.frames import AmazonFrames, EventFrames, Frames

__all__ = ["Observation", "Observer"]


@dataclass(slots=True)
class Observation:
    """What was seen.

    Attributes:
        finish_reasons: by choice index, in the provider's own words; empty for dialects LiteLLM translates faithfully.
        usage: the last usage object, or None.
        error: an error object that came inside the answer, as it came, or None.
        total_tokens, asked_tokens: what the provider counted in all, and of the question, for dialects whose counts are
            not in OpenAI's form.
        is_finished: whether the provider said that the answer was whole.
        has_events: whether a stream had any event that can be read.
    """

    finish_reasons: dict[int, str] = field(default_factory=dict)
    usage: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    total_tokens: int | None = None
    asked_tokens: int = 0
    is_finished: bool = False
    has_events: bool = False


class Observer:
    """Reads an answer's body as it passes by. It never changes it and never fails."""

    def __init__(self, dialect: str, *, is_stream: bool) -> None:
        self.seen = Observation()
        self._read = _READERS[dialect]
        self._is_stream = is_stream
        self._frames = _FRAMES.get(dialect, EventFrames)()
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        """Read the next bytes."""
        if self._is_stream:
            try:
                self._read_events(self._frames.feed(data))
            except UnexpectedResponse:
                # Nothing more can be learned, and an unfinished answer is reported as such.
                self._is_stream = False
        else:
            self._body += data

    def finish(self) -> None:
        """Read what the end of the body completes."""
        self._read_events(self._frames.flush())
        if self._body:
            self._read(_parse(bytes(self._body)), self.seen)

    def _read_events(self, events: Iterable[str]) -> None:
        for text in events:
            if text.strip() == "[DONE]":
                self.seen.is_finished = self.seen.has_events = True
            elif parsed := _parse(text):
                self.seen.has_events = True
                self._read(parsed, self.seen)


def _parse(text: str | bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _read_openai(body: dict[str, Any], seen: Observation) -> None:
    """Read a `chat.completion` or a chunk of one (OpenAI API reference, *Chat*)."""
    _read_error(body, seen)
    if isinstance(body.get("usage"), dict):
        seen.usage = body["usage"]
    choices = body.get("choices")
    for choice in choices if isinstance(choices, list) else []:
        if isinstance(choice, dict) and choice.get("finish_reason"):
            index = choice.get("index")
            seen.finish_reasons[index if isinstance(index, int) else 0] = str(choice["finish_reason"])
            seen.is_finished = True


def _read_anthropic(body: dict[str, Any], seen: Observation) -> None:
    """Read a message or a stream event (Anthropic API reference, *Messages* and *Streaming*)."""
    _read_error(body, seen)
    message = body.get("message")
    _count_anthropic(message.get("usage") if isinstance(message, dict) else body.get("usage"), seen)
    delta = body.get("delta")
    reason = body.get("stop_reason") or (delta.get("stop_reason") if isinstance(delta, dict) else None)
    if reason or body.get("type") == "message_stop":
        seen.is_finished = True


def _count_anthropic(usage: Any, seen: Observation) -> None:
    """Add *usage* up: a stream gives the question's tokens at its start, and the answer's at its end."""
    if not isinstance(usage, dict):
        return
    # What the cache gave or took is counted beside the input.
    asked = [usage.get(name) for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")]
    answered = usage.get("output_tokens")
    if any(isinstance(count, int) and count for count in asked):
        seen.asked_tokens = sum(count for count in asked if isinstance(count, int))
    if isinstance(answered, int):
        seen.total_tokens = seen.asked_tokens + answered


def _read_converse(body: dict[str, Any], seen: Observation) -> None:
    """Read an answer or an event of a stream (Amazon Bedrock API reference, *Converse* and *ConverseStream*)."""
    _read_error(body, seen)
    usage = body.get("usage")
    total = usage.get("totalTokens") if isinstance(usage, dict) else None
    if isinstance(total, int):
        seen.total_tokens = total
    if body.get("stopReason"):
        seen.is_finished = True


def _read_error(body: dict[str, Any], seen: Observation) -> None:
    if body.get("error"):
        seen.error = body


_READERS: Mapping[str, Callable[[dict[str, Any], Observation], None]] = {
    "openai_chat": _read_openai,
    "anthropic": _read_anthropic,
    "bedrock_converse": _read_converse,
}
_FRAMES: Mapping[str, Callable[[], Frames]] = {"bedrock_converse": AmazonFrames}
