"""Whether, when and how often a request is sent again by the way it went before."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from sidestep import (
    AuthenticationError,
    BadRequest,
    Client,
    ConnectionLost,
    FetchRejected,
    MockResponse,
    MockTransport,
    Overloaded,
    Provider,
    QuotaExceeded,
    RateLimited,
    Relay,
    RelayRefused,
    Retrying,
    RetryPolicy,
    RouteTaken,
    ServerError,
    SidestepError,
    StreamIncomplete,
    TextDelta,
    TransportTimeout,
)
from sidestep.routing.retries import Patience, choose_backoff, is_worth_retrying
from sidestep.types import HttpRequest
from tests.unit.answers import EVENT_STREAM, delta, refused, said, sse

OPENAI = Provider("openai", api_key="openai-key-123")
ZAI = Provider("zai-coding", api_key="zai-key-123")
ATTIC = Relay("https://attic.test", token="attic-token-123", name="Attic")

BUSY = refused(503, {"error": {"message": "busy"}})
SLOW = {"error": {"message": "slow down"}}


class Sleeper:
    """Waits no time, and remembers for how long it should have."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


def ask(
    *answers: MockResponse | Exception | Callable[[HttpRequest], MockResponse | Exception], **options: Any
) -> tuple[Client, MockTransport, Sleeper]:
    """Return a client whose provider gives *answers* in order, and what it waits and sends by."""
    rest = list(answers)

    def answer(request: HttpRequest) -> MockResponse | Exception:
        following = rest.pop(0)
        return following(request) if callable(following) else following

    transport, sleeper = MockTransport(answer), Sleeper()
    made = Client([OPENAI, ZAI], [ATTIC], transport=transport, sleep=sleeper, draw=lambda: 1.0, **options)
    return made, transport, sleeper


@pytest.mark.parametrize(
    ("error", "is_worth"),
    [
        (RateLimited("", status=429), True),
        (Overloaded("", status=529), True),
        (Overloaded("", status=429, code="1305"), True),
        (RateLimited("", status=429, code="1302"), True),
        (ServerError("", status=500), True),
        (ServerError("", status=502), True),
        (ServerError("", status=501), False),
        (ServerError("", status=504), False),
        (ServerError("", status=511), False),
        (ServerError("", status=502, code="provider_incomplete"), False),
        (ServerError("", status=200), False),
        (QuotaExceeded("", status=429, code="1113"), False),
        (AuthenticationError("", status=401), False),
        (BadRequest("", status=400), False),
        (RelayRefused("", status=503), False),
        (FetchRejected(""), False),
        (TransportTimeout(""), False),
        (ConnectionLost(""), False),
        (StreamIncomplete(""), False),
    ],
)
def test_only_a_provider_that_says_not_now_is_asked_again(error: SidestepError, is_worth: bool) -> None:
    assert is_worth_retrying(error) is is_worth


def test_an_error_that_says_it_is_final_is_not_retried() -> None:
    error = ServerError("", status=502)
    error.is_retryable = False
    assert not is_worth_retrying(error)


def test_the_backoff_doubles_up_to_its_cap_and_is_jittered_down_to_nothing() -> None:
    assert [choose_backoff(attempt, 30.0, lambda: 1.0) for attempt in (1, 2, 3, 6, 10_000)] == [1, 2, 4, 30, 30]
    assert choose_backoff(3, 30.0, lambda: 0.25) == 1
    assert choose_backoff(3, 30.0, lambda: 0.0) == 0


def waits_of(policy: RetryPolicy, *asked: float | None) -> list[float | None]:
    patience = Patience(policy, lambda: 1.0)
    return [patience.find_wait(RateLimited("", status=429, retry_after=wait)) for wait in asked]


def test_the_providers_word_is_honoured_exactly_and_never_beyond_the_policy() -> None:
    assert waits_of(RetryPolicy(), 7.25, 0.0, 1.0) == [7.25, 0.0, None]
    assert waits_of(RetryPolicy(), 30.0, 30.1) == [30.0, None]
    assert waits_of(RetryPolicy(attempts=3), 30.0, 29.0, 2.0) == [30.0, 29.0, None]
    assert waits_of(RetryPolicy(attempts=9, total_wait=4.0), None, None, None, None) == [1.0, 2.0, 1.0, 0.0]
    assert waits_of(RetryPolicy(attempts=0), 1.0) == [None]


def test_a_wait_that_is_too_long_is_said_and_not_waited_for() -> None:
    error = RateLimited("Slow down.", status=429, retry_after=90.0, remedy="Wait a moment, then retry.")
    assert Patience(RetryPolicy(), lambda: 1.0).find_wait(error) is None
    assert "90 s" in error.remedy


async def test_a_busy_provider_is_asked_again_the_same_way_and_the_waits_are_announced() -> None:
    asked, transport, sleeper = ask(BUSY, refused(429, SLOW, **{"retry-after": "3"}), said("Hello"))
    events = [event async for event in asked.stream("openai/gpt", "Hi")]
    first, second, taken, *_ = events
    assert isinstance(first, Retrying)
    assert (first.wait, first.attempt, first.error["type"]) == (1.0, 1, "Overloaded")
    assert first.error["route"]["kind"] == "direct"
    assert isinstance(second, Retrying)
    assert (second.wait, second.attempt, second.error["retry_after_seconds"]) == (3.0, 2, 3.0)
    assert isinstance(taken, RouteTaken)
    assert TextDelta("Hello") in events
    assert sleeper.waits == [1.0, 3.0]
    assert {request.url for request in transport.requests} == {"https://api.openai.com/v1/chat/completions"}
    assert len({request.body for request in transport.requests}) == 1
    assert len(transport.requests) == 3


async def test_the_last_error_is_raised_when_the_attempts_are_used_up_and_no_other_route_is_tried() -> None:
    asked, transport, sleeper = ask(BUSY, BUSY, BUSY, said("too late"))
    with pytest.raises(Overloaded):
        await asked.complete("openai/gpt", "Hi")
    assert len(transport.requests) == 3
    assert "attic.test" not in str([request.url for request in transport.requests])
    assert sleeper.waits == [1.0, 2.0]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(401, {"error": {"message": "bad key"}}), AuthenticationError),
        (refused(400, {"error": {"message": "no"}}), BadRequest),
        (refused(501, {"error": {"message": "no"}}), ServerError),
        (refused(429, {"error": {"code": "1113", "message": "no package"}}), QuotaExceeded),
        (refused(429, {"error": {"code": "1308", "message": "used up"}}), QuotaExceeded),
        (refused(429, {"error": {"code": "1309", "message": "expired"}}), QuotaExceeded),
        (refused(429, {"error": {"code": "1313", "message": "fair use"}}), QuotaExceeded),
        (refused(429, SLOW, **{"retry-after": "3600"}), RateLimited),
        (TransportTimeout("silence"), TransportTimeout),
    ],
)
async def test_what_waiting_does_not_cure_is_sent_once(answer: Any, kind: type[SidestepError]) -> None:
    asked, transport, sleeper = ask(answer)
    with pytest.raises(kind):
        await asked.complete("zai-coding/glm", "Hi")
    assert (len(transport.requests), sleeper.waits) == (1, [])


@pytest.mark.parametrize("code", ["1302", "1305"])
async def test_zais_passing_troubles_are_waited_out(code: str) -> None:
    asked, transport, _ = ask(refused(429, {"error": {"code": code, "message": "later"}}), said("Hello"))
    assert (await asked.complete("zai-coding/glm", "Hi")).text == "Hello"
    assert len(transport.requests) == 2


@pytest.mark.parametrize(
    "pieces",
    [
        [sse({"error": {"code": 429, "message": "slow down"}})],
        [sse(delta("Half"), {"error": {"type": "overloaded_error", "message": "busy"}}, done=False)],
        [sse(delta("Half"), done=False), ConnectionLost("broke")],
    ],
)
async def test_after_the_first_byte_nothing_is_sent_again(pieces: list[bytes | Exception]) -> None:
    asked, transport, sleeper = ask(MockResponse(200, EVENT_STREAM, pieces))
    with pytest.raises(SidestepError):
        await asked.complete("openai/gpt", "Hi")
    assert (len(transport.requests), sleeper.waits) == (1, [])


async def test_a_relay_brings_the_providers_word_back_and_is_asked_again_itself() -> None:
    busy = {"error": {"origin": "provider", "code": "provider_overloaded", "provider_status": 503, "message": "busy"}}
    asked, transport, _ = ask(
        FetchRejected("refused"), refused(503, busy), said("Hello"), page_origin="https://page.test"
    )
    reply = await asked.complete("openai/gpt", "Hi")
    assert reply.route.route.label == "relay Attic"
    assert [request.url.split("/")[2] for request in transport.requests] == ["api.openai.com"] + ["attic.test"] * 2


async def test_a_wait_can_be_cancelled_and_nothing_is_sent_after_it() -> None:
    waiting = asyncio.Event()

    async def sleep_for_ever(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    transport = MockTransport(lambda _: BUSY)
    asked = Client([OPENAI], transport=transport, sleep=sleep_for_ever)
    task = asyncio.ensure_future(asked.complete("openai/gpt", "Hi"))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(transport.requests) == 1


async def test_patience_can_be_turned_off() -> None:
    asked, transport, _ = ask(BUSY, retries=RetryPolicy(attempts=0))
    with pytest.raises(Overloaded):
        await asked.complete("openai/gpt", "Hi")
    assert len(transport.requests) == 1


async def test_the_list_of_models_is_waited_for_too() -> None:
    live = MockResponse(200, {}, [b'{"data": [{"id": "gpt-new"}]}'])
    asked, transport, sleeper = ask(BUSY, live)
    assert (await asked.models("openai")).source == "live"
    assert (len(transport.requests), sleeper.waits) == (2, [1.0])


async def test_dates_are_read_by_the_clients_clock() -> None:
    later = refused(429, SLOW, **{"retry-after": "Fri, 06 Nov 2026 08:49:47 GMT"})
    asked, _, sleeper = ask(later, said("Hello"), clock=lambda: 1_793_954_977.0)
    await asked.complete("openai/gpt", "Hi")
    assert sleeper.waits == [10.0]


async def test_no_announcement_holds_a_key() -> None:
    leaky = refused(429, {"error": {"message": "openai-key-123", "code": "openai-key-123"}})
    asked, _, _ = ask(leaky, said("Hello"))
    events = [event async for event in asked.stream("openai/gpt", "Hi")]
    assert isinstance(events[0], Retrying)
    assert "key-123" not in json.dumps(dict(events[0].error))
