"""OpenAI's responses wire.

Source: OpenAI API reference, *Create a model response* and *Streaming events*. Nothing is stored at the provider:
reasoning comes encrypted and goes back as it came.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sidestep.dialects._base import (
    EventwiseDecoder,
    break_off,
    encode_json,
    keep_set,
    parse_event,
    read_count,
    read_object,
    read_objects,
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

__all__ = ["OpenAIResponses", "OpenAIResponsesStream"]

_SPOKEN: Mapping[str, tuple[str, type[TextDelta] | type[ReasoningDelta]]] = {
    "response.output_text": ("content", TextDelta),
    "response.refusal": ("content", TextDelta),
    "response.reasoning_text": ("content", ReasoningDelta),
    "response.reasoning_summary_text": ("summary", ReasoningDelta),
}
"""Events that come as `.delta` and then, whole, as `.done`: the list of the item that they fill, and what it is."""
_ARGUMENTS = "response.function_call_arguments"
_ENDS = frozenset({"response.completed", "response.incomplete"})
_FAILURES = frozenset({"error", "response.failed"})


class OpenAIResponses:
    """The dialect."""

    def encode_chat(self, request: ChatRequest, endpoint: Endpoint, rules: WireRules) -> HttpRequest:
        """Return the call. The wire knows no `stop`, no `seed` and no penalties."""
        instructions = "\n\n".join(message.text for message in request.messages if message.role == "system")
        turns = [message for message in request.messages if message.role != "system"]
        fields = {
            "model": request.model,
            "instructions": instructions or None,
            "input": [item for message in turns for item in _encode_items(message)],
            "stream": True if request.is_stream else None,
            "store": False,
            "include": ["reasoning.encrypted_content"],
            "temperature": request.temperature,
            "top_p": request.top_p,
            "max_output_tokens": request.max_tokens,
            "tools": [
                {
                    "type": "function",
                    "name": tool.name,
                    **({"description": tool.description} if tool.description else {}),
                    "parameters": dict(tool.parameters),
                    "strict": False,
                }
                for tool in request.tools
            ]
            or None,
            "tool_choice": _encode_tool_choice(request.tool_choice),
            "text": _encode_schema(request.response_schema),
            "reasoning": _encode_effort(request),
        }
        body = {**keep_set(fields, rules.dropped), **request.extra}
        return encode_json(f"{endpoint.base_url}/responses", endpoint.headers, body)

    def open_stream(self, failures: FailureReader, rules: WireRules) -> OpenAIResponsesStream:
        """Return a decoder for one streamed answer."""
        return OpenAIResponsesStream(failures)

    def decode_answer(self, document: Mapping[str, Any], failures: FailureReader, rules: WireRules) -> Iterator[Event]:
        """Yield the events of an answer that came whole."""
        if document.get("object") != "response" or document.get("status") == "failed":
            raise failures.read_document(document)
        stream = OpenAIResponsesStream(failures)
        for position, item in enumerate(read_objects(document, "output")):
            yield from stream.read_whole_item(item, position)
        stream.read_end(document)
        yield from stream.finish()

    def encode_models(self, endpoint: Endpoint, path: str) -> HttpRequest:
        """Return the call that lists models."""
        return HttpRequest("GET", f"{endpoint.base_url}{path}", dict(endpoint.headers))

    def decode_models(self, document: Mapping[str, Any]) -> tuple[Model, ...]:
        """Return the models of `{"data": [{"id"}]}`."""
        return tuple(model for row in read_objects(document, "data") if (model := read_model(row)))


class OpenAIResponsesStream(EventwiseDecoder):
    """Decodes one streamed answer."""

    def __init__(self, failures: FailureReader) -> None:
        self._failures = failures
        self._finish_reason = ""
        self._usage: Usage | None = None
        self._calls: dict[int, int] = {}
        self._call_count = 0
        self._streamed: set[tuple[str, int, int]] = set()

    @property
    def is_done(self) -> bool:
        """Whether the response has ended; the wire's own last event."""
        return bool(self._finish_reason)

    @property
    def has_finish(self) -> bool:
        """Whether the response has ended."""
        return bool(self._finish_reason)

    def decode_event(self, event: ServerSentEvent) -> Iterator[Event]:
        """Yield what one named event says; unknown names are read past."""
        if event.data.strip() == "[DONE]":
            return
        document = parse_event(event, self._failures)
        name = str(document.get("type") or event.event)
        position = read_count(document.get("output_index")) or 0
        subject, _, verb = name.rpartition(".")
        if subject in _SPOKEN or subject == _ARGUMENTS:
            yield from self._read_piece(subject, verb, document, position)
        elif name == "response.output_item.added":
            yield from self._open_item(read_object(document, "item"), position)
        elif name == "response.output_item.done":
            yield from self.read_whole_item(read_object(document, "item"), position)
        elif name in _ENDS:
            self.read_end(read_object(document, "response"))
        elif name in _FAILURES or (not name and document.get("error")):
            raise self._failures.read_document(read_object(document, "response") or document)

    def finish(self) -> Iterator[Event]:
        """Yield usage and the reason of the end."""
        if self._usage:
            yield self._usage
        if not self._finish_reason:
            raise break_off(self._failures.who)
        yield Finished(self._finish_reason)

    def read_whole_item(self, item: Mapping[str, Any], position: int) -> Iterator[Event]:
        """Yield what an item says that was not streamed before."""
        kind = ReasoningDelta if item.get("type") == "reasoning" else TextDelta
        for place in ("summary", "content"):
            for index, part in enumerate(read_objects(item, place)):
                yield from self._say(kind, (place, position, index), part, is_whole=True)
        if position not in self._calls:
            yield from self._open_item(item, position)
        if item.get("type") == "function_call":
            # A server that sends no pieces sends the whole.
            yield from self._read_arguments(position, item, is_whole=True)
        if item.get("type") == "reasoning" and item.get("encrypted_content"):
            yield ReasoningSignature(str(item["encrypted_content"]), id=str(item.get("id") or ""))

    def read_end(self, response: Mapping[str, Any]) -> None:
        """Take the reason of the end, and the usage."""
        reason = read_object(response, "incomplete_details").get("reason")
        reasons = {"max_output_tokens": "length"}
        self._finish_reason = reasons.get(str(reason), str(reason)) if reason else self._name_end()
        if usage := read_object(response, "usage"):
            self._usage = Usage(
                input_tokens=read_count(usage.get("input_tokens")),
                output_tokens=read_count(usage.get("output_tokens")),
                reasoning_tokens=read_count(read_object(usage, "output_tokens_details").get("reasoning_tokens")),
                cached_tokens=read_count(read_object(usage, "input_tokens_details").get("cached_tokens")),
            )

    def _name_end(self) -> str:
        return "tool_calls" if self._calls else "stop"

    def _read_piece(self, subject: str, verb: str, document: Mapping[str, Any], position: int) -> Iterator[Event]:
        if verb not in {"delta", "done"}:
            return
        if subject == _ARGUMENTS:
            yield from self._read_arguments(position, document, is_whole=verb == "done")
            return
        place, kind = _SPOKEN[subject]
        index = read_count(document.get("summary_index" if place == "summary" else "content_index")) or 0
        yield from self._say(kind, (place, position, index), document, is_whole=verb == "done")

    def _say(
        self,
        kind: type[TextDelta] | type[ReasoningDelta],
        where: tuple[str, int, int],
        piece: Mapping[str, Any],
        *,
        is_whole: bool,
    ) -> Iterator[Event]:
        """Yield a piece, or the whole where no piece of it came."""
        text = str((piece.get("text") or piece.get("refusal") if is_whole else piece.get("delta")) or "")
        is_new = where not in self._streamed
        if not text or (is_whole and not is_new):
            return
        self._streamed.add(where)
        place, _, index = where
        # Parts of a summary are paragraphs, each with a title.
        yield kind(f"\n\n{text}" if place == "summary" and index and is_new else text)

    def _open_item(self, item: Mapping[str, Any], position: int) -> Iterator[Event]:
        if item.get("type") == "function_call":
            self._streamed.discard(("arguments", position, 0))
            self._calls[position] = self._call_count
            self._call_count += 1
            call_id = str(item.get("call_id") or item.get("id") or "")
            yield ToolCallDelta(self._calls[position], call_id, str(item.get("name") or ""), "")

    def _read_arguments(self, position: int, piece: Mapping[str, Any], *, is_whole: bool) -> Iterator[Event]:
        """Yield a piece of a call's arguments, or the whole where no piece of them came."""
        text = str(piece.get("arguments" if is_whole else "delta") or "")
        where = ("arguments", position, 0)
        if text and position in self._calls and not (is_whole and where in self._streamed):
            self._streamed.add(where)
            yield ToolCallDelta(self._calls[position], "", "", text)


def _encode_items(message: Message) -> Iterator[dict[str, Any]]:
    if message.role == "tool":
        yield {"type": "function_call_output", "call_id": message.tool_call_id, "output": message.text}
        return
    for part in message.parts:
        if isinstance(part, ReasoningPart) and part.signature:
            summary = [{"type": "summary_text", "text": part.text}] if part.text else []
            identified = {"id": part.id} if part.id else {}
            yield {"type": "reasoning", **identified, "summary": summary, "encrypted_content": part.signature}
    shown = [part for part in message.parts if not isinstance(part, ReasoningPart)]
    if shown and message.role == "assistant":
        # The schema takes parts only of answers that it numbered itself; text is always taken.
        yield {"role": "assistant", "content": message.text}
    elif shown:
        yield {"role": message.role, "content": [_encode_part(part) for part in shown]}
    for call in message.tool_calls:
        yield {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments or "{}"}


def _encode_part(part: Part) -> dict[str, Any]:
    match part:
        case ImagePart(url):
            return {"type": "input_image", "image_url": url, "detail": "auto"}
        case FilePart(name, url):
            place = {"file_data": url} if url.startswith("data:") else {"file_url": url}
            return {"type": "input_file", "filename": name, **place}
        case _:
            return {"type": "input_text", "text": part.text}


def _encode_tool_choice(choice: str) -> str | dict[str, Any] | None:
    if choice in {"", "auto", "none", "required"}:
        return choice or None
    return {"type": "function", "name": choice}


def _encode_schema(schema: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if schema is None:
        return None
    return {"format": {"type": "json_schema", "name": "answer", "schema": dict(schema), "strict": True}}


def _encode_effort(request: ChatRequest) -> dict[str, Any] | None:
    if request.reasoning_effort is None:
        return None
    shown = {} if request.reasoning_effort == "none" else {"summary": "auto"}
    return {"effort": request.reasoning_effort, **shown}
