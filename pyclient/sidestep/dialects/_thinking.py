"""Reasoning that stands in the text itself, between `<think>` tags, as open models' servers often send it."""

from __future__ import annotations

from collections.abc import Iterator

from sidestep.types import ReasoningDelta, TextDelta

__all__ = ["ThinkTagSplitter"]

_OPEN, _CLOSE = "<think>", "</think>"


class ThinkTagSplitter:
    """Tells reasoning from text. Only a tag at the very beginning opens reasoning, so that text may speak of tags."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"
        self._is_behind_tag = False

    def feed(self, text: str) -> Iterator[TextDelta | ReasoningDelta]:
        """Yield what *text* completes; what may be the beginning of a tag is held back."""
        self._held += text
        if self._state == "start":
            start = self._held.lstrip()
            if len(start) < len(_OPEN) and _OPEN.startswith(start):
                return
            self._state = "thinking" if start.startswith(_OPEN) else "text"
            if self._state == "thinking":
                self._held, self._is_behind_tag = start.removeprefix(_OPEN), True
        if self._state == "thinking":
            yield from self._read_thinking()
        if self._state == "text" and self._has_more():
            yield TextDelta(self._held)
            self._held = ""

    def flush(self) -> Iterator[TextDelta | ReasoningDelta]:
        """Yield what is still held back."""
        if self._held:
            yield ReasoningDelta(self._held) if self._state == "thinking" else TextDelta(self._held)
            self._held = ""

    def _has_more(self) -> bool:
        """Say whether anything is held once the line ends behind a tag are dropped, in whichever piece they come."""
        if self._is_behind_tag:
            self._held = self._held.lstrip("\n")
            self._is_behind_tag = not self._held
        return bool(self._held)

    def _read_thinking(self) -> Iterator[ReasoningDelta]:
        if not self._has_more():
            return
        thought, close, rest = self._held.partition(_CLOSE)
        if close:
            self._held, self._state, self._is_behind_tag = rest, "text", True
        else:
            kept = next((size for size in range(len(_CLOSE) - 1, 0, -1) if thought.endswith(_CLOSE[:size])), 0)
            thought, self._held = thought[: len(thought) - kept], thought[len(thought) - kept :]
        if thought:
            yield ReasoningDelta(thought)
