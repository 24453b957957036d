"""How a stream's bytes are cut into events, each of them JSON: server-sent events, and Amazon's own frames."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Protocol

from sidestep.errors import UnexpectedResponse
from sidestep.sse import SSEDecoder

__all__ = ["AmazonFrames", "EventFrames", "Frames"]


class Frames(Protocol):
    """Cuts one stream."""

    def feed(self, data: bytes) -> Iterable[str]:
        """Return the texts of the events that *data* completes.

        Raises:
            UnexpectedResponse: the stream cannot be cut.
        """

    def flush(self) -> Iterable[str]:
        """Return the texts of the events that the stream's end completes."""


class EventFrames:
    """Server-sent events (WHATWG HTML, 9.2.6)."""

    def __init__(self) -> None:
        self._decoder = SSEDecoder()

    def feed(self, data: bytes) -> list[str]:
        """See `Frames`; one event of absurd size cannot be cut."""
        return [event.data for event in self._decoder.feed(data)]

    def flush(self) -> list[str]:
        """See `Frames`."""
        return [event.data for event in self._decoder.flush()]


class AmazonFrames:
    """Amazon's event stream (`application/vnd.amazon.eventstream`; AWS, *Event stream encoding*).

    An exception in it becomes an error of the form that other providers give theirs.
    """

    def __init__(self) -> None:
        from botocore.eventstream import EventStreamBuffer  # type: ignore[import-untyped]  # noqa: PLC0415 - comes with litellm

        self._buffer = EventStreamBuffer()

    def feed(self, data: bytes) -> list[str]:
        """See `Frames`; a frame whose checksum is wrong cannot be cut."""
        from botocore.eventstream import ParserError  # noqa: PLC0415 - as above

        self._buffer.add_data(data)
        try:
            return [_read_frame(message.headers, message.payload) for message in self._buffer]
        except ParserError as error:
            raise UnexpectedResponse("The stream is not framed as it says.") from error

    def flush(self) -> list[str]:
        """See `Frames`; half a frame is no event."""
        return []


def _read_frame(headers: dict[str, Any], payload: bytes) -> str:
    text = payload.decode(errors="replace")
    kind = headers.get(":message-type")
    if kind == "event":
        return text
    code = str(headers.get(":exception-type") or headers.get(":error-code") or kind)
    try:
        said = json.loads(text).get("message", "")
    except (ValueError, AttributeError):
        said = str(headers.get(":error-message", ""))
    # A stream writes small what the rest of the interface begins with a capital.
    return json.dumps({"error": {"code": code[:1].upper() + code[1:], "message": said}})
