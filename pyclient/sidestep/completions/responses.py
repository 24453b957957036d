"""Answers in LiteLLM's shapes: dictionaries whose entries are attributes too. No IO.

Source of the shapes: LiteLLM 1.106.2, `litellm.types.utils`; `tests/wire/test_litellm_shapes.py` holds both together.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sidestep.types import Message, ReasoningPart, RouteTaken, ToolCall, ToolCallDelta, Usage

__all__ = [
    "Fields",
    "Frame",
    "ModelResponse",
    "ModelResponseStream",
    "make_usage",
    "write_thinking_block",
    "write_tool_delta",
]

_EMPTY_DELTA: Mapping[str, Any] = {
    "content": None,
    "role": None,
    "function_call": None,
    "tool_calls": None,
    "audio": None,
}


class Fields(dict[str, Any]):
    """A dictionary whose entries are attributes too. What an answer does not have is neither."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no “{name}”") from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        else:
            self[name] = value

    def model_dump(self, *, exclude_none: bool = False) -> dict[str, Any]:
        """Return the same as plain dictionaries and lists, a copy."""
        dumped = {name: _dump(value, exclude_none) for name, value in self.items()}
        return {name: value for name, value in dumped.items() if value is not None} if exclude_none else dumped

    def json(self) -> dict[str, Any]:
        """Return `model_dump()`: so does LiteLLM, whatever the name says."""
        return self.model_dump()

    def model_dump_json(self, *, indent: int | None = None) -> str:
        """Return the same as JSON text."""
        return json.dumps(self, ensure_ascii=False, indent=indent)


class _Answer(Fields):
    """What whole answers and pieces share: how they came."""

    _hidden_params: dict[str, Any]
    _route: RouteTaken

    @property
    def route(self) -> RouteTaken:
        """How the answer came, and why."""
        return self._route


_AnswerT = TypeVar("_AnswerT", bound=_Answer)


class ModelResponse(_Answer):
    """A whole answer: `response.choices[0].message.content`, `response["usage"]["total_tokens"]`."""


class ModelResponseStream(_Answer):
    """A piece of an answer: `chunk.choices[0].delta.content`."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What every piece of one answer says of itself.

    Attributes:
        created: Unix time in whole seconds.
        model: the provider's own id.
        asked: the model as the caller named it.
    """

    id: str
    created: int
    model: str
    route: RouteTaken
    asked: str
    llm_provider: str

    @classmethod
    def begin(cls, model: str, route: RouteTaken, *, asked: str, llm_provider: str, created: float) -> Frame:
        """Return the frame of an answer that begins at *created*, under an id of our own."""
        return cls(f"chatcmpl-{uuid.uuid4()}", int(created), model, route, asked, llm_provider)

    def make_chunk(self, delta: Mapping[str, Any], *, finish_reason: str | None = None) -> ModelResponseStream:
        """Return a piece with the fields of *delta*; the usual ones are there in any case."""
        choice = Fields(finish_reason=finish_reason, index=0, delta=Fields({**_EMPTY_DELTA, **delta}), logprobs=None)
        return self._sign(ModelResponseStream(self._head("chat.completion.chunk"), choices=[choice]))

    def make_answer(self, message: Message, finish_reason: str, usage: Usage) -> ModelResponse:
        """Return the whole answer."""
        choice = Fields(finish_reason=finish_reason, index=0, message=_write_message(message))
        answer = ModelResponse(self._head("chat.completion"), choices=[choice], usage=make_usage(usage))
        return self._sign(answer)

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "created": self.created,
            "model": self.model,
            "object": kind,
            "system_fingerprint": None,
        }

    def _sign(self, answer: _AnswerT) -> _AnswerT:
        hidden = {
            "custom_llm_provider": self.llm_provider,
            "route": {**self.route.route.to_dict(), "reason": self.route.reason},
        }
        answer._route, answer._hidden_params = self.route, hidden
        return answer


def make_usage(usage: Usage) -> Fields:
    """Return the tokens spent. A count that the provider did not report is 0, as LiteLLM has it; details are None."""
    prompt, completion = usage.input_tokens or 0, usage.output_tokens or 0
    return Fields(
        completion_tokens=completion,
        prompt_tokens=prompt,
        total_tokens=prompt + completion,
        completion_tokens_details=_write_details("reasoning_tokens", usage.reasoning_tokens),
        prompt_tokens_details=_write_details("cached_tokens", usage.cached_tokens),
    )


def write_thinking_block(part: ReasoningPart) -> Fields:
    """Return a signed thought in Anthropic's form, which LiteLLM uses for every provider's."""
    if part.is_redacted:
        return Fields(type="redacted_thinking", data=part.signature)
    named = {"id": part.id} if part.id else {}
    return Fields(type="thinking", thinking=part.text, signature=part.signature, **named)


def write_tool_delta(piece: ToolCallDelta) -> Fields:
    """Return a piece of a tool call; only its first piece has an id and a name."""
    function = Fields(arguments=piece.arguments, name=piece.name or None)
    call = Fields(id=piece.id or None, function=function, type="function", index=piece.index)
    return _with_signature(call, piece.signature)


def _write_message(message: Message) -> Fields:
    written = Fields(
        content=message.text or (None if message.tool_calls else ""),
        role="assistant",
        tool_calls=[_write_call(call) for call in message.tool_calls] or None,
        function_call=None,
    )
    thoughts = [part for part in message.parts if isinstance(part, ReasoningPart)]
    if text := "".join(part.text for part in thoughts):
        written["reasoning_content"] = text
    if blocks := [write_thinking_block(part) for part in thoughts if part.signature]:
        written["thinking_blocks"] = blocks
    return written


def _write_call(call: ToolCall) -> Fields:
    function = Fields(arguments=call.arguments, name=call.name)
    return _with_signature(Fields(function=function, id=call.id, type="function"), call.signature)


def _with_signature(call: Fields, signature: str) -> Fields:
    if signature:
        call["provider_specific_fields"] = Fields(thought_signature=signature)
    return call


def _write_details(name: str, count: int | None) -> Fields | None:
    return None if count is None else Fields({name: count})


def _dump(value: Any, exclude_none: bool) -> Any:
    if isinstance(value, Fields):
        return value.model_dump(exclude_none=exclude_none)
    return [_dump(item, exclude_none) for item in value] if isinstance(value, list) else value
