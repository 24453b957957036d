"""An answer's bytes to events, whatever the bytes turn out to be. No IO."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sidestep.dialects import Dialect, StreamDecoder
from sidestep.dialects.failures import FailureReader, parse_json_object
from sidestep.errors import SidestepError
from sidestep.sse import ServerSentEvent, SSEDecoder
from sidestep.types import Event, ReasoningDelta, TextDelta, WireRules

__all__ = ["LARGEST_DOCUMENT", "AnswerReader"]

LARGEST_DOCUMENT = 32 * 1024 * 1024
"""Bytes of an answer that comes whole, as one JSON document."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class AnswerReader:
    """Reads one answer: the stream of events that was asked for, lines of JSON, one JSON document, or neither.

    What it is shows in its first byte. No field of an event stream begins with a brace or an angle bracket, and the
    declared content type is wrong too often to go by. A first line that is a whole JSON object of a larger answer
    means lines of JSON (Ollama's native stream).
    """

    def __init__(self, dialect: Dialect, failures: FailureReader, rules: WireRules | None = None) -> None:
        self._dialect = dialect
        self._failures = failures
        self._rules = rules or WireRules()
        self._sse = SSEDecoder()
        self._stream: StreamDecoder = dialect.open_stream(failures, self._rules)
        self._is_document: bool | None = None
        self._is_lines = False
        self._held = bytearray()
        self._has_events = False

    @property
    def is_done(self) -> bool:
        """Whether the provider said that nothing more comes."""
        return self._stream.is_done

    @property
    def has_finish(self) -> bool:
        """Whether the reason of the end has come, so that at most the usage is missing."""
        return self._stream.has_finish

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Yield what *chunk* completes, up to the point where it fails; text that came together is one event.

        Raises:
            ResponseError: the answer says that it failed, is too large, or cannot be read.
        """
        return _join_text(self._read(chunk))

    def _read(self, chunk: bytes) -> Iterator[Event]:
        if self._is_document is False:
            yield from self._decode(self._sse.feed(chunk))
            return
        self._held += chunk
        if len(self._held) > LARGEST_DOCUMENT:
            raise self._failures.unreadable("more than 32 MB in one piece")
        if self._is_document is None:
            self._is_document = self._look()
            if self._is_document is False:
                yield from self._decode(self._sse.feed(bytes(self._held)))
        if self._is_document:
            yield from self._read_lines()

    def finish(self) -> Iterator[Event]:
        """Yield what the end of the bytes completes.

        Raises:
            StreamIncomplete: the provider never said that the answer was finished.
            ResponseError: as in `feed`.
        """
        if self._is_document:
            yield from self._finish_document()
            return
        if not self.is_done:
            yield from self._decode_last(self._sse.flush())
        if not self._has_events:
            raise self._failures.unreadable("something unreadable" if self._held.strip() else "nothing")
        yield from self._stream.finish()

    def _look(self) -> bool | None:
        """Say whether a document comes, or None while no byte of it is there; what may stand before it is dropped."""
        if _BYTE_ORDER_MARK.startswith(self._held):
            return None
        self._held = self._held.removeprefix(_BYTE_ORDER_MARK).lstrip()
        return self._held[0] in b"{[<" if self._held else None

    def _decode(self, server_events: Sequence[ServerSentEvent]) -> Iterator[Event]:
        self._has_events = self._has_events or bool(server_events)
        return self._stream.decode(server_events)

    def _decode_last(self, server_events: Sequence[ServerSentEvent]) -> Iterator[Event]:
        """Yield what the end of the bytes completed; half an event is no event, and the stream says what it lacks."""
        for server_event in server_events:
            if parse_json_object(server_event.data) is None and server_event.data.strip() != "[DONE]":
                self._has_events = True
            else:
                yield from self._decode([server_event])

    def _read_lines(self) -> Iterator[Event]:
        """Yield what whole lines of JSON say, once the first line has shown that this is what comes."""
        while (end := self._held.find(b"\n")) >= 0:
            line = bytes(self._held[:end]).strip()
            if line and not self._is_lines and not _is_json_line(line):
                return
            self._is_lines = self._is_lines or bool(line)
            del self._held[: end + 1]
            if line:
                yield from self._decode([ServerSentEvent("", line.decode("utf-8", "replace"))])

    def _finish_document(self) -> Iterator[Event]:
        if self._is_lines:
            if rest := bytes(self._held).strip():
                yield from self._decode_last([ServerSentEvent("", rest.decode("utf-8", "replace"))])
            yield from self._stream.finish()
            return
        document = parse_json_object(bytes(self._held))
        if document is None:
            raise self._failures.unreadable("a web page" if self._held[:1] == b"<" else "broken JSON")
        yield from self._dialect.decode_answer(document, self._failures, self._rules)


def _join_text(events: Iterable[Event]) -> Iterator[Event]:
    """Yield *events* with neighbouring pieces of text, or of reasoning, made one: each one costs its readers a turn."""
    kind: type[TextDelta | ReasoningDelta] = TextDelta
    texts: list[str] = []
    try:
        for event in events:
            if isinstance(event, kind):
                texts.append(event.text)
                continue
            if texts:
                yield kind("".join(texts))
                texts = []
            if isinstance(event, TextDelta | ReasoningDelta):
                kind, texts = type(event), [event.text]
            else:
                yield event
    except SidestepError:
        # What came before the error is part of the answer.
        if texts:
            yield kind("".join(texts))
        raise
    if texts:
        yield kind("".join(texts))


def _is_json_line(line: bytes) -> bool:
    """Say whether *line* is one of Ollama's: a whole object that says whether it is the last."""
    document = parse_json_object(line)
    return document is not None and ("done" in document or set(document) == {"error"})
