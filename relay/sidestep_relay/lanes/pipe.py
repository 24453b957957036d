"""The lane that passes a provider's bytes through untouched, for providers that speak OpenAI's chat wire.

Nothing of a stream is parsed as it passes. Three things are looked at, and none of them changes a byte:

* The first byte tells a stream from one document (what a content type says is wrong too often to go by). A document is
  answered whole, because only then can an error in it still become an error's answer.
* Half a line at the end of a piece waits for its other half. It is of no use to anyone, and if the connection breaks
  there, the relay's own event can follow without being glued to it.
* The last bytes, once the stream has ended, tell whether the provider said that it was finished. If it did not, the
  relay's own event says so; behind an error in the provider's words it repeats it in the relay's.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any, ClassVar

import httpx

from sidestep_relay.chats import ChatCall
from sidestep_relay.lanes import LaneName, Whole
from sidestep_relay.lanes.failures import (
    describe_failure,
    describe_nonsense,
    describe_page,
    describe_unfinished,
    read_error,
)
from sidestep_relay.lanes.resolve import resolve
from sidestep_relay.observations import Observation, Observer
from sidestep_relay.upstreams import Upstream

__all__ = ["PipeLane"]

_LARGEST_DOCUMENT = 32 * 1024 * 1024  # bytes; what the client takes
_LONGEST_LINE = 64 * 1024  # bytes of half a line that wait at most
_TAIL = 64 * 1024  # bytes at the end of a stream that are looked at
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class PipeLane:
    """Sends a chat and passes on what comes."""

    name: ClassVar[LaneName] = "pipe"

    def complete(self, call: ChatCall, upstream: Upstream) -> Whole:
        """Return the whole answer, untouched.

        Raises:
            RelayError: the relay or the provider said no.
        """
        with closing(upstream):
            return _read_whole(_receive(_send(call, upstream), call, upstream), call, upstream)

    def stream(self, call: ChatCall, upstream: Upstream) -> Iterator[bytes | Whole]:
        """Yield nothing (`b""`) when the provider has accepted the request, then its bytes; see `Lane`.

        Raises:
            RelayError: the relay or the provider said no, before or in the middle of the answer.
        """
        with closing(upstream):
            response = _send(call, upstream)
            pieces = _receive(response, call, upstream)
            if response.headers.get("content-type", "").lower().startswith("text/event-stream"):
                yield b""
            first = _read_first(pieces)
            if _is_document(first):
                yield _read_whole(_chain(first, pieces), call, upstream)
                return
            yield from _pass_on(_chain(first, pieces), call, upstream)


def _send(call: ChatCall, upstream: Upstream) -> httpx.Response:
    try:
        asked = resolve(call)
        request = httpx.Request("POST", asked.url, headers=asked.headers, content=asked.body)
        response = upstream.handle_request(request)
    except (httpx.TransportError, httpx.InvalidURL, ValueError, RecursionError) as error:
        raise describe_failure(error, call, upstream) from error
    if not response.is_success:
        raise describe_failure(httpx.TransportError("refused"), call, upstream)
    return response


def _receive(response: httpx.Response, call: ChatCall, upstream: Upstream) -> Iterator[bytes]:
    """Yield the body's pieces as they come; unpacked, if it was packed although nobody asked for that."""
    is_packed = response.headers.get("content-encoding", "identity") != "identity"
    pieces: Iterable[bytes] = response.iter_bytes() if is_packed else response.stream  # type: ignore[assignment]
    try:
        yield from pieces
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise describe_failure(error, call, upstream) from error


def _read_first(pieces: Iterator[bytes]) -> bytes:
    """Return what came up to and with the first byte that tells what comes; empty if nothing does."""
    first = b""
    while not first.strip() or _BYTE_ORDER_MARK.startswith(first):
        piece = next(pieces, None)
        if piece is None:
            break
        first += piece
    return first


def _is_document(first: bytes) -> bool:
    """Say whether *first* begins no stream: no field of an event begins with a brace or an angle bracket."""
    start = first.removeprefix(_BYTE_ORDER_MARK).lstrip()[:1]
    return start in (b"", b"{", b"[", b"<")


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _read_whole(pieces: Iterable[bytes], call: ChatCall, upstream: Upstream) -> Whole:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > _LARGEST_DOCUMENT:
            raise describe_nonsense(call)
    if body.removeprefix(_BYTE_ORDER_MARK).lstrip()[:1] == b"<":
        raise describe_page(call)
    document = _parse(bytes(body))
    if document.get("error"):
        raise read_error(document, call, status=None)
    if not isinstance(document.get("choices"), list):
        raise describe_nonsense(call)
    if isinstance(document.get("usage"), dict):
        upstream.usage = document["usage"]
    return Whole(bytes(body))


def _pass_on(pieces: Iterator[bytes], call: ChatCall, upstream: Upstream) -> Iterator[bytes]:
    tail = _Tail()
    half = b""
    for piece in pieces:
        tail.add(piece)
        whole, half = _split_lines(half + piece if half else piece)
        if whole:
            yield whole
    seen = tail.read()
    upstream.usage = seen.usage
    if seen.is_finished or _parse(half.removeprefix(b"data:")):
        yield half
    if seen.error and not seen.is_finished:
        raise read_error(seen.error, call, status=None)
    if not seen.is_finished:
        raise describe_unfinished(call) if seen.has_events else describe_nonsense(call)


def _split_lines(data: bytes) -> tuple[bytes, bytes]:
    """Return the whole lines of *data*, and the half one at its end unless it is too long to wait."""
    end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
    if end == len(data) or len(data) - end > _LONGEST_LINE:
        return data, b""
    return data[:end], data[end:]


class _Tail:
    """Keeps the end of a stream."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._size = 0

    def add(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._pieces.append(piece)
        self._size += len(piece)
        while self._size - len(self._pieces[0]) >= _TAIL:
            self._size -= len(self._pieces.popleft())

    def read(self) -> Observation:
        """Return what the end says. An event whose beginning is gone says nothing."""
        observer = Observer("openai_chat", is_stream=True)
        observer.feed(b"".join(self._pieces))
        observer.finish()
        return observer.seen


def _parse(data: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
