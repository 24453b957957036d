"""Gemini's native wire.

Sources: ai.google.dev, *GenerateContent*, *Function calling*, *Thinking*, *Thought signatures*. The key goes into the
header `x-goog-api-key`: any other header makes the preflight fail (measured, enricoros/big-AGI).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

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
    ToolCall,
    ToolCallDelta,
    Usage,
    WireRules,
)

__all__ = ["Gemini", "GeminiStream"]

_FINISHES: Mapping[str, str] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
_FAILED_FINISHES = frozenset({"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"})
_MODES: Mapping[str, str] = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
_BUDGETS: Mapping[str, int] = {
    "none": 0,
    "minimal": 512,
    "low": 1024,
    "medium": 8192,
    "high": 24_576,
    "max": 32_768,
}
"""Tokens; the wire counts where others use words."""


class Gemini:
    """The dialect."""

    def encode_chat(self, request: ChatRequest, endpoint: Endpoint, rules: WireRules) -> HttpRequest:
        """Return the chat call; the model stands in the address, not in the body."""
        method = "streamGenerateContent?alt=sse" if request.is_stream else "generateContent"
        system = [{"text": message.text} for message in request.messages if message.role == "system"]
        fields = {
            "contents": _join_turns([message for message in request.messages if message.role != "system"]),
            "systemInstruction": {"parts": system} if system else None,
            "generationConfig": keep_set(_encode_config(request, rules), rules.dropped) or None,
            "tools": _encode_tools(request),
            "toolConfig": _encode_tool_choice(request.tool_choice),
        }
        url = f"{endpoint.base_url}/models/{quote(request.model.removeprefix('models/'), safe='')}:{method}"
        return encode_json(url, endpoint.headers, {**keep_set(fields, rules.dropped), **request.extra})

    def open_stream(self, failures: FailureReader, rules: WireRules) -> GeminiStream:
        """Return a decoder for one streamed answer."""
        return GeminiStream(failures)

    def decode_answer(self, document: Mapping[str, Any], failures: FailureReader, rules: WireRules) -> Iterator[Event]:
        """Yield the events of an answer that came whole."""
        if "candidates" not in document and "promptFeedback" not in document:
            raise failures.read_document(document)
        stream = GeminiStream(failures)
        yield from stream.read_chunk(document)
        yield from stream.finish()

    def encode_models(self, endpoint: Endpoint, path: str) -> HttpRequest:
        """Return the call that lists models, all on one page."""
        return HttpRequest("GET", f"{endpoint.base_url}{path}?pageSize=1000", dict(endpoint.headers))

    def decode_models(self, document: Mapping[str, Any]) -> tuple[Model, ...]:
        """Return the models that generate content, without the `models/` before their names."""
        rows = (
            row | {"name": str(row.get("name") or "").removeprefix("models/")}
            for row in read_objects(document, "models")
            if not isinstance(methods := row.get("supportedGenerationMethods"), list) or "generateContent" in methods
        )
        return tuple(model for row in rows if (model := read_model(row, id_field="name")))


class GeminiStream(EventwiseDecoder):
    """Decodes one streamed answer. There is no `[DONE]`: a finish reason is the end."""

    is_done = False

    def __init__(self, failures: FailureReader) -> None:
        self._failures = failures
        self._finish_reason = ""
        self._usage: Usage | None = None
        self._call_count = 0

    @property
    def has_finish(self) -> bool:
        """Whether a finish reason has come."""
        return bool(self._finish_reason)

    def decode_event(self, event: ServerSentEvent) -> Iterator[Event]:
        """Yield what one `data:` line says."""
        yield from self.read_chunk(parse_event(event, self._failures))

    def finish(self) -> Iterator[Event]:
        """Yield usage and the reason of the end."""
        if self._usage:
            yield self._usage
        if not self._finish_reason:
            raise break_off(self._failures.who)
        has_calls = self._call_count and self._finish_reason == "stop"
        yield Finished("tool_calls" if has_calls else self._finish_reason)

    def read_chunk(self, chunk: Mapping[str, Any]) -> Iterator[Event]:
        """Yield what one chunk, or one whole answer, says.

        Raises:
            ResponseError: it holds an error, or the prompt was blocked.
        """
        if chunk.get("error"):
            raise self._failures.read_document(chunk)
        self._read_usage(chunk)
        for candidate in read_objects(chunk, "candidates"):
            for part in read_objects(read_object(candidate, "content"), "parts"):
                yield from self._read_part(part)
            self._read_finish(candidate)
        if reason := read_object(chunk, "promptFeedback").get("blockReason"):
            raise self._failures.build("content", f"the prompt was blocked: {reason}", status=200, code=str(reason))

    def _read_part(self, part: Mapping[str, Any]) -> Iterator[Event]:
        signature = str(part.get("thoughtSignature") or "")
        if call := read_object(part, "functionCall"):
            yield self._read_call(call, signature)
            return
        if isinstance(text := part.get("text"), str) and text:
            yield ReasoningDelta(text) if part.get("thought") else TextDelta(text)
        if signature:
            yield ReasoningSignature(signature)

    def _read_call(self, call: Mapping[str, Any], signature: str) -> ToolCallDelta:
        self._call_count += 1
        name = str(call.get("name") or "")
        # The wire numbers calls only sometimes; results are matched by name and order.
        identifier = str(call.get("id") or f"{name}-{self._call_count}")
        arguments = json.dumps(call.get("args") or {}, ensure_ascii=False)
        return ToolCallDelta(self._call_count - 1, identifier, name, arguments, signature)

    def _read_finish(self, candidate: Mapping[str, Any]) -> None:
        reason = candidate.get("finishReason")
        if not isinstance(reason, str) or not reason:
            return
        if reason in _FAILED_FINISHES:
            raise self._failures.build("server", "the model wrote a tool call that is none", status=200, code=reason)
        self._finish_reason = _FINISHES.get(reason, reason)

    def _read_usage(self, chunk: Mapping[str, Any]) -> None:
        usage = read_object(chunk, "usageMetadata")
        if usage:
            self._usage = Usage(
                input_tokens=read_count(usage.get("promptTokenCount")),
                output_tokens=read_count(usage.get("candidatesTokenCount")),
                reasoning_tokens=read_count(usage.get("thoughtsTokenCount")),
                cached_tokens=read_count(usage.get("cachedContentTokenCount")),
            )


def _encode_config(request: ChatRequest, rules: WireRules) -> dict[str, Any]:
    budget = request.reasoning_budget
    if budget is None:
        budget = _BUDGETS.get(request.reasoning_effort or "")
    return {
        "temperature": request.temperature,
        "topP": request.top_p,
        rules.max_tokens_field: request.max_tokens,
        "stopSequences": list(request.stop) or None,
        "seed": request.seed,
        "presencePenalty": request.presence_penalty,
        "frequencyPenalty": request.frequency_penalty,
        "responseMimeType": None if request.response_schema is None else "application/json",
        "responseJsonSchema": None if request.response_schema is None else dict(request.response_schema),
        "thinkingConfig": None if budget is None else {"thinkingBudget": budget, "includeThoughts": budget != 0},
    }


def _encode_tools(request: ChatRequest) -> list[dict[str, Any]] | None:
    declarations = [
        keep_set(
            {"name": tool.name, "description": tool.description or None, "parametersJsonSchema": dict(tool.parameters)}
        )
        for tool in request.tools
    ]
    return [{"functionDeclarations": declarations}] if declarations else None


def _encode_tool_choice(choice: str) -> dict[str, Any] | None:
    if not choice:
        return None
    config = {"mode": _MODES[choice]} if choice in _MODES else {"mode": "ANY", "allowedFunctionNames": [choice]}
    return {"functionCallingConfig": config}


def _join_turns(messages: list[Message]) -> list[dict[str, Any]]:
    """Return the turns with those of one side joined, and tool results under the name of the call they answer."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = "model" if message.role == "assistant" else "user"
        parts = _encode_parts(message, names)
        if turns and turns[-1]["role"] == role:
            turns[-1]["parts"] += parts
        elif parts:
            turns.append({"role": role, "parts": parts})
    return turns


def _encode_parts(message: Message, names: Mapping[str, str]) -> list[dict[str, Any]]:
    if message.role == "tool":
        name = names.get(message.tool_call_id, message.tool_call_id)
        return [{"functionResponse": {"name": name, "response": {"result": message.text}}}]
    parts: list[dict[str, Any]] = []
    for part in message.parts:
        if not isinstance(part, ReasoningPart):
            parts.append(_encode_part(part))
        elif part.signature:
            # Thoughts themselves are not taken back; their signature is, on an empty text.
            parts.append({"text": "", "thoughtSignature": part.signature})
    return [*parts, *(_encode_call(call) for call in message.tool_calls)]


def _encode_call(call: ToolCall) -> dict[str, Any]:
    signature = {"thoughtSignature": call.signature} if call.signature else {}
    return {"functionCall": {"name": call.name, "args": parse_arguments(call)}, **signature}


def _encode_part(part: Part) -> dict[str, Any]:
    if isinstance(part, ImagePart | FilePart):
        if (data := split_data_url(part.url)) is None:
            return {"fileData": {"fileUri": part.url}}
        return {"inlineData": {"mimeType": data[0], "data": data[1]}}
    return {"text": part.text}
