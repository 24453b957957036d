"""Bytes to server-sent events, without IO.

Source: WHATWG HTML, section 9.2.6 *Interpreting an event stream*. Two deviations, both on purpose: an event that the
stream ends in the middle of is handed out by `flush` instead of being dropped (providers forget the last blank line),
and the reconnection fields `id` and `retry` are read past, since an answer is never resumed.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from sidestep.errors import UnexpectedResponse

__all__ = ["SSEDecoder", "ServerSentEvent"]

_LARGEST_EVENT = 16 * 1024 * 1024  # characters
_DATA = "data: "
_END = "\n\n"


@dataclass(slots=True)  # a frozen one takes four times as long to make, and one is made for every token
class ServerSentEvent:
    """One event: its `event` field (empty if it had none) and its joined `data` lines."""

    event: str
    data: str


class SSEDecoder:
    """Turns a stream's bytes, cut anywhere, into events.

    Invalid UTF-8 becomes U+FFFD, as the specification asks; half a character at the end of one piece waits for the
    next.
    """

    def __init__(self, *, largest_event: int = _LARGEST_EVENT) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._largest_event = largest_event
        self._is_first = True
        self._ended_with_cr = False
        self._line: list[str] = []
        self._line_size = 0
        self._event = ""
        self._data: list[str] = []
        self._data_size = 0

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Return the events that *data* completes.

        Raises:
            UnexpectedResponse: one event is larger than the limit. What came before it in the same *data* is returned
                first; the next call then raises.
        """
        return self._decode(self._utf8.decode(data))

    def flush(self) -> list[ServerSentEvent]:
        """Return what the stream's end completes, also an event that was not closed by a blank line."""
        events = self._decode(self._utf8.decode(b"", final=True))
        if self._line:
            self._read_line("".join(self._line))
            self._line.clear()
        last = self._dispatch()
        return [*events, last] if last else events

    def _decode(self, text: str) -> list[ServerSentEvent]:
        self._check_size()
        if not text:
            return []
        if self._is_first:
            self._is_first = False
            text = text.removeprefix("\ufeff")
        if self._ended_with_cr and text.startswith("\n"):
            text = text[1:]
        self._ended_with_cr = text.endswith("\r")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return self._read_events(text)

    def _read_events(self, text: str) -> list[ServerSentEvent]:
        """Return the events of *text*: what ends the open one, the whole ones, and the beginning of the next."""
        events: list[ServerSentEvent] = []
        start = text.find(_END) + len(_END) if self._is_open else 0
        end = text.rfind(_END) + len(_END)
        try:
            events += self._read_lines(text[:start])
            events += self._read_whole(text[start:end])
            events += self._read_lines(text[end:])
        except UnexpectedResponse:
            # Said again by the next call: what came before is returned first.
            if not events:
                raise
        return events

    def _read_whole(self, text: str) -> list[ServerSentEvent]:
        """Return the events of *text*; the usual form, one line of data and a blank one, needs no look at its lines."""
        rows = text.removeprefix(_DATA).removesuffix(_END).split(_END + _DATA)
        # No other line ends than those between the rows: then each row is one line.
        is_usual = text.startswith(_DATA) and text.endswith(_END) and text.count("\n") == len(_END) * len(rows)
        if is_usual and not self._is_open and len(text) <= self._largest_event:
            return [ServerSentEvent("", row) for row in rows]
        return self._read_lines(text)

    @property
    def _is_open(self) -> bool:
        """Whether an event has begun and not ended."""
        return bool(self._line or self._data or self._event)

    def _read_lines(self, text: str) -> list[ServerSentEvent]:
        events = []
        *complete, rest = text.split("\n")
        for piece in complete:
            line = piece
            if self._line:
                line = "".join((*self._line, piece))
                self._line.clear()
                self._line_size = 0
            if line:
                self._read_line(line)
                if self._is_too_large:
                    rest = ""
                    break
            elif event := self._dispatch():
                events.append(event)
        if rest:
            self._line.append(rest)
            self._line_size += len(rest)
        if not events:
            self._check_size()
        return events

    def _read_line(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._data_size += len(value) + 1
        elif name == "event":
            self._event = value

    def _dispatch(self) -> ServerSentEvent | None:
        event = ServerSentEvent(self._event, "\n".join(self._data)) if self._data else None
        self._event, self._data, self._data_size = "", [], 0
        return event

    @property
    def _is_too_large(self) -> bool:
        return self._line_size + self._data_size > self._largest_event

    def _check_size(self) -> None:
        if self._is_too_large:
            raise UnexpectedResponse(
                f"The provider sent one event of more than {self._largest_event:,} characters; the rest was not read.",
                remedy="Try again; if it happens again, the address probably does not lead to a chat endpoint.",
                status=200,
            )
