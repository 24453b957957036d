"""Streams whose pieces differ in nothing but their text: those need no parser for each."""

from __future__ import annotations

import re

__all__ = ["TextPattern"]

# What a JSON string may hold as it stands (RFC 8259, section 7).
_CHARACTERS = r'[^"\\\x00-\x1f]'
# Random letters that hide how long a piece is (platform.openai.com, *Streaming*: `include_obfuscation`).
_PADDING = rf'"obfuscation":\s*"{_CHARACTERS}*"'
_SPLIT_PADDING = re.compile(_PADDING).split
_ATTEMPTS = 4


class TextPattern:
    """Recognises pieces that are a piece already parsed with another text in it.

    What stands between two quotes and holds no quote, backslash or control character is a JSON string whatever it is.
    So a piece with the same characters before and after it is the same document, but for that string.
    """

    def __init__(self) -> None:
        self._match = re.compile(r"(?!)").fullmatch
        self._attempts = _ATTEMPTS

    def find(self, data: str) -> str:
        """Return the text of *data*, or nothing if it must be parsed."""
        found = self._match(data)
        if not found:
            return ""
        self._attempts = _ATTEMPTS
        return found[1]

    def learn(self, data: str, text: str) -> None:
        """Take a piece that was parsed and says *text* alone; pieces that are never alike are soon given up."""
        literal = f'"{text}"'
        start = data.find(literal)
        # Without an escape, the one place that reads like the text is the text.
        if not self._attempts or "\\" in data or start < 0 or data.rfind(literal) != start:
            return
        self._attempts -= 1
        rest = _PADDING.join(re.escape(part) for part in _SPLIT_PADDING(data[start + len(literal) :]))
        self._match = re.compile(f'{re.escape(data[:start])}"({_CHARACTERS}+)"{rest}').fullmatch
