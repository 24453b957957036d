"""Looks at a request's size and shape before anything parses it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sidestep_relay.errors import RelayError

__all__ = ["check_headers", "check_shape"]

_MOST_HEADERS = 80
_LARGEST_HEADERS = 32 * 1024  # bytes; a provider's key may have 4,096
_DEEPEST = 64
_MOST_MESSAGES = 10_000
_MOST_PIECES = 1_000_000  # texts and brackets; a third of a second of looking
_MESSAGE_DEPTH = 3  # { "messages": [ {

_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)


def check_headers(headers: Iterable[tuple[str, str]]) -> None:
    """Return if *headers* are few and small.

    Raises:
        RelayError: 431 `headers_too_large`.
    """
    sizes = [len(name) + len(value) for name, value in headers]
    if len(sizes) > _MOST_HEADERS or sum(sizes) > _LARGEST_HEADERS:
        raise RelayError(
            "headers_too_large",
            f"This relay takes {_MOST_HEADERS} headers of {_LARGEST_HEADERS // 1024} KiB together.",
            status=431,
        )


def check_shape(body: bytes) -> None:
    """Return if the JSON text *body* is not nested too deeply and has not too many messages.

    Objects three deep are counted as messages, wherever they are: in a chat nothing else is there in thousands.

    Raises:
        RelayError: 400 `request_too_deep`, 413 `too_many_messages` or `request_too_complex`.
    """
    depth = items = 0
    for pieces, match in enumerate(_STRING_OR_BRACKET.finditer(body)):
        if pieces >= _MOST_PIECES:
            raise RelayError("request_too_complex", "The request's JSON has too many parts.", status=413)
        sign = match[0][:1]
        if sign in b"]}":
            depth -= 1
        elif sign != b'"':
            depth += 1
            items += depth == _MESSAGE_DEPTH and sign == b"{"
            if depth > _DEEPEST:
                raise RelayError(
                    "request_too_deep", f"The request's JSON is nested more than {_DEEPEST} deep.", status=400
                )
            if items > _MOST_MESSAGES:
                raise RelayError(
                    "too_many_messages", f"This relay takes {_MOST_MESSAGES} messages in a request.", status=413
                )
