"""Streams whose pieces differ in nothing but their text: those need no parser for each."""

from __future__ import annotations

import re

__all__ = ["TextPattern"]

# What a JSON string may hold as it stands (RFC 8259, section 7).
_CHARACTERS = r'[^"\\\x00-\x1f]'
_is_plain = re.compile(f"{_CHARACTERS}+").fullmatch
# Random letters that hide how long a piece is (platform.openai.com, *Streaming*: `include_obfuscation`).
_PADDING = rf'"obfuscation":\s*"{_CHARACTERS}*"'
_has_padding = re.compile(_PADDING).search
_split_padding = re.compile(_PADDING).split
_ATTEMPTS = 4


class TextPattern:
    """Recognises pieces that are a piece already parsed with another text in it.

    What stands between two quotes and holds no quote, backslash or control character is a JSON string whatever it is.
    So a piece with the same characters before and after it is the same document, but for that string.
    """

    def __init__(self) -> None:
        self._head = self._tail = ""
        self._padded_tail: re.Pattern[str] | None = None
        self._attempts = _ATTEMPTS

    def find(self, data: str) -> str:
        """Return the text of *data*, or nothing if it must be parsed."""
        head, tail = self._head, self._tail
        # Plain comparisons: an expression for the whole piece takes several times as long.
        if not head or not data.startswith(head):
            return ""
        if self._padded_tail:
            tail = self._find_padded_tail(data)
        if not tail or not data.endswith(tail):
            return ""
        text = data[len(head) : -len(tail)]
        if not _is_plain(text):
            return ""
        self._attempts = _ATTEMPTS
        return text

    def learn(self, data: str, text: str) -> None:
        """Take a piece that was parsed and says *text* alone; pieces that are never alike are soon given up."""
        literal = f'"{text}"'
        start = data.find(literal)
        # Without an escape, the one place that reads like the text is the text.
        if not self._attempts or "\\" in data or start < 0 or data.rfind(literal) != start:
            return
        self._attempts -= 1
        self._head, self._tail = data[: start + 1], data[start + len(literal) - 1 :]
        self._padded_tail = None
        if _has_padding(self._tail):
            parts = _split_padding(self._tail)
            self._padded_tail = re.compile(_PADDING.join(re.escape(part) for part in parts))

    def _find_padded_tail(self, data: str) -> str:
        """Return the end of *data* from its text on, whatever its padding; nothing if it is another end."""
        end = data.find('"', len(self._head))
        found = self._padded_tail.fullmatch(data, end) if self._padded_tail and end > 0 else None
        return found[0] if found else ""
