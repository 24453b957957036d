"""Shared calls and kept answers: what the listeners get, and what the provider notices."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest

from sidestep import errors
from sidestep.errors import Cancelled, RateLimited, SidestepError
from sidestep.sharing import KEPT_ANSWER, AnswerCache, SharedCalls, make_key
from sidestep.types import (
    Event,
    Finished,
    HttpRequest,
    ReasoningDelta,
    ReasoningSignature,
    Retrying,
    Route,
    RouteFailed,
    RouteTaken,
    TextDelta,
    ToolCallDelta,
    Usage,
)

TAKEN = RouteTaken(Route("direct"), "Nothing stood in between.")
STOP = Finished("stop")
NOW = 1_790_000_000.0


class Upstream:
    """A provider whose answer is given piece by piece, and who notices when the call is closed."""

    def __init__(self) -> None:
        self.starts = 0
        self.closed = 0
        self._pieces: list[asyncio.Queue[Event | Exception | None]] = []

    async def __call__(self) -> AsyncGenerator[Event]:
        pieces: asyncio.Queue[Event | Exception | None] = asyncio.Queue()
        self._pieces.append(pieces)
        self.starts += 1
        try:
            while (piece := await pieces.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            # To close takes a while, as it does with a real connection.
            for _ in range(5):
                await asyncio.sleep(0)
            self.closed += 1

    async def give(self, *pieces: Event | Exception | None, call: int = -1) -> None:
        await settle()
        for piece in pieces:
            self._pieces[call].put_nowait(piece)
        await settle()


async def settle() -> None:
    """Let everything that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


class Listener:
    """Reads a stream in a task of its own, and keeps what came."""

    def __init__(self, stream: AsyncGenerator[Event]) -> None:
        self.events: list[Event] = []
        self._stream = stream
        self.task = asyncio.ensure_future(self._read())
        # Pyodide's loop complains of a task that fails before anybody looks at it.
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _read(self) -> list[Event]:
        async with aclosing(self._stream) as events:
            async for event in events:
                self.events.append(event)
        return self.events


def checked(test: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Run *test* and see that it leaves no task and no unseen error behind."""

    async def run() -> None:
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        before = asyncio.all_tasks()
        try:
            await test()
            await settle()
            left = asyncio.all_tasks() - before
            gc.collect()
            await settle()
        finally:
            asyncio.get_running_loop().set_exception_handler(None)
        assert not left
        assert not complaints

    run.__name__ = test.__name__
    return run


@checked
async def test_identical_requests_in_flight_are_one_call() -> None:
    upstream, shared = Upstream(), SharedCalls()
    listeners = [Listener(shared.stream("same", upstream)) for _ in range(3)]
    await upstream.give(TAKEN, TextDelta("Hello"), STOP, None)
    for listener in listeners:
        assert await listener.task == [TAKEN, TextDelta("Hello"), STOP]
    assert (upstream.starts, upstream.closed) == (1, 1)


@checked
async def test_other_requests_are_other_calls() -> None:
    upstream, shared = Upstream(), SharedCalls()
    one, other = Listener(shared.stream("one", upstream)), Listener(shared.stream("other", upstream))
    await upstream.give(TextDelta("1"), None, call=0)
    await upstream.give(TextDelta("2"), None, call=1)
    assert [await one.task, await other.task] == [[TextDelta("1")], [TextDelta("2")]]


@checked
async def test_who_comes_later_gets_all_that_came_and_then_follows_live() -> None:
    upstream, shared = Upstream(), SharedCalls()
    early = Listener(shared.stream("same", upstream))
    await upstream.give(TAKEN, TextDelta("Hel"))
    late = Listener(shared.stream("same", upstream))
    await settle()
    assert late.events == [TAKEN, TextDelta("Hel")]
    await upstream.give(TextDelta("lo"))
    assert late.events == early.events == [TAKEN, TextDelta("Hel"), TextDelta("lo")]
    await upstream.give(STOP, None)
    assert await late.task == await early.task
    assert upstream.starts == 1


@checked
async def test_a_slow_listener_stops_nobody_and_misses_nothing() -> None:
    upstream, shared = Upstream(), SharedCalls()
    slow = shared.stream("same", upstream)
    quick = Listener(shared.stream("same", upstream))
    first = asyncio.ensure_future(anext(slow))
    await upstream.give(TAKEN, *[TextDelta(str(number)) for number in range(50)], STOP, None)
    assert len(await quick.task) == 52
    assert await first == TAKEN
    assert [event async for event in slow] == quick.events[1:]


@checked
async def test_an_error_reaches_everyone_after_what_came() -> None:
    upstream, shared = Upstream(), SharedCalls()
    listeners = [Listener(shared.stream("same", upstream)) for _ in range(2)]
    cause = ValueError("below")
    failure = RateLimited("Slow down.", status=429, retry_after=7.0, remedy="Wait.")
    failure.__cause__ = cause
    await upstream.give(TextDelta("Half"), failure)
    raised: list[RateLimited] = []
    for listener in listeners:
        with pytest.raises(RateLimited) as caught:
            await listener.task
        raised.append(caught.value)
        assert listener.events == [TextDelta("Half")]
        assert (caught.value.message, caught.value.remedy, caught.value.retry_after) == ("Slow down.", "Wait.", 7.0)
        assert caught.value.__cause__ is cause
    raised[0].partial_text = "Half"
    assert raised[1].partial_text == ""


@checked
async def test_a_foreign_error_reaches_everyone_too() -> None:
    upstream, shared = Upstream(), SharedCalls()
    listeners = [Listener(shared.stream("same", upstream)) for _ in range(2)]
    await upstream.give(ZeroDivisionError())
    for listener in listeners:
        with pytest.raises(ZeroDivisionError):
            await listener.task


@pytest.mark.parametrize("kind", [kind for name in errors.__all__ if isinstance(kind := getattr(errors, name), type)])
async def test_every_error_of_ours_can_be_handed_on(kind: type[SidestepError]) -> None:
    async def fail() -> AsyncGenerator[Event]:
        yield TAKEN
        raise kind("It failed.", remedy="Try again.")

    with pytest.raises(kind) as caught:
        _ = [event async for event in SharedCalls().stream("same", fail)]
    assert (caught.value.message, caught.value.remedy) == ("It failed.", "Try again.")


@checked
async def test_a_retry_straight_after_an_error_is_a_new_call() -> None:
    calls: list[int] = []

    async def fail_once() -> AsyncGenerator[Event]:
        calls.append(1)
        if len(calls) == 1:
            raise RateLimited("Slow down.", status=429)
        yield STOP

    shared = SharedCalls()
    with pytest.raises(RateLimited):
        _ = [event async for event in shared.stream("same", fail_once)]
    assert [event async for event in shared.stream("same", fail_once)] == [STOP]


@checked
async def test_an_ended_call_is_not_joined_even_while_somebody_still_reads_it() -> None:
    upstream, shared = Upstream(), SharedCalls()
    slow = shared.stream("same", upstream)
    first = asyncio.ensure_future(anext(slow))
    await upstream.give(TAKEN, STOP, None)
    again = Listener(shared.stream("same", upstream))
    await upstream.give(TextDelta("new"))
    assert [await first, *[event async for event in slow]] == [TAKEN, STOP]
    joining = Listener(shared.stream("same", upstream))
    await settle()
    assert upstream.starts == 2
    await upstream.give(None)
    assert await again.task == await joining.task == [TextDelta("new")]


@checked
async def test_the_call_goes_on_until_the_last_listener_leaves_and_is_closed_before_that_returns() -> None:
    upstream, shared = Upstream(), SharedCalls()
    one, other = shared.stream("same", upstream), shared.stream("same", upstream)
    waiting = [asyncio.ensure_future(anext(one)), asyncio.ensure_future(anext(other))]
    await upstream.give(TAKEN)
    assert await asyncio.gather(*waiting) == [TAKEN, TAKEN]
    await one.aclose()
    await settle()
    assert upstream.closed == 0
    await upstream.give(TextDelta("on"))
    assert await anext(other) == TextDelta("on")
    await other.aclose()
    assert upstream.closed == 1


@checked
async def test_a_cancelled_listener_leaves_and_the_last_one_takes_the_call_with_it() -> None:
    upstream, shared = Upstream(), SharedCalls()
    one, other = Listener(shared.stream("same", upstream)), Listener(shared.stream("same", upstream))
    await settle()
    one.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one.task
    assert upstream.closed == 0
    other.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await other.task
    assert upstream.closed == 1


@checked
async def test_who_asks_while_the_old_call_is_being_closed_gets_a_new_one() -> None:
    upstream, shared = Upstream(), SharedCalls()
    leaver = Listener(shared.stream("same", upstream))
    await settle()
    leaver.task.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert upstream.closed == 0
    comer = Listener(shared.stream("same", upstream))
    await upstream.give(STOP, None)
    assert await comer.task == [STOP]
    assert leaver.task.cancelled()
    assert (upstream.starts, upstream.closed) == (2, 2)


@checked
async def test_who_leaves_before_the_call_has_begun_leaves_nothing_behind() -> None:
    upstream, shared = Upstream(), SharedCalls()
    leaver = Listener(shared.stream("same", upstream))
    await asyncio.sleep(0)
    leaver.task.cancel()
    await settle()
    assert leaver.task.cancelled()
    assert upstream.starts == upstream.closed
    comer = Listener(shared.stream("same", upstream))
    await upstream.give(STOP, None)
    assert await comer.task == [STOP]


@checked
async def test_an_error_that_nobody_waits_for_any_more_is_no_complaint() -> None:
    async def fail_on_closing() -> AsyncGenerator[Event]:
        try:
            yield TAKEN
            await asyncio.Event().wait()
        finally:
            raise RateLimited("Too late.", status=429)

    stream = SharedCalls().stream("same", fail_on_closing)
    assert await anext(stream) == TAKEN
    await stream.aclose()


@checked
async def test_a_call_that_is_cancelled_from_elsewhere_is_said_to_be() -> None:
    async def cancelled() -> AsyncGenerator[Event]:
        yield TAKEN
        raise asyncio.CancelledError

    shared = SharedCalls()
    listeners = [Listener(shared.stream("same", cancelled)) for _ in range(2)]
    for listener in listeners:
        with pytest.raises(Cancelled):
            await listener.task
        assert listener.events == [TAKEN]


SALT = b"0123456789abcdef"
BODY = {"model": "gpt", "messages": [{"role": "user", "content": "Why?"}], "temperature": 0.5}
HEADERS = {"Authorization": "Bearer openai-key-123", "X-Team": "blue"}


def asked(
    body: Any = BODY, url: str = "https://api.test/v1/chat", headers: Any = HEADERS, provider: str = "openai"
) -> str:
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    return make_key(provider, HttpRequest("POST", url, headers, data), SALT)


def test_the_order_of_fields_and_the_case_of_header_names_make_no_other_request() -> None:
    turned = dict(reversed(BODY.items()))
    assert list(turned) != list(BODY)
    assert asked(turned, headers={"x-team": "blue", "authorization": "Bearer openai-key-123"}) == asked()
    assert asked(json.dumps(BODY, indent=2).encode()) == asked()


@pytest.mark.parametrize(
    "other",
    [
        {"body": BODY | {"temperature": 0.6}},
        {"body": BODY | {"seed": None}},
        {"body": BODY | {"messages": [{"role": "user", "content": "Why ?"}]}},
        {"body": BODY | {"messages": [{"content": "Why?", "role": "user"}]}},
        {"body": b"not json"},
        {"body": b"not json either"},
        {"body": b"[]"},
        {"body": b"\xff\xfe"},
        {"body": None},
        {"body": b""},
        {"url": "https://api.test/v2/chat"},
        {"headers": HEADERS | {"Authorization": "Bearer openai-key-124"}},
        {"headers": HEADERS | {"X-Team": "red"}},
        {"headers": {"X-Team": "blue"}},
        {"provider": "openai-2"},
    ],
)
def test_whatever_else_differs_makes_another_request(other: dict[str, Any]) -> None:
    assert asked(**other) != asked()


def test_no_two_of_the_odd_bodies_are_one_request() -> None:
    bodies: list[Any] = [None, b"", b"[]", b"{}", b"null", b'"null"', b"not json", b"\xff\xfe", b"9" * 5000]
    assert len({asked(body) for body in bodies}) == len(bodies)


def test_a_key_says_nothing_of_the_request_without_the_salt() -> None:
    request = HttpRequest("POST", "https://api.test", HEADERS, b"{}")
    one, other = make_key("openai", request, SALT), make_key("openai", request, b"another salt of ours")
    assert one != other
    assert len(one) == 64
    assert set(one) <= set("0123456789abcdef")


ANSWER = (TAKEN, TextDelta("Hello"), Usage(3, 2), STOP)


def kept(*events: Event, **limits: Any) -> AnswerCache:
    cache = AnswerCache(**limits)
    cache.put("key", events, NOW)
    return cache


def test_a_kept_answer_is_always_marked_and_says_since_when() -> None:
    marked = RouteTaken(TAKEN.route, KEPT_ANSWER, is_cached=True, cached_at=NOW)
    assert kept(*ANSWER).get("key", NOW + 60) == (marked, *ANSWER[1:])
    why = "Every route is down; this is an answer kept from earlier."
    (taken, *_) = kept(*ANSWER).get("key", NOW, why) or ()
    assert taken == RouteTaken(TAKEN.route, why, is_cached=True, cached_at=NOW)


def test_another_key_gets_nothing() -> None:
    assert kept(*ANSWER).get("other", NOW) is None


def test_an_answer_is_forgotten_after_its_time_and_when_the_clock_is_set_back() -> None:
    assert kept(*ANSWER, lifetime=60).get("key", NOW + 59.9)
    for moment in (NOW + 60, NOW - 1):
        cache = kept(*ANSWER, lifetime=60)
        assert cache.get("key", moment) is None
        assert len(cache) == 0


def test_to_be_asked_for_makes_no_answer_younger() -> None:
    cache = kept(*ANSWER, lifetime=60)
    assert cache.get("key", NOW + 40)
    assert cache.get("key", NOW + 70) is None


@pytest.mark.parametrize(
    "events",
    [
        (),
        (TAKEN, TextDelta("Hel")),
        (TAKEN, TextDelta("Hel"), Finished("length")),
        (TAKEN, TextDelta("Hel"), Finished("content_filter")),
        (TAKEN, TextDelta("Hel"), Finished("network_error")),
        (TAKEN, TextDelta("Hel"), Finished("unknown")),
        (TAKEN, STOP),
        (TAKEN, ReasoningDelta("Hm"), STOP),
        (TAKEN, STOP, TextDelta("Hello")),
        (TAKEN, TextDelta("Hello"), STOP, STOP),
        (TextDelta("Hello"), STOP),
        (RouteTaken(TAKEN.route, KEPT_ANSWER, is_cached=True, cached_at=NOW), TextDelta("Hello"), STOP),
    ],
)
def test_only_a_new_whole_finished_answer_is_kept(events: tuple[Event, ...]) -> None:
    cache = AnswerCache()
    assert cache.put("key", events, NOW) is False
    assert cache.get("key", NOW) is None


def test_what_went_before_is_not_kept_and_pieces_are_joined() -> None:
    cache = kept(
        RouteFailed(Route("direct"), {}),
        Retrying(1.0, {}, 1),
        TAKEN,
        ReasoningDelta("H"),
        ReasoningDelta("m"),
        ReasoningSignature("proof"),
        ReasoningDelta("So"),
        TextDelta("Hel"),
        TextDelta("lo"),
        ToolCallDelta(0, "a", "", ""),
        ToolCallDelta(0, "", "find", '{"x"'),
        ToolCallDelta(0, "", "", ": 1}", "sign"),
        ToolCallDelta(1, "b", "look", "{}"),
        TextDelta("!"),
        Usage(1, 2),
        Finished("tool_calls"),
    )
    assert (cache.get("key", NOW) or ())[1:] == (
        ReasoningDelta("Hm"),
        ReasoningSignature("proof"),
        ReasoningDelta("So"),
        TextDelta("Hello"),
        ToolCallDelta(0, "a", "find", '{"x": 1}', "sign"),
        ToolCallDelta(1, "b", "look", "{}"),
        TextDelta("!"),
        Usage(1, 2),
        Finished("tool_calls"),
    )


def test_the_least_recently_used_goes_when_there_are_too_many() -> None:
    cache = AnswerCache(entries=2)
    for key in ("a", "b"):
        cache.put(key, ANSWER, NOW)
    assert cache.get("a", NOW)
    cache.put("c", ANSWER, NOW)
    assert [bool(cache.get(key, NOW)) for key in "abc"] == [True, False, True]


def answer_of(length: int) -> tuple[Event, ...]:
    return RouteTaken(Route("direct"), ""), TextDelta("x" * length), STOP


def test_the_cache_holds_so_many_characters_and_no_more() -> None:
    cache = AnswerCache(characters=100)
    for key in ("a", "b"):
        assert cache.put(key, answer_of(46), NOW)
    assert len(cache) == 2
    cache.put("a", answer_of(47), NOW)
    assert [bool(cache.get(key, NOW)) for key in "ab"] == [True, False]
    assert cache.put("b", answer_of(45), NOW)
    assert len(cache) == 2
    assert cache.put("too large", answer_of(97), NOW) is False
    assert len(cache) == 2
    assert cache.put("all", answer_of(96), NOW)
    assert len(cache) == 1


def test_nothing_is_left_after_clearing() -> None:
    cache = kept(*answer_of(96), characters=100)
    cache.clear()
    assert cache.get("key", NOW) is None
    assert cache.put("key", answer_of(96), NOW)
    assert len(cache) == 1
