"""What is sent twice and what is not, several relays, circuits, rules and model groups: counted at the other side."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any

import pytest

from sidestep import (
    Client,
    Config,
    ConnectionFailed,
    ConnectionLost,
    FetchRejected,
    MockResponse,
    MockTransport,
    Provider,
    Relay,
    RetryPolicy,
    RouteTaken,
    SidestepError,
    TextDelta,
    TransportTimeout,
)
from sidestep.config import Consent
from sidestep.policies import Policies, load_policies
from sidestep.routing.evidence import EVIDENCE_LIFETIME
from sidestep.routing.health import HealthKey
from sidestep.routing.plan import Candidate
from sidestep.transports.mock import MockSurroundings
from sidestep.types import Event, HttpRequest, ModelTaken
from tests.unit.answers import EVENT_STREAM, delta, refused, said, sse

PAGE = "https://page.test"
NOW = 1_790_000_000.0
ZAI = Provider("zai-coding", api_key="zai-key-123")
OPENAI = Provider("openai", api_key="openai-key-123")
GROQ = Provider("groq", api_key="groq-key-123")
RELAYS = tuple(
    Relay(f"https://{name}.test", token=f"{name}-token", id=name, name=name) for name in ("one", "two", "three")
)
ONLY_RELAYED = (Provider("zai-coding", api_key="zai-key-123", route="relay"),)
REJECTED = FetchRejected("refused by the browser")
READY = refused(200, {"status": "ready"})

Answer = MockResponse | Exception | Callable[[HttpRequest], MockResponse | Exception]


class World:
    """Providers and relays that answer as told, and a client in the middle of them."""

    def __init__(self, *relays: Relay, policies: Policies | None = None, page: str = PAGE, **answers: Answer) -> None:
        self.answers: dict[str, Answer] = answers
        self.now = NOW
        self.transport = MockTransport(self._answer)
        self.waits: list[float] = []
        self.arrivals: asyncio.Queue[HttpRequest] = asyncio.Queue()
        self.client = Client(
            config=Config(
                (ZAI, OPENAI, GROQ),
                relays,
                frozenset(Consent(relay.id, "*") for relay in relays),
                policies or Policies(),
            ),
            transport=self.transport,
            surroundings=MockSurroundings(),
            page_origin=page,
            retries=RetryPolicy(attempts=2),
            clock=lambda: self.now,
            sleep=self._sleep,
            draw=lambda: 0.0,
        )

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    def _answer(self, request: HttpRequest) -> MockResponse | Exception:
        self.arrivals.put_nowait(request)
        words = request.url.removeprefix("https://").split("/")[0].split(".")
        name = words[1] if words[0] == "api" else words[0]
        answer = self.answers[name]
        if request.method == "GET" and request.url.endswith("/readyz"):
            return answer if isinstance(answer, Exception) else READY
        return answer(request) if callable(answer) else answer

    async def ask(
        self, model: str = "zai-coding/glm-4.6", **parameters: Any
    ) -> tuple[list[Event], SidestepError | None]:
        events: list[Event] = []
        try:
            async for event in self.client.stream(model, "Hi", **parameters):
                events.append(event)  # noqa: PERF401 - what came before the error must be kept
        except SidestepError as error:
            return events, error
        return events, None

    @property
    def chats(self) -> list[str]:
        """Who was sent a chat, in order."""
        return [request.url.split("/")[2] for request in self.transport.requests if request.method == "POST"]

    @property
    def knocks(self) -> list[str]:
        """Which relays were asked whether they are there, in order."""
        return [request.url.split("/")[2] for request in self.transport.requests if request.url.endswith("/readyz")]


def cut(*pieces: str) -> MockResponse:
    return MockResponse(
        200, EVENT_STREAM, [sse(*(delta(piece) for piece in pieces), done=False), ConnectionLost("cut")]
    )


def taken(events: list[Event]) -> str:
    return next(event.route.label for event in events if isinstance(event, RouteTaken))


def text(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


# What may be sent twice: one test for each row of the table in docs/routing.md.


async def test_row_no_connection_came_about_every_next_route_is_tried() -> None:
    gone = ConnectionFailed("nobody there")
    world = World(*RELAYS, page="", z=gone, one=gone, two=gone, three=said("Hello"))
    events, error = await world.ask()
    assert (error, text(events)) == (None, "Hello")
    assert world.chats == ["api.z.ai", "three.test"]


async def test_row_the_browser_was_refused_the_request_goes_by_the_next_route_once() -> None:
    world = World(*RELAYS, z=REJECTED, one=said("Hello"))
    events, error = await world.ask()
    assert (error, taken(events)) == (None, "relay one")
    assert world.chats == ["api.z.ai", "one.test"]
    assert "refused the browser's direct call, so the same request went through the relay" in str(events)


async def test_row_a_second_unclear_failure_ends_the_request_and_says_why() -> None:
    def lose(request: HttpRequest) -> MockResponse | Exception:
        return REJECTED if request.method == "POST" else READY

    world = World(*RELAYS, z=REJECTED, one=lose, two=said("Hello"), three=said("Hello"))
    _, error = await world.ask()
    assert error is not None
    assert world.chats == ["api.z.ai", "one.test"]
    assert "may have arrived twice already" in error.message
    assert "relay two and relay three" in error.message
    assert len(error.attempts) == 2


async def test_row_the_relay_refused_before_it_asked_the_next_route_is_tried() -> None:
    limit = refused(
        429, {"error": {"origin": "relay", "type": "relay_error", "code": "rate_limited", "message": "Slow."}}
    )
    world = World(*RELAYS[:2], z=REJECTED, one=limit, two=said("Hello"))
    events, error = await world.ask()
    assert (error, taken(events)) == (None, "relay two")
    assert world.chats.count("api.z.ai") == 1


async def test_row_what_a_provider_answered_is_final_by_whatever_route() -> None:
    world = World(*RELAYS, z=refused(400, {"error": {"message": "No."}}), one=said("Hello"))
    _, error = await world.ask()
    assert type(error).__name__ == "BadRequest"
    assert world.chats == ["api.z.ai"]


async def test_row_not_now_is_repeated_by_the_same_route_after_a_wait() -> None:
    answers = iter([refused(429, {"error": {"message": "Slow."}}, **{"retry-after": "7"}), said("Hello")])
    world = World(*RELAYS, z=lambda _: next(answers), one=said("No"))
    events, error = await world.ask()
    assert (error, taken(events)) == (None, "direct")
    assert (world.chats, world.waits) == (["api.z.ai", "api.z.ai"], [7.0])


async def test_row_after_a_silence_nothing_is_sent_again() -> None:
    world = World(*RELAYS, z=TransportTimeout("silence"), one=said("Hello"))
    _, error = await world.ask()
    assert isinstance(error, TransportTimeout)
    assert world.chats == ["api.z.ai"]


async def test_row_after_the_first_byte_nothing_is_sent_again_and_what_came_is_kept() -> None:
    world = World(*RELAYS, z=cut("Hel"), one=said("Hello"))
    events, error = await world.ask()
    assert isinstance(error, ConnectionLost)
    assert (text(events), world.chats) == ("Hel", ["api.z.ai"])


# Several relays


async def test_a_dead_relay_costs_one_knock_and_no_request() -> None:
    world = World(*RELAYS, z=REJECTED, one=REJECTED, two=said("Hello"), three=said("Hello"))
    world.client.config = replace(world.client.config, providers=ONLY_RELAYED)
    for _ in range(12):
        _, error = await world.ask()
        assert error is None
        world.now += 0.5
    assert world.knocks.count("one.test") == 1
    assert "one.test" not in world.chats
    assert len(world.chats) == 12


async def test_a_relay_that_is_back_is_tried_after_its_cool_down() -> None:
    world = World(*RELAYS[:2], z=REJECTED, one=REJECTED, two=said("Hello"))
    world.client.config = replace(world.client.config, providers=ONLY_RELAYED)
    await world.ask()
    world.answers["one"] = said("Hello")
    await world.ask()
    assert world.chats == ["two.test", "two.test"]
    world.now += 11
    world.answers["two"] = REJECTED
    events, error = await world.ask()
    assert (error, taken(events)) == (None, "relay one")
    assert world.client.knowledge.health.find_status(HealthKey("*", "one"), world.now).failures == 0


async def test_the_only_relay_is_not_asked_whether_it_is_there() -> None:
    world = World(RELAYS[0], z=REJECTED, one=said("Hello"))
    await world.ask()
    assert world.knocks == []


async def test_a_conversation_stays_with_its_relay() -> None:
    world = World(*RELAYS, z=REJECTED, one=said("a"), two=said("b"), three=said("c"))
    world.client.config = replace(world.client.config, providers=ONLY_RELAYED)
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "So?"},
    ]
    for name in "abcdefgh":
        world.transport.requests.clear()
        for _ in range(3):
            await world.client.complete("zai-coding/glm-4.6", turns, conversation=name)
        assert len(set(world.chats)) == 1


# What is learned


async def test_a_blocked_way_costs_one_request_and_no_more() -> None:
    world = World(RELAYS[0], z=REJECTED, one=said("Hello"))
    for _ in range(3):
        await world.ask()
    assert world.chats == ["api.z.ai", "one.test", "one.test", "one.test"]
    explained = world.client.explain("zai-coding/glm-4.6")
    assert explained.classification.way == "relay required"


async def test_a_wrong_key_behind_hidden_errors_blocks_nothing() -> None:
    wrong = refused(401, {"error": {"message": "Wrong key.", "origin": "provider", "provider_status": 401}})
    world = World(RELAYS[0], z=REJECTED, one=wrong)
    for _ in range(4):
        _, error = await world.ask()
        assert type(error).__name__ == "AuthenticationError"
    assert world.client.explain("zai-coding/glm-4.6").classification.way == "unknown"
    assert [row.route.label for row in world.client.explain("zai-coding/glm-4.6").included] == ["direct", "relay one"]


async def test_hidden_errors_are_known_where_good_answers_came_before() -> None:
    world = World(
        RELAYS[0], z=said("Hello"), one=refused(401, {"error": {"message": "Wrong key.", "origin": "provider"}})
    )
    await world.ask()
    world.answers["z"] = REJECTED
    await world.ask()
    assert "hides its refusals" in world.client.explain("zai-coding/glm-4.6").included[0].reason


async def test_a_web_page_or_nonsense_with_a_good_status_teaches_nothing() -> None:
    page = MockResponse(200, {"content-type": "text/html"}, [b"<!doctype html>"])
    nonsense = refused(200, {"hello": "world"})
    for answers in ({"z": page}, {"z": nonsense}, {"z": REJECTED, "one": page}, {"z": REJECTED, "one": nonsense}):
        world = World(RELAYS[0], **answers)
        _, error = await world.ask()
        assert type(error).__name__ == "UnexpectedResponse"
        assert world.client.evidence.to_list(world.now) == []


async def test_a_refusal_that_a_relay_began_to_bring_as_a_stream_is_no_good_answer() -> None:
    wrong = MockResponse(200, EVENT_STREAM, [sse({"error": {"message": "No.", "code": "provider_auth"}}, done=False)])
    world = World(RELAYS[0], z=REJECTED, one=wrong)
    _, error = await world.ask()
    assert type(error).__name__ == "AuthenticationError"
    assert world.client.explain("zai-coding/glm-4.6").classification.way == "unknown"


FORBIDDEN = refused(401, {"error": {"message": "CORS requests are not allowed for this Organization"}})


async def test_a_provider_that_forbids_browsers_is_asked_once_and_then_by_the_relay() -> None:
    world = World(RELAYS[0], anthropic=FORBIDDEN, one=said("Hello"))
    world.client.config = replace(world.client.config, providers=(Provider("anthropic", api_key="claude-key-123"),))
    for _ in range(3):
        _, error = await world.ask("anthropic/claude-opus-5-5")
        assert error is None
    assert world.chats == ["api.anthropic.com", "one.test", "one.test", "one.test"]
    assert "forbids calls from browsers" in world.client.explain("anthropic/claude-opus-5-5").included[0].reason
    world.now += 601
    assert await world.client.reprobe() == (), "that it says so is no opening"
    world.answers["anthropic"] = refused(400, {"error": {"message": "No messages."}})
    world.now += 1201
    assert await world.client.reprobe() == ("anthropic",)


async def test_a_diagnosis_compares_with_the_relay_that_helped() -> None:
    world = World(*RELAYS[:2], z=REJECTED, one=REJECTED, two=said("Hello"))
    await world.ask()
    world.transport.requests.clear()
    await world.client.diagnose("zai-coding")
    assert {request.url.split("/")[2] for request in world.transport.requests} == {"api.z.ai", "two.test"}


async def test_a_blocked_way_that_opens_is_found_quietly_and_taken_again() -> None:
    world = World(RELAYS[0], z=REJECTED, one=said("Hello"))
    await world.ask()
    assert await world.client.reprobe() == ()
    world.now += 601
    assert await world.client.reprobe() == ()
    looks = [request for request in world.transport.requests if request.method == "POST" and request.body == b"{}"]
    assert len(looks) == 1
    assert looks[0].headers.keys() == world.transport.requests[0].headers.keys()
    assert await world.client.reprobe() == ()
    world.answers["z"] = refused(400, {"error": {"message": "No messages."}})
    world.now += 1201
    assert await world.client.reprobe() == ("zai-coding",)
    assert "works again" in world.client.explain("zai-coding/glm-4.6").included[0].reason
    world.answers["z"] = said("Hello")
    events, _ = await world.ask()
    assert taken(events) == "direct"


async def test_quiet_looks_stop_with_the_evidence_they_are_about() -> None:
    world = World(RELAYS[0], z=REJECTED, one=said("Hello"))
    await world.ask()
    world.now += EVIDENCE_LIFETIME + 1
    count = len(world.transport.requests)
    await world.client.reprobe()
    assert len(world.transport.requests) == count


async def test_a_key_is_written_down_where_it_went() -> None:
    world = World(RELAYS[0], z=REJECTED, one=said("Hello"))
    await world.ask()
    rows = {(row["provider"], row["destination"], row["relay"]) for row in world.client.knowledge.ledger.to_list()}
    assert rows == {("zai-coding", "https://api.z.ai", None), ("zai-coding", "https://one.test", "one")}


async def test_a_provider_that_is_down_is_not_asked_again_and_again() -> None:
    world = World(RELAYS[0], z=refused(529, {"error": {"message": "Overloaded."}}), one=said("Hello"))
    await world.ask()
    assert (len(world.chats), len(world.waits)) == (3, 2)
    _, error = await world.ask()
    assert type(error).__name__ == "Overloaded"
    assert (len(world.chats), len(world.waits)) == (4, 2)
    assert world.client.explain("zai-coding/glm-4.6").outage is not None
    world.answers["z"] = said("Hello")
    assert (await world.ask())[1] is None
    assert world.client.explain("zai-coding/glm-4.6").outage is None


# Rules and model groups


def lay_down(**document: Any) -> Policies:
    policies, problems = load_policies(document)
    assert problems == ()
    return policies


GROUP = lay_down(groups=[{"name": "best", "members": [{"model": "zai-coding/glm-4.6"}, {"model": "openai/gpt-5.2"}]}])


@pytest.mark.parametrize(
    "failure",
    [
        refused(503, {"error": {"message": "Down."}}),
        refused(429, {"error": {"code": "1113", "message": "No balance."}}),
    ],
)
async def test_a_group_moves_on_from_an_outage_and_a_quota_and_says_so(failure: MockResponse) -> None:
    world = World(policies=GROUP, z=failure, openai=said("Hello"))
    events, error = await world.ask("group/best")
    assert (error, text(events)) == (None, "Hello")
    moves = [event for event in events if isinstance(event, ModelTaken)]
    assert [move.model for move in moves] == ["zai-coding/glm-4.6", "openai/gpt-5.2"]
    assert "could not answer" in moves[-1].reason
    world.transport.requests.clear()
    await world.ask("group/best")
    assert world.chats[0] == "api.openai.com"


async def test_a_group_does_not_hide_a_wrong_key() -> None:
    world = World(policies=GROUP, z=refused(401, {"error": {"message": "Wrong key."}}), openai=said("Hello"))
    _, error = await world.ask("group/best")
    assert type(error).__name__ == "AuthenticationError"
    assert world.chats == ["api.z.ai"]


async def test_a_group_does_not_move_on_once_an_answer_has_begun() -> None:
    world = World(policies=GROUP, z=cut("Hel"), openai=said("Hello"))
    events, error = await world.ask("group/best")
    assert isinstance(error, ConnectionLost)
    assert text(events) == "Hel"


async def test_an_unknown_group_is_named_with_those_there_are() -> None:
    _, error = await World(policies=GROUP).ask("group/worst")
    assert error is not None
    assert "there is best" in error.message


async def test_a_rule_puts_another_model_in_the_place_and_the_answer_says_so() -> None:
    rule = {
        "id": "a",
        "name": "Small",
        "when": {"tokens": {"max": 100}},
        "then": {"model": "groq/llama-3.1-8b-instant"},
    }
    world = World(policies=lay_down(rules=[rule]), groq=said("Hello"))
    events, error = await world.ask("openai/gpt-5.2")
    assert (error, world.chats) == (None, ["api.groq.com"])
    assert events[0] == ModelTaken(
        "groq/llama-3.1-8b-instant",
        "The rule “Small” asks groq/llama-3.1-8b-instant in the place of openai/gpt-5.2.",
    )


async def test_a_rule_chooses_the_relay_by_tag() -> None:
    rule = {"id": "a", "when": {"tags": ["private"]}, "then": {"policy": "relay", "relays": ["two"]}}
    world = World(*RELAYS, policies=lay_down(rules=[rule]), z=said("a"), two=said("b"))
    assert taken((await world.ask(tags=["private"]))[0]) == "relay two"
    assert taken((await world.ask())[0]) == "direct"


async def test_a_rule_in_python_decides_and_one_that_fails_is_named_and_passed_over() -> None:
    head = "def route(request, context):\n    "
    rules = [
        {"id": "bad", "python": f"{head}return 1 / 0"},
        {"id": "good", "python": f"{head}if context['routes']['openai'] == 'unknown': return {{'policy': 'relay'}}"},
    ]
    world = World(RELAYS[0], policies=lay_down(rules=rules), z=said("a"), one=said("b"))
    explained = world.client.explain("zai-coding/glm-4.6", "Hi")
    assert explained.decision.rule_id == "good"
    assert [rule.id for rule in explained.decision.ignored] == ["bad"]
    assert taken((await world.ask())[0]) == "relay one"


# Sharing and keeping


CACHING = lay_down(options={"caches_answers": True})


class Slow(MockResponse):
    """An answer whose second half waits until it is let go."""

    def __init__(self) -> None:
        super().__init__(200, EVENT_STREAM)
        self.gate = asyncio.Event()

    async def chunks(self) -> AsyncGenerator[bytes]:
        yield sse(delta("Hel"), done=False)
        await self.gate.wait()
        yield sse(delta("lo"), delta(finish="stop"))


@pytest.mark.parametrize(("parameters", "count"), [({}, 1), ({"is_fresh": True}, 2)])
async def test_identical_requests_in_flight_share_one_call_unless_a_fresh_one_is_wanted(
    parameters: dict[str, Any], count: int
) -> None:
    slow = Slow()
    world = World(z=slow)
    both = [asyncio.ensure_future(world.ask(**parameters)) for _ in range(2)]
    for _ in range(count):
        await world.arrivals.get()
    slow.gate.set()
    assert [text(events) for events, _ in await asyncio.gather(*both)] == ["Hello", "Hello"]
    assert len(world.chats) == count


async def test_sharing_can_be_switched_off() -> None:
    slow = Slow()
    world = World(policies=lay_down(options={"shares_requests": False}), z=slow)
    both = [asyncio.ensure_future(world.ask()) for _ in range(2)]
    for _ in range(2):
        await world.arrivals.get()
    slow.gate.set()
    await asyncio.gather(*both)


async def test_an_answer_is_kept_only_if_wanted_marked_and_asked_anew_if_fresh() -> None:
    for policies, count in ((Policies(), 2), (CACHING, 1)):
        world = World(policies=policies, z=said("Hello"))
        await world.ask()
        events, _ = await world.ask()
        assert text(events) == "Hello"
        assert len(world.chats) == count
    route = next(event for event in events if isinstance(event, RouteTaken))
    assert (route.is_cached, route.cached_at) == (True, NOW)
    await world.ask(is_fresh=True)
    assert len(world.chats) == 2


async def test_with_every_route_down_a_kept_answer_is_better_than_none_and_says_so() -> None:
    world = World(RELAYS[0], policies=CACHING, z=said("Hello"), one=REJECTED)
    await world.ask()
    world.answers["z"] = REJECTED
    events, error = await world.ask(is_fresh=True)
    assert (error, text(events)) == (None, "Hello")
    route = next(event for event in events if isinstance(event, RouteTaken))
    assert (route.is_cached, "No route is open" in route.reason) == (True, True)
    world.answers["z"] = refused(401, {"error": {"message": "Wrong key."}})
    _, error = await world.ask(is_fresh=True)
    assert type(error).__name__ == "AuthenticationError"


# Figures


async def test_every_attempt_is_measured_by_route_with_its_outcome() -> None:
    world = World(RELAYS[0], z=REJECTED, one=said("Hello"))
    await world.ask()
    world.answers["one"] = cut("Hel")
    await world.ask()
    rows = {(row.route, *row.outcomes.items()) for row in world.client.knowledge.metrics.summarise(world.now)}
    assert rows == {("direct", ("FetchRejected", 1)), ("one", ("ok", 1), ("ConnectionLost", 1))}
    status = world.client.knowledge.health.find_status(HealthKey("zai-coding", "one"), world.now)
    assert (status.level, status.failures) == ("degraded", 1)


async def test_a_relay_that_was_heard_from_is_not_asked_again_whether_it_is_there() -> None:
    world = World(*RELAYS, z=REJECTED, one=said("a"), two=said("b"), three=said("c"))
    for _ in range(9):
        await world.ask()
    assert len(world.knocks) == len(set(world.knocks)) > 0


async def test_a_providers_silence_through_a_relay_is_not_held_against_the_relay() -> None:
    world = World(RELAYS[0], z=REJECTED, one=TransportTimeout("silence"))
    await world.ask()
    health = world.client.knowledge.health
    assert health.find_status(HealthKey("zai-coding", "one"), world.now).level == "degraded"
    assert health.find_status(HealthKey("*", "one"), world.now).level == "unknown"


async def test_while_one_request_tries_a_relay_that_failed_others_keep_away() -> None:
    world = World(*RELAYS[:2], z=REJECTED, one=REJECTED, two=said("Hello"))
    world.client.config = replace(world.client.config, providers=ONLY_RELAYED)
    await world.ask()
    world.now += 60
    others: list[Candidate] = []

    def answer(_: HttpRequest) -> MockResponse:
        others.extend(world.client.explain("zai-coding/glm-4.6").included)
        return said("Hello")

    world.answers |= {"one": answer, "two": REJECTED}
    events, _ = await world.ask()
    assert taken(events) == "relay one"
    assert "another request is finding out" in next(row for row in others if row.route.relay_id == "one").reason
    after = world.client.explain("zai-coding/glm-4.6").included
    assert not next(row for row in after if row.route.relay_id == "one").is_resting


async def test_a_browser_that_is_refused_again_and_again_goes_by_the_relay_first() -> None:
    world = World(RELAYS[0], z=REJECTED, one=REJECTED)
    for _ in range(3):
        await world.ask()
    explained = world.client.explain("zai-coding/glm-4.6")
    assert explained.classification.way == "unknown"
    assert explained.health["direct"].level == "failing"
    world.answers["one"] = said("Hello")
    events, _ = await world.ask()
    assert taken(events) == "relay one"


@pytest.mark.parametrize("route", ["direct", "relay"])
async def test_a_way_that_the_user_chose_is_not_looked_at_quietly(route: str) -> None:
    world = World(RELAYS[0], z=REJECTED, one=said("Hello"))
    await world.ask()
    world.now += 700
    chosen = (Provider("zai-coding", api_key="zai-key-123", route=route),)
    world.client.config = replace(world.client.config, providers=chosen)
    count = len(world.transport.requests)
    await world.client.reprobe()
    assert len(world.transport.requests) == count


async def test_a_member_whose_provider_is_gone_takes_only_itself_out_of_a_group() -> None:
    members = [{"model": "gone/x"}, {"model": "openai/gpt-5.2"}]
    world = World(policies=lay_down(groups=[{"name": "best", "members": members}]), openai=said("Hello"))
    events, error = await world.ask("group/best")
    assert (error, text(events)) == (None, "Hello")
    world = World(policies=lay_down(groups=[{"name": "best", "members": members[:1]}]))
    _, error = await world.ask("group/best")
    assert error is not None
    assert "no provider “gone”" in error.message
