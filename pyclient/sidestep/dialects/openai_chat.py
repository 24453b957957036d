"""OpenAI's chat completions wire, and what others made of it.

Sources: OpenAI API reference, *Create chat completion* and *Streaming*; Z.ai's `reasoning_content`, `thinking` and
`finish_reason: "network_error"` (docs.z.ai, *Chat Completion*); OpenRouter's `reasoning` and `reasoning_details`
(openrouter.ai/docs, *Reasoning Tokens*); Mistral's thinking parts (docs.mistral.ai, *Reasoning*); Ollama's native lines
(docs.ollama.com, *Generate a chat message*).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sidestep.dialects._base import (
    break_off,
    encode_json,
    keep_set,
    parse_event,
    read_count,
    read_object,
    read_objects,
)
from sidestep.dialects._models import read_model
from sidestep.dialects._text_patterns import TextPattern
from sidestep.dialects._thinking import ThinkTagSplitter
from sidestep.dialects.failures import FailureReader, parse_json_object
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
    TextPart,
    ToolCallDelta,
    Usage,
    WireRules,
)

__all__ = ["REASONING_CONTROLS", "OpenAIChat", "OpenAIChatStream"]

_DONE = "[DONE]"
_REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")
_FAILED_FINISHES: Mapping[str, str] = {
    "network_error": "it lost the connection to the model",
    "error": "the model stopped with an error",
    "insufficient_system_resource": "it ran out of room for the model",
}
_FINISHES: Mapping[str, str] = {
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "complete": "stop",
    "stop": "stop",
    "max_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "function_call": "tool_calls",
    "sensitive": "content_filter",
}
"""Providers' words, in lower case, for what has one of ours."""
_DETAILS = "reasoning_details"
_PLAIN = frozenset({"role", "content"})
_BLOCKS = "thinking_blocks"
"""Anthropic's reasoning as LiteLLM hands it on: what a relay answers for a model of theirs."""


class OpenAIChat:
    """The dialect."""

    def encode_chat(self, request: ChatRequest, endpoint: Endpoint, rules: WireRules) -> HttpRequest:
        """Return the chat call; what the provider refuses is left out as *rules* say."""
        fields = {
            "model": request.model,
            "messages": [_encode_message(message, rules) for message in request.messages],
            "stream": True if request.is_stream else None,
            "stream_options": {"include_usage": True} if request.is_stream and rules.has_stream_options else None,
            "temperature": request.temperature,
            "top_p": request.top_p,
            rules.max_tokens_field: request.max_tokens,
            "stop": list(request.stop) or None,
            "seed": request.seed,
            "presence_penalty": request.presence_penalty,
            "frequency_penalty": request.frequency_penalty,
            "tools": [_encode_tool(tool.name, tool.description, tool.parameters) for tool in request.tools] or None,
            "tool_choice": _encode_tool_choice(request.tool_choice),
            "response_format": _encode_schema(request.response_schema),
            **REASONING_CONTROLS[rules.reasoning_control](request),
        }
        return encode_json(
            f"{endpoint.base_url}/chat/completions",
            endpoint.headers,
            {**keep_set(fields, rules.dropped), **request.extra},
        )

    def open_stream(self, failures: FailureReader, rules: WireRules) -> OpenAIChatStream:
        """Return a decoder for one streamed answer."""
        return OpenAIChatStream(failures, rules)

    def decode_answer(self, document: Mapping[str, Any], failures: FailureReader, rules: WireRules) -> Iterator[Event]:
        """Yield the events of an answer that came whole."""
        is_answer = isinstance(document.get("choices"), list) or isinstance(document.get("message"), dict)
        if document.get("error") or not is_answer:
            raise failures.read_document(document)
        stream = OpenAIChatStream(failures, rules)
        yield from stream.read_chunk(document)
        yield from stream.finish()

    def encode_models(self, endpoint: Endpoint, path: str) -> HttpRequest:
        """Return the call that lists models."""
        return HttpRequest("GET", f"{endpoint.base_url}{path}", dict(endpoint.headers))

    def decode_models(self, document: Mapping[str, Any]) -> tuple[Model, ...]:
        """Return the models of `{"data": [{"id"}]}`, or of the bare list that some send as `models`."""
        rows = read_objects(document, "data") or read_objects(document, "models")
        return tuple(model for row in rows if (model := read_model(row)))


class OpenAIChatStream:
    """Decodes one streamed answer."""

    def __init__(self, failures: FailureReader, rules: WireRules) -> None:
        self._failures = failures
        self._finish_reason = ""
        self._usage: Usage | None = None
        self._is_done = False
        self._calls = _CallTracker()
        self._details: list[dict[str, Any]] = []
        self._keeps_details = rules.reasoning_return == _DETAILS
        self._splitter = ThinkTagSplitter() if rules.has_think_tags else None
        self._pattern = TextPattern()

    @property
    def is_done(self) -> bool:
        """Whether `[DONE]` has come."""
        return self._is_done

    @property
    def has_finish(self) -> bool:
        """Whether a finish reason has come; usage may still follow it."""
        return bool(self._finish_reason)

    def decode(self, events: Iterable[ServerSentEvent]) -> Iterator[Event]:
        """Yield what *events* say, up to `[DONE]`."""
        texts: list[str] = []
        for event in events:
            # What comes after the end is not read, so it must not matter how much of it is in the same piece.
            if self._is_done:
                break
            # Nearly every piece is text and nothing else: the short way for those, since this is where time goes.
            if text := self._pattern.find(event.data):
                texts.append(text)
                continue
            if texts:
                yield from self._say("".join(texts))
                texts.clear()
            yield from self._decode_event(event)
        if texts:
            yield from self._say("".join(texts))

    def _decode_event(self, event: ServerSentEvent) -> Iterator[Event]:
        if event.data.strip() == _DONE:
            self._is_done = True
            return
        document = parse_event(event, self._failures)
        if event.event == "error" and "choices" not in document:
            raise self._failures.read_document(document)
        if text := _find_plain_text(document):
            self._pattern.learn(event.data, text)
            yield from self._say(text)
        else:
            yield from self.read_chunk(document)

    def finish(self) -> Iterator[Event]:
        """Yield what was held back, usage, and the reason of the end."""
        if self._splitter:
            yield from self._splitter.flush()
        if self._details:
            yield ReasoningSignature(json.dumps(self._details, ensure_ascii=False))
        if self._usage:
            yield self._usage
        if not self._finish_reason and not self._is_done:
            raise break_off(self._failures.who)
        yield Finished(self._finish_reason or "unknown")

    def read_chunk(self, chunk: Mapping[str, Any]) -> Iterator[Event]:
        """Yield what one chunk, or one whole answer, says.

        Raises:
            ResponseError: it holds an error, or a finish that means failure.
        """
        if isinstance(chunk.get("message"), dict) and "choices" not in chunk:
            chunk = _read_ollama(chunk)
        self._usage = _read_usage(chunk) or self._usage
        choices = read_objects(chunk, "choices")
        # OpenRouter says it beside choices, or in one; their finish is then `error` too and knows less.
        failed = next((row for row in (chunk, *choices) if row.get("error")), None)
        for choice in choices:
            yield from self._read_message(read_object(choice, "delta") or read_object(choice, "message"))
            if not failed:
                self._read_finish(choice.get("finish_reason"))
        if failed:
            raise self._failures.read_document(failed)

    def _say(self, text: str) -> Iterable[TextDelta | ReasoningDelta]:
        return self._splitter.feed(text) if self._splitter else (TextDelta(text),)

    def _read_finish(self, reason: Any) -> None:
        if not isinstance(reason, str) or not reason:
            return
        if words := _FAILED_FINISHES.get(reason.lower()):
            raise self._failures.build("server", words, status=200, code=reason)
        self._finish_reason = _FINISHES.get(reason.lower(), reason)

    def _read_message(self, message: Mapping[str, Any]) -> Iterator[Event]:
        # One piece can stand under two names at once (OpenRouter); the first one that is there counts.
        reasoning = next((message[name] for name in _REASONING_FIELDS if message.get(name)), None)
        if isinstance(reasoning, str):
            yield ReasoningDelta(reasoning)
        for block in read_objects(message, _BLOCKS):
            if signature := block.get("signature") or block.get("data"):
                yield ReasoningSignature(str(signature), is_redacted="data" in block)
        if self._keeps_details:
            self._details = _merge_details(self._details, read_objects(message, _DETAILS))
        for text in _read_content(message):
            if isinstance(text, TextDelta):
                yield from self._say(text.text)
            else:
                yield text
        for call in read_objects(message, "tool_calls"):
            yield self._calls.read(call)


@dataclass(slots=True)
class _OpenCall:
    """What has come of one tool call."""

    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return parse_json_object("".join(self.pieces)) is not None


class _CallTracker:
    """Tells which call each piece belongs to, also where the provider does not, and numbers calls as they come."""

    def __init__(self) -> None:
        self._calls: list[_OpenCall] = []
        self._by_index: dict[int, int] = {}
        self._by_id: dict[str, int] = {}

    def read(self, call: Mapping[str, Any]) -> ToolCallDelta:
        function = read_object(call, "function")
        identifier, name = str(call.get("id") or ""), str(function.get("name") or "")
        index = read_count(call.get("index"))
        position = self._find(index, identifier, name)
        if position is None:
            position = len(self._calls)
            self._calls.append(_OpenCall())
        if index is not None:
            self._by_index[index] = position
        if identifier:
            self._by_id.setdefault(identifier, position)
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            # Ollama sends the object itself.
            arguments = json.dumps(arguments, ensure_ascii=False)
        return self._extend(position, identifier, name, str(arguments or ""))

    def _extend(self, position: int, identifier: str, name: str, arguments: str) -> ToolCallDelta:
        known = self._calls[position]
        # Id and name are said once, also where the provider repeats them in every piece.
        piece = ToolCallDelta(position, "" if known.id else identifier, "" if known.name else name, arguments)
        known.id, known.name = known.id or identifier, known.name or name
        known.pieces.append(arguments)
        return piece

    def _find(self, index: int | None, identifier: str, name: str) -> int | None:
        """Return the call that a piece goes on with, or None if it opens one."""
        position = self._by_id.get(identifier)
        if position is None and index is not None:
            position = self._by_index.get(index)
            # Some send every call under index 0; an id and a name that differ mean another call.
            if position is not None and identifier and name and self._calls[position].id:
                return None
        if position is not None or identifier or name or not self._calls:
            return position
        if index is None:
            return len(self._calls) - 1
        # vLLM can send the closing brace under the next index, without an id.
        unfinished = [at for at, call in enumerate(self._calls) if not call.is_whole]
        return unfinished[0] if len(unfinished) == 1 else None


def _encode_message(message: Message, rules: WireRules) -> dict[str, Any]:
    encoded: dict[str, Any] = {"role": message.role, "content": _encode_content(message.parts)}
    if message.tool_call_id:
        encoded["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        encoded["content"] = encoded["content"] or None
        encoded["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
            for call in message.tool_calls
        ]
    return encoded | _encode_reasoning(message, rules)


def _encode_reasoning(message: Message, rules: WireRules) -> dict[str, Any]:
    parts = [part for part in message.parts if isinstance(part, ReasoningPart)]
    if not parts or not rules.reasoning_return:
        return {}
    if rules.reasoning_return == _BLOCKS:
        blocks = [_encode_block(part) for part in parts if part.signature]
        return {_BLOCKS: blocks} if blocks else {}
    if rules.reasoning_return == _DETAILS:
        details = [row for part in parts if part.signature for row in _parse_details(part.signature)]
        return {_DETAILS: details} if details else {}
    return {rules.reasoning_return: "".join(part.text for part in parts)}


def _encode_block(part: ReasoningPart) -> dict[str, Any]:
    if part.is_redacted:
        return {"type": "redacted_thinking", "data": part.signature}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _parse_details(signature: str) -> list[Any]:
    try:
        details = json.loads(signature)
    except ValueError:
        # Another provider's signature, in a conversation that changed providers.
        return []
    return details if isinstance(details, list) else []


def _encode_content(parts: tuple[Part, ...]) -> str | list[dict[str, Any]]:
    shown = [part for part in parts if not isinstance(part, ReasoningPart)]
    if all(isinstance(part, TextPart) for part in shown):
        return "".join(part.text for part in shown if isinstance(part, TextPart))
    return [_encode_part(part) for part in shown]


def _encode_part(part: Part) -> dict[str, Any]:
    match part:
        case ImagePart(url):
            return {"type": "image_url", "image_url": {"url": url}}
        case FilePart(name, url):
            return {"type": "file", "file": {"filename": name, "file_data": url}}
        case _:
            return {"type": "text", "text": part.text}


def _encode_tool(name: str, description: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    described = {"description": description} if description else {}
    return {"type": "function", "function": {"name": name, **described, "parameters": dict(parameters)}}


def _encode_tool_choice(choice: str) -> str | dict[str, Any] | None:
    if choice in {"", "auto", "none", "required"}:
        return choice or None
    return {"type": "function", "function": {"name": choice}}


def _encode_schema(schema: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if schema is None:
        return None
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema), "strict": True}}


def _say_effort(request: ChatRequest) -> dict[str, Any]:
    return {"reasoning_effort": request.reasoning_effort}


def _say_thinking(request: ChatRequest) -> dict[str, Any]:
    if request.reasoning_effort is None:
        return {}
    if request.reasoning_effort == "none":
        return {"thinking": {"type": "disabled"}}
    return {"thinking": {"type": "enabled"}, "reasoning_effort": request.reasoning_effort}


def _say_enable_thinking(request: ChatRequest) -> dict[str, Any]:
    effort, budget = request.reasoning_effort, request.reasoning_budget
    is_enabled = None if effort is None and budget is None else effort != "none"
    return {"enable_thinking": is_enabled, "thinking_budget": budget}


def _say_reasoning(request: ChatRequest) -> dict[str, Any]:
    control = keep_set({"effort": request.reasoning_effort, "max_tokens": request.reasoning_budget})
    if control.get("effort") == "none":
        return {"reasoning": {"enabled": False}}
    # The two exclude each other on this wire.
    if "max_tokens" in control:
        control.pop("effort", None)
    return {"reasoning": control or None}


REASONING_CONTROLS: Mapping[str, Callable[[ChatRequest], dict[str, Any]]] = MappingProxyType(
    {
        "": lambda _: {},
        "reasoning_effort": _say_effort,
        "thinking": _say_thinking,
        "enable_thinking": _say_enable_thinking,
        "reasoning": _say_reasoning,
    }
)
"""How the effort of reasoning is said, by the name that the catalogue uses."""


def _find_plain_text(chunk: Mapping[str, Any]) -> str:
    """Return the text of a chunk that says nothing else; empty for any other."""
    choices = chunk.get("choices")
    if chunk.get("usage") or chunk.get("error") or "x_groq" in chunk or not isinstance(choices, list):
        return ""
    choice = choices[0] if len(choices) == 1 else None
    if not isinstance(choice, dict) or choice.get("finish_reason") or choice.get("error"):
        return ""
    delta = choice.get("delta")
    text = delta.get("content") if isinstance(delta, dict) and delta.keys() <= _PLAIN else None
    return text if isinstance(text, str) else ""


def _read_content(message: Mapping[str, Any]) -> Iterator[TextDelta | ReasoningDelta]:
    content = message.get("content")
    if isinstance(content, str) and content:
        yield TextDelta(content)
    for part in read_objects(message, "content"):
        # Mistral: reasoning stands among the parts of the content, in parts of its own.
        thoughts = read_objects(part, "thinking")
        yield from (ReasoningDelta(row["text"]) for row in thoughts if _has_text(row))
        if not thoughts and _has_text(part):
            yield TextDelta(part["text"])
    if isinstance(refusal := message.get("refusal"), str) and refusal:
        yield TextDelta(refusal)


def _has_text(part: Mapping[str, Any]) -> bool:
    return isinstance(part.get("text"), str) and bool(part["text"])


def _read_usage(chunk: Mapping[str, Any]) -> Usage | None:
    usage = read_object(chunk, "usage") or read_object(read_object(chunk, "x_groq"), "usage")
    if not usage:
        return None
    return Usage(
        input_tokens=read_count(usage.get("prompt_tokens")),
        output_tokens=read_count(usage.get("completion_tokens")),
        reasoning_tokens=read_count(read_object(usage, "completion_tokens_details").get("reasoning_tokens")),
        cached_tokens=read_count(read_object(usage, "prompt_tokens_details").get("cached_tokens")),
    )


def _read_ollama(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of Ollama's native stream as a chunk of this wire."""
    reason = (line.get("done_reason") or "stop") if line.get("done") else None
    counts = {"prompt_tokens": line.get("prompt_eval_count"), "completion_tokens": line.get("eval_count")}
    return {
        "choices": [{"delta": line["message"], "finish_reason": reason}],
        "usage": counts if line.get("done") else None,
        "error": line.get("error"),
    }


def _merge_details(known: list[dict[str, Any]], arrived: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return OpenRouter's reasoning details with the pieces of one detail joined."""
    merged = list(known)
    for piece in arrived:
        last = merged[-1] if merged else {}
        if (last.get("type"), last.get("index")) != (piece.get("type"), piece.get("index")):
            merged.append(dict(piece))
            continue
        for name, value in piece.items():
            is_text = name in {"text", "summary", "data"} and isinstance(last.get(name), str) and isinstance(value, str)
            last[name] = last[name] + value if is_text else (last.get(name) if value is None else value)
    return merged
