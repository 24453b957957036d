"""A stream's events gathered into the turn that they make up."""

from __future__ import annotations

from dataclasses import replace

from sidestep.types import (
    Event,
    Finished,
    Message,
    Part,
    ReasoningDelta,
    ReasoningPart,
    ReasoningSignature,
    RouteTaken,
    TextDelta,
    TextPart,
    ToolCall,
    ToolCallDelta,
    Usage,
)

__all__ = ["AnswerCollector"]


class AnswerCollector:
    """Gathers one answer.

    Attributes:
        usage: the last that came.
        route: how it came, or None while nothing has.
        finish_reason: as in `Finished`; `unknown` until it has come.
    """

    def __init__(self) -> None:
        self.usage = Usage()
        self.route: RouteTaken | None = None
        self.finish_reason = "unknown"
        self._parts: list[Part] = []
        self._pieces: list[str] = []
        self._calls: dict[int, ToolCall] = {}
        self._open: type[TextPart] | type[ReasoningPart] = TextPart

    @property
    def message(self) -> Message:
        """The assistant's turn so far."""
        self._close_part()
        return Message("assistant", tuple(self._parts), tuple(call for _, call in sorted(self._calls.items())))

    def add(self, event: Event) -> None:
        """Take the next event."""
        match event:
            case TextDelta(text):
                self._add_text(TextPart, text)
            case ReasoningDelta(text):
                self._add_text(ReasoningPart, text)
            case ReasoningSignature():
                self._sign(event)
            case ToolCallDelta():
                self._add_call(event)
            case Usage():
                self.usage = event
            case Finished(reason):
                self.finish_reason = reason
            case RouteTaken():
                self.route = event

    def _add_text(self, kind: type[TextPart] | type[ReasoningPart], text: str) -> None:
        if kind is not self._open:
            self._close_part()
            self._open = kind
        self._pieces.append(text)

    def _close_part(self) -> None:
        if not self._pieces:
            return
        text = "".join(self._pieces)
        self._pieces = []
        last = self._parts[-1] if self._parts else None
        if isinstance(last, TextPart) and self._open is TextPart:
            self._parts[-1] = TextPart(last.text + text)
        elif isinstance(last, ReasoningPart) and self._open is ReasoningPart and not last.signature:
            self._parts[-1] = replace(last, text=last.text + text)
        else:
            self._parts.append(self._open(text))

    def _sign(self, signature: ReasoningSignature) -> None:
        """Put a signature onto the reasoning that it closes, or make a part of it that has no text."""
        self._close_part()
        last = self._parts[-1] if self._parts else None
        if isinstance(last, ReasoningPart) and not last.signature and not signature.is_redacted:
            self._parts[-1] = replace(last, signature=signature.signature, id=signature.id)
        else:
            part = ReasoningPart("", signature.signature, signature.id, signature.is_redacted)
            self._parts.append(part)

    def _add_call(self, piece: ToolCallDelta) -> None:
        known = self._calls.get(piece.index, ToolCall("", "", ""))
        self._calls[piece.index] = ToolCall(
            known.id or piece.id,
            known.name or piece.name,
            known.arguments + piece.arguments,
            known.signature or piece.signature,
        )
