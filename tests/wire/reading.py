"""Reads an answer's bytes the way the client does, whole or cut, and tells what came of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import astuple, replace
from typing import Any

from sidestep import (
    Event,
    Finished,
    ReasoningDelta,
    ReasoningSignature,
    ResponseError,
    SidestepError,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from sidestep.answers import AnswerReader
from sidestep.catalogue import load_catalogue
from sidestep.dialects import DIALECTS
from sidestep.dialects.failures import FailureReader
from sidestep.types import WireRules

NAMES = {
    TextDelta: "text",
    ReasoningDelta: "reasoning",
    ReasoningSignature: "signature",
    ToolCallDelta: "call",
    Usage: "usage",
    Finished: "finished",
}


def open_reader(provider: str) -> AnswerReader:
    """Return a reader for an answer of *provider*, an id of the catalogue, or of a dialect that has this name."""
    if provider in DIALECTS:
        return AnswerReader(DIALECTS[provider], FailureReader("the provider"), WireRules())
    entry = load_catalogue()[provider]
    return AnswerReader(DIALECTS[entry.dialect], FailureReader("the provider", entry.error_codes), entry.rules)


def read(provider: str, pieces: Iterable[bytes]) -> tuple[list[Event], SidestepError | None]:
    """Return the events of an answer that comes in *pieces*, and the error that it ends with."""
    events: list[Event] = []
    try:
        for event in _run(open_reader(provider), pieces):
            events.append(event)  # noqa: PERF402 - what came before the error must be kept
    except SidestepError as error:
        return events, error
    return events, None


def _run(reader: AnswerReader, pieces: Iterable[bytes]) -> Iterator[Event]:
    for piece in pieces:
        yield from reader.feed(piece)
        if reader.is_done:
            break
    yield from reader.finish()


def join(events: Iterable[Event]) -> list[Event]:
    """Return *events* with neighbours joined that go on with the same thing: how it was cut says nothing."""
    joined: list[Event] = []
    for event in events:
        last = joined[-1] if joined else None
        if isinstance(event, TextDelta | ReasoningDelta) and type(last) is type(event):
            joined[-1] = replace(event, text=last.text + event.text)
        elif isinstance(event, ToolCallDelta) and isinstance(last, ToolCallDelta) and _goes_on(last, event):
            joined[-1] = replace(last, arguments=last.arguments + event.arguments)
        else:
            joined.append(event)
    return joined


def _goes_on(last: ToolCallDelta, event: ToolCallDelta) -> bool:
    return last.index == event.index and not (event.id or event.name or event.signature)


def describe_events(events: Iterable[Event]) -> list[list[Any]]:
    """Return the joined events as the expectations beside the fixtures write them."""
    return [[NAMES[type(event)], *astuple(event)] for event in join(events)]


def describe_error(error: SidestepError | None) -> list[Any] | None:
    """Return class, code and words of *error*."""
    if error is None:
        return None
    return [type(error).__name__, error.code if isinstance(error, ResponseError) else None, error.message]


def read_arguments(events: Iterable[Event]) -> list[tuple[str, Any]]:
    """Return each tool call's name and its arguments as JSON."""
    names: dict[int, str] = {}
    texts: dict[int, str] = {}
    for event in events:
        if isinstance(event, ToolCallDelta):
            names[event.index] = names.get(event.index, "") + event.name
            texts[event.index] = texts.get(event.index, "") + event.arguments
    return [(names[index], json.loads(texts[index] or "{}")) for index in sorted(names)]


def choose_cuts(size: int, *, every_below: int = 4096, samples: int = 400) -> range:
    """Return where to cut *size* bytes in two: everywhere, or at samples of what is too large for that."""
    return range(1, size, 1 if size < every_below else size // samples)
