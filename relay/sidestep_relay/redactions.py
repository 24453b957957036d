"""Takes a key out of bytes that pass by, also where it is torn between two pieces.

The relay's own key, lent to somebody, must not reach them when a provider quotes it: in an error, in the middle of a
stream, or in an answer. Every other byte passes as it is.
"""

from __future__ import annotations

import json
import re
from urllib.parse import quote

__all__ = ["KeyFilter"]

_MARK = b"[key]"
_SHORTEST_KEY = 6  # characters; a shorter "key" would blank out ordinary words
_LINE_ENDS = b"\r\n"


class KeyFilter:
    """Takes *key* out of one answer, in each way that JSON or a URL may spell it. An empty *key* is nowhere."""

    def __init__(self, key: str) -> None:
        self._spellings = _list_spellings(key) if len(key) >= _SHORTEST_KEY else ()
        self._pattern = re.compile(b"|".join(map(re.escape, self._spellings)))
        self._firsts = {spelling[:1] for spelling in self._spellings}
        self._longest = max(map(len, self._spellings), default=0)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Return what can be passed on; what may be the beginning of a key waits for the next piece."""
        if not self._spellings:
            return data
        data = self._pattern.sub(_MARK, self._held + data)
        # No key has a line end, and most pieces of a stream do end with one.
        start = len(data) if data[-1:] in _LINE_ENDS else self._find_beginning(data)
        self._held = data[start:]
        return data[:start]

    def flush(self) -> bytes:
        """Return what still waits, at the end."""
        held, self._held = self._held, b""
        return held

    def _find_beginning(self, data: bytes) -> int:
        """Return where the first beginning of a key stands that *data* ends with, else its length."""
        for start in range(max(len(data) - self._longest + 1, 0), len(data)):
            if data[start : start + 1] in self._firsts and any(row.startswith(data[start:]) for row in self._spellings):
                return start
        return len(data)


def _list_spellings(key: str) -> tuple[bytes, ...]:
    as_json = json.dumps(key)[1:-1]
    # PHP and others escape the solidus, which JSON allows (RFC 8259, section 7).
    spellings = {key, as_json, as_json.replace("/", "\\/"), quote(key, safe="")}
    return tuple(sorted((spelling.encode() for spelling in spellings), key=len, reverse=True))
