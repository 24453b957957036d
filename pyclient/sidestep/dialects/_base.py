"""What every dialect offers, and the small things they share."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from sidestep.dialects.failures import FailureReader, parse_json_object
from sidestep.errors import ConfigurationError, StreamIncomplete
from sidestep.sse import ServerSentEvent
from sidestep.types import ChatRequest, Endpoint, Event, HttpRequest, Model, ToolCall, WireRules

__all__ = [
    "Dialect",
    "EventwiseDecoder",
    "StreamDecoder",
    "break_off",
    "encode_json",
    "keep_set",
    "parse_arguments",
    "parse_event",
    "read_count",
    "read_object",
    "read_objects",
    "split_data_url",
]


class StreamDecoder(Protocol):
    """Turns one answer's server-sent events into `Event`s."""

    @property
    def is_done(self) -> bool:
        """Whether the provider said that nothing more comes."""

    @property
    def has_finish(self) -> bool:
        """Whether the reason of the end has come, so that at most the usage is missing."""

    def decode(self, events: Iterable[ServerSentEvent]) -> Iterator[Event]:
        """Yield what *events* say, up to the end of the answer or the point where it fails.

        Raises:
            ResponseError: they say that the answer failed, or cannot be read.
        """

    def finish(self) -> Iterator[Event]:
        """Yield the closing events once the bytes have ended.

        Raises:
            StreamIncomplete: the provider never said that the answer was finished.
        """


class EventwiseDecoder(ABC):
    """The part of a `StreamDecoder` that takes one event after the other."""

    @property
    @abstractmethod
    def is_done(self) -> bool:
        """Whether the provider said that nothing more comes."""

    def decode(self, events: Iterable[ServerSentEvent]) -> Iterator[Event]:
        """Yield what *events* say, up to the end of the answer."""
        for event in events:
            # What comes after the end is not read, so it must not matter how much of it is in the same piece.
            if self.is_done:
                return
            yield from self.decode_event(event)

    @abstractmethod
    def decode_event(self, event: ServerSentEvent) -> Iterator[Event]:
        """Yield what *event* says."""


class Dialect(Protocol):
    """One wire format, both ways. Stateless, safe to share."""

    def encode_chat(self, request: ChatRequest, endpoint: Endpoint, rules: WireRules) -> HttpRequest:
        """Return the chat call.

        Raises:
            ConfigurationError: the wire has no place for something in the request, such as a file.
        """

    def open_stream(self, failures: FailureReader, rules: WireRules) -> StreamDecoder:
        """Return a decoder for one streamed answer."""

    def decode_answer(self, document: Mapping[str, Any], failures: FailureReader, rules: WireRules) -> Iterator[Event]:
        """Yield the events of an answer that came whole, as one JSON document.

        Raises:
            ResponseError: it is an error, or not an answer of this dialect.
        """

    def encode_models(self, endpoint: Endpoint, path: str) -> HttpRequest:
        """Return the call that lists models; *path* is appended to the base URL."""

    def decode_models(self, document: Mapping[str, Any]) -> tuple[Model, ...]:
        """Return the models of a list, in its order; entries without an id are left out."""


def read_count(value: Any) -> int | None:
    """Return a token count from the wire, or None for anything that is not one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def read_object(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the object under *name*, or an empty one."""
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def read_objects(holder: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects of the list under *name*; whatever is not an object is left out."""
    value = holder.get(name)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def keep_set(fields: Mapping[str, Any], dropped: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the fields that have a value, without those that the provider refuses."""
    return {name: value for name, value in fields.items() if value is not None and name not in dropped}


def encode_json(url: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> HttpRequest:
    """Return a POST of *body*."""
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return HttpRequest("POST", url, {**headers, "Content-Type": "application/json"}, content.encode())


def parse_event(event: ServerSentEvent, failures: FailureReader) -> dict[str, Any]:
    """Return the JSON object that an event carries.

    Raises:
        UnexpectedResponse: it carries something else.
    """
    document = parse_json_object(event.data)
    if document is None:
        raise failures.unreadable("a stream whose parts are not JSON")
    return document


def parse_arguments(call: ToolCall) -> dict[str, Any]:
    """Return a tool call's arguments as the object they stand for.

    Raises:
        ConfigurationError: they are not JSON, so this wire has no place for them.
    """
    arguments = parse_json_object(call.arguments or "{}")
    if arguments is None:
        raise ConfigurationError(
            f"The arguments of the tool call “{call.name}” are not a JSON object.", field="messages"
        )
    return arguments


def split_data_url(url: str) -> tuple[str, str] | None:
    """Return media type and base64 text of a `data:` address (RFC 2397); None for any other address.

    Raises:
        ConfigurationError: it is a `data:` address without base64.
    """
    if not url.startswith("data:"):
        return None
    head, comma, data = url[len("data:") :].partition(",")
    if not comma or not head.endswith(";base64"):
        raise ConfigurationError("An image or file that is sent along must be base64 in its data: address.")
    return head.removesuffix(";base64") or "application/octet-stream", data


def break_off(who: str) -> StreamIncomplete:
    """Return the error for a stream that ended without a finish."""
    return StreamIncomplete(
        f"The answer of {who} broke off in the middle; what came is kept.",
        remedy="Retry to get the whole answer.",
    )
