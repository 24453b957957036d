"""Anthropic's messages wire.

Sources: docs.claude.com, *Messages*, *Streaming Messages*, *Extended thinking*, *Tool use*. Unknown events and block
types are read past, as those pages ask of clients.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sidestep.dialects._base import (
    EventwiseDecoder,
    break_off,
    encode_json,
    keep_set,
    parse_arguments,
    parse_event,
    read_count,
    read_object,
    read_objects,
    split_data_url,
)
from sidestep.dialects._models import read_model
from sidestep.dialects.failures import FailureReader
from sidestep.sse import ServerSentEvent
from sidestep.types import (
    ChatRequest,
    Endpoint,
    Event,
    FilePart,
    Finished,
    HttpRequest,
    ImagePart,
    Message,
    Model,
    Part,
    ReasoningDelta,
    ReasoningPart,
    ReasoningSignature,
    TextDelta,
    ToolCallDelta,
    Usage,
    WireRules,
)

__all__ = ["Anthropic", "AnthropicStream"]

_FINISHES: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_TOOL_CHOICES: Mapping[str, dict[str, str]] = {
    "auto": {"type": "auto"},
    "none": {"type": "none"},
    "required": {"type": "any"},
}
_ADAPTIVE, _ADAPTIVE_ONLY = "adaptive", "adaptive_only"
"""Names of `WireRules.reasoning_control` under which effort is a word; under the second a budget is refused."""
_EFFORTS: Mapping[str, str] = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "max": "max"}
_BUDGETS: Mapping[str, int] = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 24_576, "max": 32_768}
"""Tokens; the older form of the wire counts where others use words."""
_LEAST_ROOM, _USUAL_ROOM = 2048, 8192
"""Tokens for the answer itself, beside a budget for thinking."""
_INPUTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


class Anthropic:
    """The dialect."""

    def encode_chat(self, request: ChatRequest, endpoint: Endpoint, rules: WireRules) -> HttpRequest:
        """Return the chat call. The wire demands a limit on tokens, and knows no `seed` and no penalties."""
        system = "\n\n".join(message.text for message in request.messages if message.role == "system")
        budget = _choose_budget(request, rules)
        effort = None if budget else _choose_effort(request, rules)
        fields = {
            "model": request.model,
            "messages": _join_turns([message for message in request.messages if message.role != "system"]),
            rules.max_tokens_field: _choose_limit(request, rules, budget or 0),
            "system": system or None,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "stop_sequences": list(request.stop) or None,
            "tools": [
                keep_set(
                    {"name": tool.name, "description": tool.description or None, "input_schema": dict(tool.parameters)}
                )
                for tool in request.tools
            ]
            or None,
            "tool_choice": _encode_tool_choice(request.tool_choice),
            "thinking": _encode_thinking(budget, effort),
            "output_config": keep_set({"effort": effort, "format": _encode_schema(request.response_schema)}) or None,
            "stream": True if request.is_stream else None,
        }
        body = {**keep_set(fields, rules.dropped), **request.extra}
        return encode_json(f"{endpoint.base_url}/messages", endpoint.headers, body)

    def open_stream(self, failures: FailureReader, rules: WireRules) -> AnthropicStream:
        """Return a decoder for one streamed answer."""
        return AnthropicStream(failures)

    def decode_answer(self, document: Mapping[str, Any], failures: FailureReader, rules: WireRules) -> Iterator[Event]:
        """Yield the events of an answer that came whole."""
        if document.get("type") != "message":
            raise failures.read_document(document)
        stream = AnthropicStream(failures)
        for block in read_objects(document, "content"):
            yield from stream.read_block(block)
        stream.read_end(document)
        yield from stream.finish()

    def encode_models(self, endpoint: Endpoint, path: str) -> HttpRequest:
        """Return the call that lists models, all on one page."""
        return HttpRequest("GET", f"{endpoint.base_url}{path}?limit=1000", dict(endpoint.headers))

    def decode_models(self, document: Mapping[str, Any]) -> tuple[Model, ...]:
        """Return the models of `{"data": [{"id", "display_name"}]}`."""
        return tuple(model for row in read_objects(document, "data") if (model := read_model(row)))


class AnthropicStream(EventwiseDecoder):
    """Decodes one streamed answer."""

    def __init__(self, failures: FailureReader) -> None:
        self._failures = failures
        self._finish_reason = ""
        self._counts: dict[str, int] = {}
        self._is_done = False
        self._calls: dict[int, int] = {}

    @property
    def is_done(self) -> bool:
        """Whether `message_stop` has come."""
        return self._is_done

    @property
    def has_finish(self) -> bool:
        """Whether a stop reason has come."""
        return bool(self._finish_reason)

    def decode_event(self, event: ServerSentEvent) -> Iterator[Event]:
        """Yield what one named event says."""
        document = parse_event(event, self._failures)
        position = read_count(document.get("index")) or 0
        match document.get("type") or event.event:
            case "error":
                raise self._failures.read_document(document)
            case "" if document.get("error"):
                # A proxy's error, without this wire's envelope.
                raise self._failures.read_document(document)
            case "message_start":
                self._read_usage(read_object(document, "message"))
            case "content_block_start":
                yield from self.read_block(read_object(document, "content_block"), position)
            case "content_block_delta":
                yield from self._read_delta(read_object(document, "delta"), position)
            case "message_delta":
                self.read_end(read_object(document, "delta") | {"usage": document.get("usage")})
            case "message_stop":
                self._is_done = True

    def finish(self) -> Iterator[Event]:
        """Yield usage and the reason of the end."""
        if (usage := self._sum_up()) != Usage():
            yield usage
        if not self._finish_reason and not self._is_done:
            raise break_off(self._failures.who)
        yield Finished(self._finish_reason or "unknown")

    def read_block(self, block: Mapping[str, Any], position: int | None = None) -> Iterator[Event]:
        """Yield what a content block says when it opens, or as a whole."""
        match block.get("type"):
            case "tool_use":
                yield self._open_call(block, position)
            case "redacted_thinking":
                yield ReasoningSignature(str(block.get("data") or ""), is_redacted=True)
            case _:
                yield from self._read_delta(block, position or 0)

    def read_end(self, delta: Mapping[str, Any]) -> None:
        """Take the reason of the end, and the usage, which is cumulative."""
        if isinstance(reason := delta.get("stop_reason"), str) and reason:
            self._finish_reason = _FINISHES.get(reason, reason)
        self._read_usage(delta)

    def _open_call(self, block: Mapping[str, Any], position: int | None) -> ToolCallDelta:
        index = len(self._calls)
        self._calls[index if position is None else position] = index
        arguments = json.dumps(block["input"], ensure_ascii=False) if block.get("input") else ""
        return ToolCallDelta(index, str(block.get("id") or ""), str(block.get("name") or ""), arguments)

    def _read_delta(self, delta: Mapping[str, Any], position: int) -> Iterator[Event]:
        if text := delta.get("text"):
            yield TextDelta(str(text))
        if thinking := delta.get("thinking"):
            yield ReasoningDelta(str(thinking))
        if signature := delta.get("signature"):
            yield ReasoningSignature(str(signature))
        if (piece := delta.get("partial_json")) and position in self._calls:
            yield ToolCallDelta(self._calls[position], "", "", str(piece))

    def _read_usage(self, holder: Mapping[str, Any]) -> None:
        """Take the counts: each is cumulative, so the last one said of each is the whole."""
        for name, count in read_object(holder, "usage").items():
            if (tokens := read_count(count)) is not None:
                self._counts[name] = tokens

    def _sum_up(self) -> Usage:
        # This wire counts what came from the cache and what went into it apart; every other one counts it in.
        inputs = [self._counts[name] for name in _INPUTS if name in self._counts]
        return Usage(
            input_tokens=sum(inputs) if inputs else None,
            output_tokens=self._counts.get("output_tokens"),
            cached_tokens=self._counts.get("cache_read_input_tokens"),
        )


def _choose_limit(request: ChatRequest, rules: WireRules, budget: int) -> int:
    """Return the limit on tokens, which covers the thinking too."""
    if request.max_tokens:
        return request.max_tokens + budget
    # A default can be the most that the model makes, so it is left only where a budget would leave no answer.
    has_room = rules.default_max_tokens - budget >= _LEAST_ROOM
    return rules.default_max_tokens if has_room else budget + _USUAL_ROOM


def _choose_budget(request: ChatRequest, rules: WireRules) -> int | None:
    if rules.reasoning_control == _ADAPTIVE_ONLY:
        return None
    if request.reasoning_budget is not None:
        return request.reasoning_budget or None
    return None if rules.reasoning_control == _ADAPTIVE else _BUDGETS.get(request.reasoning_effort or "")


def _choose_effort(request: ChatRequest, rules: WireRules) -> str | None:
    """Return the effort as a word; a budget as the least effort that may take as much."""
    if rules.reasoning_control not in (_ADAPTIVE, _ADAPTIVE_ONLY):
        return None
    budget = request.reasoning_budget
    if not budget:
        return _EFFORTS.get(request.reasoning_effort or "")
    return next((_EFFORTS[word] for word, most in _BUDGETS.items() if budget <= most), "max")


def _encode_thinking(budget: int | None, effort: str | None) -> dict[str, Any] | None:
    """Return how long to think: the form with a budget, or the newer one (docs.claude.com, *Adaptive thinking*)."""
    if budget:
        return {"type": "enabled", "budget_tokens": budget}
    # The newest models leave their thoughts out unless they are asked for.
    return {"type": _ADAPTIVE, "display": "summarized"} if effort else None


def _join_turns(messages: list[Message]) -> list[dict[str, Any]]:
    """Return the turns with those of one side joined: the results of several tools must stand in one turn."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        role, blocks = ("assistant" if message.role == "assistant" else "user"), _encode_blocks(message)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            # An empty turn (an answer stopped before its first word) is refused by the API.
            turns.append({"role": role, "content": blocks})
    return turns


def _encode_blocks(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        content = [_encode_part(part) for part in message.parts]
        return [{"type": "tool_result", "tool_use_id": message.tool_call_id, "content": content}]
    # Reasoning that no signature vouches for is refused.
    parts = [part for part in message.parts if not isinstance(part, ReasoningPart) or part.signature]
    calls = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": parse_arguments(call)}
        for call in message.tool_calls
    ]
    return [*(_encode_part(part) for part in parts), *calls]


def _encode_part(part: Part) -> dict[str, Any]:
    match part:
        case ImagePart(url):
            return {"type": "image", "source": _encode_source(url)}
        case FilePart(name, url):
            return {"type": "document", "title": name, "source": _encode_source(url)}
        case ReasoningPart(_, signature, is_redacted=True):
            return {"type": "redacted_thinking", "data": signature}
        case ReasoningPart(text, signature):
            return {"type": "thinking", "thinking": text, "signature": signature}
        case _:
            return {"type": "text", "text": part.text}


def _encode_source(url: str) -> dict[str, Any]:
    if (data := split_data_url(url)) is None:
        return {"type": "url", "url": url}
    return {"type": "base64", "media_type": data[0], "data": data[1]}


def _encode_tool_choice(choice: str) -> dict[str, str] | None:
    return _TOOL_CHOICES.get(choice, {"type": "tool", "name": choice}) if choice else None


def _encode_schema(schema: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if schema is None else {"type": "json_schema", "schema": dict(schema)}
