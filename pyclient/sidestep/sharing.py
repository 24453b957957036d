"""One call for identical requests: those in flight share it, and later ones may be given the answer that was kept.

No IO: whoever uses this says how a call is started. A request is known by `make_key`, never by its words or its key.
"""

from __future__ import annotations

import asyncio
import copy
import hmac
import json
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, fields, replace
from itertools import groupby
from typing import Any

from sidestep.errors import Cancelled, SidestepError
from sidestep.types import (
    Event,
    Finished,
    HttpRequest,
    ReasoningDelta,
    Retrying,
    RouteFailed,
    RouteTaken,
    TextDelta,
    ToolCallDelta,
)

__all__ = ["KEPT_ANSWER", "AnswerCache", "SharedCalls", "make_key"]

KEPT_ANSWER = "This answer was kept from an earlier, identical request; nothing was sent."
"""Why an answer comes from the cache, where nothing else is said."""

Start = Callable[[], AsyncGenerator[Event]]

# An answer that was cut short, refused or lost is not the one that a second request would want.
_WHOLE = frozenset({"stop", "tool_calls"})


def make_key(provider_id: str, request: HttpRequest, salt: bytes) -> str:
    """Return the name under which *request* is shared and its answer kept: 64 hexadecimal digits.

    Provider, method, address, every header with its value (the key among them, and what else changes an answer) and
    the whole body go through HMAC-SHA-256 (RFC 2104), so neither key nor prompt can be found from it. The fields of a
    JSON body may come in any order; inside them order counts, because a model writes its answer in a schema's order.

    Args:
        provider_id: whom it is for.
        request: the request as it goes directly to the provider, whichever route it takes.
        salt: at least 16 random bytes, of this process alone.
    """
    headers = sorted((name.lower(), value) for name, value in request.headers.items())
    identity = [provider_id, request.method, request.url, headers, _canonicalise(request.body)]
    return hmac.digest(salt, json.dumps(identity).encode(), "sha256").hex()


class SharedCalls:
    """Lets identical requests in flight share one call.

    Each listener reads at its own pace, from the beginning: a slow one holds up nobody, and what is kept for it is the
    answer itself, once for all. When the call has ended, the next request with its key is a call of its own.
    """

    def __init__(self) -> None:
        self._calls: dict[str, _Call] = {}

    async def stream(self, key: str, start: Start) -> AsyncGenerator[Event]:
        """Yield the events of the call named *key*, those that came already first.

        The call is started if none is in flight. When its last listener leaves it is cancelled, and its generator is
        closed before this one's `aclose` returns.

        Args:
            key: from `make_key`.
            start: begins the call; not called if there is one to share.

        Raises:
            SidestepError: what the call raised; each listener gets an error of its own to write into.
            Cancelled: something else cancelled the call.
        """
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = _Call(start, lambda ended: self._forget(key, ended))
        call.listeners += 1
        try:
            position = 0
            while await call.has_event(position):
                yield call.events[position]
                position += 1
        finally:
            call.listeners -= 1
            if not call.listeners:
                self._forget(key, call)
                await call.stop()

    def _forget(self, key: str, call: _Call) -> None:
        # By the time the last listener leaves, the name may belong to a newer call.
        if self._calls.get(key) is call:
            del self._calls[key]


class _Call:
    """One call, run by a task of its own, so that it belongs to none of its listeners.

    Attributes:
        events: all that came, in order.
        listeners: how many there are.
    """

    def __init__(self, start: Start, on_end: Callable[[_Call], None]) -> None:
        self.events: list[Event] = []
        self.listeners = 0
        self._news = asyncio.Event()
        self._task = asyncio.ensure_future(self._run(start, on_end))
        self._task.add_done_callback(self._end)

    async def has_event(self, position: int) -> bool:
        """Wait until there is an event at *position*, and say whether one came before the call ended.

        Raises:
            SidestepError: the call failed before.
        """
        while position >= len(self.events):
            if self._task.done():
                self._raise_failure()
                return False
            await self._news.wait()
        return True

    async def stop(self) -> None:
        """Cancel the call and wait until it has cleaned up after itself."""
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, start: Start, on_end: Callable[[_Call], None]) -> None:
        try:
            async with aclosing(start()) as events:
                async for event in events:
                    self.events.append(event)
                    # Wakes all that wait now; whoever comes later looks before it waits.
                    self._news.set()
                    self._news.clear()
        finally:
            on_end(self)

    def _end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            # Looked at even if nobody listens any more, or asyncio would complain of an error that nobody saw.
            task.exception()
        self._news.set()

    def _raise_failure(self) -> None:
        if self._task.cancelled():
            raise Cancelled("The call was stopped. What came is kept.")
        error = self._task.exception()
        if isinstance(error, SidestepError):
            # Whoever catches it writes into it: its route, its partial text.
            own = copy.copy(error)
            own.__cause__ = error.__cause__
            raise own
        if error is not None:
            raise error


@dataclass(frozen=True, slots=True)
class _Kept:
    events: tuple[Event, ...]
    at: float
    characters: int


class AnswerCache:
    """Keeps whole answers for identical requests. In memory only; the least recently used goes first.

    Args:
        lifetime: seconds for which an answer is kept.
        entries: most answers.
        characters: most characters of all answers together.
    """

    def __init__(self, *, lifetime: float = 3600.0, entries: int = 200, characters: int = 4_000_000) -> None:
        self._lifetime = lifetime
        self._most_entries = entries
        self._most_characters = characters
        self._characters = 0
        self._answers: dict[str, _Kept] = {}  # the least recently used first

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def lifetime(self) -> float:
        """Seconds for which an answer is kept."""
        return self._lifetime

    def get(self, key: str, now: float, reason: str = KEPT_ANSWER) -> tuple[Event, ...] | None:
        """Return the events of the answer kept for *key*, or None.

        Its `RouteTaken` is marked as cached and says when the answer was kept; its `Usage` was spent then, not now.

        Args:
            key: from `make_key`.
            now: Unix time in seconds. An answer from the future (the clock was set back) has no known age, and goes.
            reason: the sentence that says why this is not a new answer.
        """
        kept = self._remove(key)
        if kept is None or not 0 <= now - kept.at < self._lifetime:
            return None
        self._add(key, kept)
        return tuple(
            replace(event, reason=reason, is_cached=True, cached_at=kept.at) if isinstance(event, RouteTaken) else event
            for event in kept.events
        )

    def put(self, key: str, events: Iterable[Event], now: float) -> bool:
        """Keep an answer, and say whether it was kept.

        Only one that is new, whole, finished of itself and not larger than the cache is. Failed routes and waits before
        it are not kept, and pieces of text are joined.

        Args:
            key: from `make_key`.
            events: all of the answer's, in order.
            now: Unix time in seconds.
        """
        whole = _compact(events)
        size = _count_characters(whole)
        if not _is_whole(whole) or size > self._most_characters or self._most_entries < 1:
            return False
        self._remove(key)
        self._add(key, _Kept(whole, now, size))
        while len(self._answers) > self._most_entries or self._characters > self._most_characters:
            self._remove(next(iter(self._answers)))
        return True

    def clear(self) -> None:
        """Forget every answer."""
        self._answers.clear()
        self._characters = 0

    def _add(self, key: str, kept: _Kept) -> None:
        self._answers[key] = kept
        self._characters += kept.characters

    def _remove(self, key: str) -> _Kept | None:
        kept = self._answers.pop(key, None)
        if kept:
            self._characters -= kept.characters
        return kept


def _canonicalise(body: bytes | None) -> Any:
    """Return what stands for *body*: the sorted fields of a JSON object, else its bytes."""
    if body is None:
        return None
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if isinstance(document, dict):
        return sorted(document.items(), key=lambda item: item[0])
    return body.hex()


def _is_whole(events: tuple[Event, ...]) -> bool:
    routes = [event for event in events if isinstance(event, RouteTaken)]
    ends = [event for event in events if isinstance(event, Finished)]
    has_answer = any(isinstance(event, TextDelta | ToolCallDelta) for event in events)
    is_new = len(routes) == 1 and not routes[0].is_cached
    return is_new and has_answer and len(ends) == 1 and events[-1] is ends[0] and ends[0].reason in _WHOLE


def _compact(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return *events* without failed routes and waits, pieces that follow each other joined."""
    kept = [event for event in events if not isinstance(event, RouteFailed | Retrying)]
    groups = groupby(enumerate(kept), lambda place: _name_piece(*place))
    return tuple(_join([event for _, event in group]) for _, group in groups)


def _name_piece(position: int, event: Event) -> object:
    """Return what pieces that may be joined have in common; for anything else, its own *position*."""
    match event:
        case TextDelta() | ReasoningDelta():
            return type(event)
        case ToolCallDelta(index):
            return ToolCallDelta, index
    return position


def _join(pieces: list[Event]) -> Event:
    match pieces[0]:
        case TextDelta():
            return TextDelta("".join(piece.text for piece in pieces if isinstance(piece, TextDelta)))
        case ReasoningDelta():
            return ReasoningDelta("".join(piece.text for piece in pieces if isinstance(piece, ReasoningDelta)))
        case ToolCallDelta(index):
            calls = [piece for piece in pieces if isinstance(piece, ToolCallDelta)]
            return ToolCallDelta(
                index,
                next((call.id for call in calls if call.id), ""),
                next((call.name for call in calls if call.name), ""),
                "".join(call.arguments for call in calls),
                next((call.signature for call in calls if call.signature), ""),
            )
    return pieces[0]


def _count_characters(events: Iterable[Event]) -> int:
    values = (getattr(event, field.name) for event in events for field in fields(event))
    return sum(len(value) for value in values if isinstance(value, str))
