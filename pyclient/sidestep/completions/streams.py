"""An answer's events as LiteLLM's chunks."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack
from typing import Any

from sidestep.collectors import AnswerCollector
from sidestep.completions.failures import translate_error
from sidestep.completions.providers import Target
from sidestep.completions.responses import (
    Frame,
    ModelResponse,
    ModelResponseStream,
    make_usage,
    write_thinking_block,
    write_tool_delta,
)
from sidestep.errors import RoutesFailed, SidestepError
from sidestep.types import (
    Event,
    ReasoningDelta,
    ReasoningPart,
    ReasoningSignature,
    RouteTaken,
    TextDelta,
    ToolCallDelta,
)

__all__ = ["CompletionStream", "open_stream"]


class CompletionStream:
    """A streamed answer: `async for chunk in stream`. Close it (`aclose`) where it is not read to its end.

    Attributes:
        route: how the answer comes, and why.
    """

    def __init__(self, events: AsyncGenerator[Event], frame: Frame, stack: AsyncExitStack, *, has_usage: bool) -> None:
        self.route = frame.route
        self._frame = frame
        self._collector = AnswerCollector()
        self._chunks = _write_chunks(events, frame, self._collector, has_usage=has_usage)
        self._stack = stack

    def __aiter__(self) -> CompletionStream:
        return self

    async def __anext__(self) -> ModelResponseStream:
        has_chunk = False
        try:
            chunk = await anext(self._chunks)
            has_chunk = True
        finally:
            if not has_chunk:
                await self.aclose()
        return chunk

    async def collect(self) -> ModelResponse:
        """Read what is left, and return the whole answer, what was read before included.

        Raises:
            CompletionError: the answer broke off; what had come is in its `partial_text`.
        """
        async for _ in self:
            pass
        collected = self._collector
        return self._frame.make_answer(collected.message, collected.finish_reason, collected.usage)

    async def aclose(self) -> None:
        """Stop the answer and close its connection. Safe to call twice."""
        await self._chunks.aclose()
        await self._stack.aclose()


async def open_stream(
    events: AsyncGenerator[Event], target: Target, stack: AsyncExitStack, *, asked: str, has_usage: bool
) -> CompletionStream:
    """Return the stream once the answer has begun, so that a refusal is raised here and not in its first chunk.

    Args:
        events: of `sidestep.Client.stream`, not begun.
        target: who is asked.
        stack: what to close at the stream's end; on success it is the stream's.
        asked: the model as the caller named it, for errors.
        has_usage: whether the last chunk is to hold the tokens spent.

    Raises:
        SidestepError: nobody answered, or the answer was a refusal.
    """
    route = await _wait_for_route(events)
    frame = Frame.begin(target.model, route, asked=asked, llm_provider=target.llm_provider, created=time.time())
    return CompletionStream(events, frame, stack.pop_all(), has_usage=has_usage)


async def _wait_for_route(events: AsyncGenerator[Event]) -> RouteTaken:
    async for event in events:
        if isinstance(event, RouteTaken):
            return event
    raise RoutesFailed("The answer ended before it began.")


async def _write_chunks(
    events: AsyncGenerator[Event], frame: Frame, collector: AnswerCollector, *, has_usage: bool
) -> AsyncGenerator[ModelResponseStream]:
    """Yield the chunks: the role is on the first, the reason of the end on the last but the usage.

    Raises:
        CompletionError: the answer broke off; what had come is in its `partial_text`.
    """
    role: dict[str, Any] = {"role": "assistant"}
    try:
        async for event in events:
            collector.add(event)
            if delta := _write_delta(event, collector):
                yield frame.make_chunk({**delta, **role})
                role = {}
    except SidestepError as error:
        error.partial_text = collector.message.text
        raise translate_error(error, llm_provider=frame.llm_provider, model=frame.asked) from error
    for chunk in _write_end(collector, frame, role, has_usage=has_usage):
        yield chunk


def _write_delta(event: Event, collector: AnswerCollector) -> dict[str, Any]:
    """Return the fields that *event* adds; none for what is no piece of the answer."""
    match event:
        case TextDelta(text):
            return {"content": text}
        case ReasoningDelta(text):
            return {"content": "", "reasoning_content": text}
        case ReasoningSignature():
            # The signature closes a thought: from here on, the collector has the whole of it.
            thoughts = [part for part in collector.message.parts if isinstance(part, ReasoningPart)]
            return {"content": "", "thinking_blocks": [write_thinking_block(thoughts[-1])]}
        case ToolCallDelta():
            return {"tool_calls": [write_tool_delta(event)]}
        case _:
            return {}


def _write_end(
    collector: AnswerCollector, frame: Frame, role: dict[str, Any], *, has_usage: bool
) -> Iterator[ModelResponseStream]:
    yield frame.make_chunk(role, finish_reason=collector.finish_reason)
    if has_usage:
        chunk = frame.make_chunk({})
        chunk["usage"] = make_usage(collector.usage)
        yield chunk
