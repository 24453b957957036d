"""Reads a request's JSON so that nobody can read it otherwise.

What two readers could take for two things is refused, each with a code of its own: a field that is there twice (which
`model` was judged, and which was sent?), numbers that are none or that no double holds, half a surrogate pair, bytes
that are not UTF-8 (RFC 8259, sections 4, 6, 8.1; RFC 7493, *I-JSON*).
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, Never

from flask import Request
from werkzeug.exceptions import ClientDisconnected

from sidestep_relay.errors import RelayError
from sidestep_relay.shapes import check_shape

try:
    from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
except ImportError:  # Windows

    class ParseException(Exception):  # type: ignore[no-redef]
        """What gunicorn raises in the middle of a body; where it does not run, nothing does."""


__all__ = ["check_media", "parse_json", "read_body"]

_JSON_TYPE = re.compile(r'\s*application/json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?;?\s*', re.IGNORECASE)
_MOST_DIGITS = 309  # of a whole number that a double can hold
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def check_media(content_type: str | None, content_encoding: str | None) -> None:
    """Return if a body under these headers is JSON as it stands; without a type it may be.

    Raises:
        RelayError: 415 `content_type_refused` or `content_encoding_refused`.
    """
    if content_type and not _JSON_TYPE.fullmatch(content_type):
        raise RelayError(
            "content_type_refused", "The request's Content-Type must be application/json, in UTF-8.", status=415
        )
    if content_encoding and content_encoding.strip().lower() != "identity":
        raise RelayError(
            "content_encoding_refused",
            "This relay unpacks no requests: send the JSON without Content-Encoding.",
            status=415,
            # RFC 9110, 12.5.3: how a server says which encodings it would have taken.
            headers={"Accept-Encoding": "identity"},
        )


def read_body(request: Request) -> bytes:
    """Return the body of *request*.

    Raises:
        RelayError: 400 `request_truncated`: the body ends too early, or its chunks cannot be told apart.
        RequestEntityTooLarge: it is larger than the application takes.
    """
    try:
        body = request.get_data()
        # Werkzeug cuts a body without a length at the limit, and says so to whoever goes on reading.
        request.stream.read(1)
    except (ClientDisconnected, ParseException):
        raise _refuse_broken() from None
    if request.content_length is not None and len(body) < request.content_length:
        # A server that ends bodies itself lets a short one pass, and what is left may still be JSON.
        raise _refuse_broken()
    return body


def parse_json(body: bytes) -> Any:
    """Return what the JSON text *body* says.

    Raises:
        RelayError: 400 or 413 as `check_shape`; 400 `request_not_utf8`, `request_not_json`, `request_key_repeated`,
            `request_number_invalid`, `request_text_invalid`.
    """
    check_shape(body)
    if body.startswith(_BYTE_ORDER_MARK):
        raise _refuse("request_not_json", "The request's body begins with a byte order mark; JSON has none.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise _refuse("request_not_utf8", "The request's body is not UTF-8.") from None
    try:
        parsed = json.loads(
            text,
            object_pairs_hook=_read_object,
            parse_constant=_refuse_constant,
            parse_float=_read_float,
            parse_int=_read_int,
        )
    except (json.JSONDecodeError, RecursionError):
        raise _refuse("request_not_json", "The request's body is not JSON.") from None
    if _SURROGATE.search(text) and _has_surrogate(parsed):
        raise _refuse("request_text_invalid", "The request holds half of a surrogate pair, which is no character.")
    return parsed


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        name = counts.most_common(1)[0][0]
        raise _refuse("request_key_repeated", f"The request names the field {name[:60]!r} twice.", name[:60])
    return read


def _read_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _refuse_number()
    return number


def _read_int(text: str) -> int:
    # Before it is read: time grows with the square of the digits.
    if len(text.lstrip("-")) > _MOST_DIGITS:
        raise _refuse_number()
    number = int(text)
    try:
        float(number)
    except OverflowError:
        raise _refuse_number() from None
    return number


def _refuse_broken() -> RelayError:
    return _refuse("request_truncated", "The request's body ended too early, or its chunks are broken.")


def _refuse_constant(name: str) -> Never:
    raise _refuse("request_number_invalid", f"{name} is no number in JSON.")


def _refuse_number() -> RelayError:
    return _refuse("request_number_invalid", "The request holds a number that is too large for a double.")


def _has_surrogate(parsed: Any) -> bool:
    waiting = [parsed]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if any("\ud800" <= character <= "\udfff" for character in value):
                return True
        elif isinstance(value, dict):
            waiting += value.keys()
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return False


def _refuse(code: str, message: str, param: str | None = None) -> RelayError:
    return RelayError(code, message, status=400, param=param)
