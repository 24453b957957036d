"""The client: attempts, fallback, learning, and what may be sent twice."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from sidestep import (
    AuthenticationError,
    Client,
    Config,
    ConfigurationError,
    ConnectionLost,
    Event,
    FetchRejected,
    Finished,
    MockResponse,
    MockTransport,
    NoRoute,
    Provider,
    Relay,
    RelayAuthenticationError,
    RelayUnreachable,
    RouteFailed,
    RoutesFailed,
    RouteTaken,
    SidestepError,
    StreamIncomplete,
    TextDelta,
    TransportTimeout,
    UnexpectedResponse,
    UnknownModel,
)
from sidestep.types import HttpRequest
from tests.unit.answers import EVENT_STREAM, delta, refused, said, sse

PAGE = "https://page.test"
ZAI = Provider("zai-coding", api_key="zai-key-123")
OPENAI = Provider("openai", api_key="openai-key-123")
CLAUDE = Provider("anthropic", api_key="claude-key-123")
ATTIC = Relay("https://attic.test", token="attic-token-123", name="Attic")
CELLAR = Relay("https://cellar.test", token="cellar-token-123", name="Cellar")

Handler = Callable[[HttpRequest], MockResponse | Exception]


def client(handler: Handler, *relays: Relay, page: str = PAGE, **options: Any) -> tuple[Client, MockTransport]:
    transport = MockTransport(handler)
    # The first of several relays goes first.
    options.setdefault("draw", lambda: 0.0)
    made = Client([ZAI, OPENAI, CLAUDE], relays, transport=transport, page_origin=page, **options)
    return made, transport


def by_host(**answers: MockResponse | Exception) -> Handler:
    """Answer by the first word of the host: `api` for the provider, else the relay's name."""

    def answer(request: HttpRequest) -> MockResponse | Exception:
        return answers[request.url.removeprefix("https://").split(".")[0]]

    return answer


def hosts(transport: MockTransport) -> list[str]:
    return [request.url.split("/")[2] for request in transport.requests]


async def collect(asked: Client, model: str) -> tuple[list[Event], SidestepError | None]:
    events: list[Event] = []
    try:
        async for event in asked.stream(model, "Hi"):
            events.append(event)  # noqa: PERF401 - what came before the error must be kept
    except SidestepError as error:
        return events, error
    return events, None


REJECTED = FetchRejected("refused by the browser")


async def test_a_direct_answer() -> None:
    asked, transport = client(by_host(api=said("Hello")), ATTIC)
    reply = await asked.complete("openai/gpt-5.2", "Hi")
    assert reply.text == "Hello"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (3, 2)
    assert reply.finish_reason == "stop"
    assert str(reply.route).startswith("direct: ")
    assert hosts(transport) == ["api.openai.com"]
    assert transport.requests[0].headers["Authorization"] == "Bearer openai-key-123"


async def test_anthropic_is_asked_in_its_own_words_and_its_own_header() -> None:
    asked, transport = client(by_host(api=MockResponse(401, {}, [b"{}"])))
    await collect(asked, "anthropic/claude")
    headers = transport.requests[0].headers
    assert headers["x-api-key"] == "claude-key-123"
    assert headers["anthropic-dangerous-direct-browser-access"] == "true"
    assert "Authorization" not in headers


async def test_a_refused_browser_goes_through_the_relay_by_itself() -> None:
    asked, transport = client(by_host(api=REJECTED, attic=said("Hello")), ATTIC)
    events, error = await collect(asked, "zai-coding/glm-4.6")
    assert error is None
    assert [type(event) for event in events[:2]] == [RouteFailed, RouteTaken]
    assert isinstance(events[1], RouteTaken)
    assert events[1].route.label == "relay Attic"
    assert "api.z.ai refused" in events[1].reason
    assert TextDelta("Hello") in events
    relayed = transport.requests[1]
    assert relayed.url == "https://attic.test/v1/chat/completions"
    assert relayed.headers["Authorization"] == "Bearer attic-token-123"
    assert relayed.headers["X-Provider-Key"] == "zai-key-123"
    assert relayed.headers["X-Provider-Base"] == "https://api.z.ai/api/coding/paas/v4"
    assert json.loads(relayed.body or b"")["model"] == "zai/glm-4.6"


async def test_what_was_learned_is_used_for_a_day_and_then_tried_anew() -> None:
    now = 1_790_000_000.0
    asked, transport = client(by_host(api=REJECTED, attic=said("Hi")), ATTIC, clock=lambda: now)
    await asked.complete("zai-coding/glm-4.6", "Hi")
    await asked.complete("zai-coding/glm-4.6", "Hi")
    assert hosts(transport) == ["api.z.ai", "attic.test", "attic.test"]
    now += 24 * 3600 + 1
    await asked.complete("zai-coding/glm-4.6", "Hi")
    assert hosts(transport)[3:] == ["api.z.ai", "attic.test"]
    asked.forget_evidence("zai-coding")
    await asked.complete("zai-coding/glm-4.6", "Hi")
    assert hosts(transport)[5:] == ["api.z.ai", "attic.test"]


async def test_a_hidden_wrong_key_is_named_and_never_taken_for_a_blocked_way() -> None:
    wrong = refused(401, {"error": {"origin": "provider", "provider_status": 401, "message": "bad key"}})
    asked, _ = client(by_host(api=REJECTED, attic=wrong), ATTIC)
    _, error = await collect(asked, "openai/gpt-5.2")
    assert isinstance(error, AuthenticationError)
    assert "OpenAI refused the key" in error.message
    assert [attempt[0]["kind"] for attempt in error.attempts] == ["direct"]
    assert asked.evidence.to_list(0) == []


async def test_a_wrong_relay_token_is_the_relays_word_and_not_the_keys() -> None:
    wrong = refused(401, {"error": {"origin": "relay", "code": "relay_token_wrong", "message": "no"}})
    asked, _ = client(by_host(api=REJECTED, attic=wrong), ATTIC)
    _, error = await collect(asked, "zai-coding/glm-4.6")
    assert isinstance(error, RelayAuthenticationError)
    assert "Attic" in error.message
    assert [attempt[0]["kind"] for attempt in error.attempts] == ["direct"]


async def test_a_dead_relay_is_named_and_the_next_one_asked() -> None:
    asked, transport = client(by_host(api=REJECTED, attic=REJECTED, cellar=said("Hi")), ATTIC, CELLAR)
    reply = await asked.complete("zai-coding/glm-4.6", "Hi")
    assert reply.route.route.label == "relay Cellar"
    assert "Attic did not answer" in reply.route.reason
    assert hosts(transport) == ["api.z.ai", "attic.test", "cellar.test"]


async def test_when_every_route_fails_the_relay_and_its_remedy_are_named() -> None:
    asked, _ = client(by_host(api=REJECTED, attic=REJECTED), ATTIC)
    _, error = await collect(asked, "zai-coding/glm-4.6")
    assert isinstance(error, RoutesFailed)
    assert "“Attic” does not answer at https://attic.test" in error.message
    assert PAGE in error.remedy
    assert len(error.to_dict()["attempts"]) == 2


async def test_without_a_relay_the_remedy_is_one() -> None:
    asked, _ = client(by_host(api=REJECTED))
    _, error = await collect(asked, "zai-coding/glm-4.6")
    assert isinstance(error, RoutesFailed)
    assert "add one under Relays" in error.remedy


async def test_a_relay_without_consent_is_never_shown_the_key() -> None:
    transport = MockTransport(by_host(api=REJECTED))
    asked = Client(config=Config((ZAI,), (ATTIC,)), transport=transport, page_origin=PAGE)
    _, error = await collect(asked, "zai-coding/glm-4.6")
    assert hosts(transport) == ["api.z.ai"]
    assert error is not None
    assert error.to_dict()["consent_needed"] == [ATTIC.id]
    assert "Allow Attic" in error.remedy


@pytest.mark.parametrize(
    "answer",
    [
        refused(401, {"error": {"message": "bad key"}}),
        refused(400, {"error": {"message": "no"}}),
        MockResponse(200, EVENT_STREAM, [b"<html>"]),
        MockResponse(200, EVENT_STREAM, [sse(delta("Hi"), done=False)]),
        TransportTimeout("silence"),
    ],
)
async def test_what_a_provider_answered_or_may_have_got_is_never_sent_twice(answer: MockResponse | Exception) -> None:
    asked, transport = client(by_host(api=answer, attic=said("again")), ATTIC)
    _, error = await collect(asked, "openai/gpt-5.2")
    assert error is not None
    assert hosts(transport) == ["api.openai.com"]


async def test_an_organisation_that_forbids_browsers_is_reached_through_the_relay() -> None:
    forbidden = refused(
        401,
        {"error": {"type": "authentication_error", "message": "CORS requests are not allowed for this Organization"}},
    )
    asked, _ = client(by_host(api=forbidden, attic=said("Hi")), ATTIC)
    reply = await asked.complete("anthropic/claude", "Hi")
    assert reply.route.route.kind == "relay"


async def test_a_connection_lost_in_the_middle_keeps_what_came_and_is_not_resent() -> None:
    pieces: list[bytes | Exception] = [sse(delta("Half"), done=False), ConnectionLost("broke")]
    broken = MockResponse(200, EVENT_STREAM, pieces)
    asked, transport = client(by_host(api=broken, attic=said("again")), ATTIC)
    events, error = await collect(asked, "openai/gpt-5.2")
    assert TextDelta("Half") in events
    assert isinstance(error, ConnectionLost)
    assert error.route is not None
    assert hosts(transport) == ["api.openai.com"]
    assert broken.is_closed
    with pytest.raises(ConnectionLost) as caught:
        await asked.complete("openai/gpt-5.2", "Hi")
    assert caught.value.partial_text == "Half"


async def test_a_connection_lost_after_the_finish_is_no_error() -> None:
    pieces: list[bytes | Exception] = [sse(delta("Whole"), delta(finish="stop"), done=False), ConnectionLost("broke")]
    asked, _ = client(by_host(api=MockResponse(200, EVENT_STREAM, pieces)))
    reply = await asked.complete("openai/gpt-5.2", "Hi")
    assert (reply.text, reply.finish_reason) == ("Whole", "stop")


async def test_half_a_character_at_a_pieces_end_is_made_whole() -> None:
    stream = sse(delta("Grüße 🎈"), delta(finish="stop"))
    for cut in range(1, len(stream)):
        answer = MockResponse(200, EVENT_STREAM, [stream[:cut], stream[cut:]])
        asked, _ = client(by_host(api=answer))
        assert (await asked.complete("openai/gpt-5.2", "Hi")).text == "Grüße 🎈"


async def test_a_relay_answering_garbage_is_named() -> None:
    asked, _ = client(by_host(api=REJECTED, attic=MockResponse(200, {}, [b"<html>captive portal"])), ATTIC)
    _, error = await collect(asked, "zai-coding/glm-4.6")
    assert isinstance(error, UnexpectedResponse)
    assert "Attic" in error.message


async def test_an_error_frame_of_the_relay_in_the_stream() -> None:
    frame = b'event: error\ndata: {"error": {"origin": "provider", "provider_code": "1302", "message": "busy"}}\n\n'
    answer = MockResponse(200, EVENT_STREAM, [sse(delta("Hi"), done=False) + frame])
    asked, _ = client(by_host(api=REJECTED, attic=answer), ATTIC)
    events, error = await collect(asked, "zai-coding/glm-4.6")
    assert TextDelta("Hi") in events
    assert error is not None
    assert error.to_dict()["code"] == "1302"


async def test_closing_the_stream_closes_the_response() -> None:
    answer = MockResponse(200, EVENT_STREAM, [sse(delta("a"), done=False), sse(delta("b"))])
    asked, _ = client(by_host(api=answer))
    stream = asked.stream("openai/gpt-5.2", "Hi")
    while not isinstance(await anext(stream), TextDelta):
        pass
    await stream.aclose()
    assert answer.is_closed


@pytest.mark.parametrize("model", ["gpt-5.2", "nobody/gpt", "openai/", "openai", ""])
async def test_a_model_that_leads_nowhere_gets_a_sentence(model: str) -> None:
    asked, transport = client(by_host())
    _, error = await collect(asked, model)
    assert isinstance(error, UnknownModel)
    assert error.remedy
    assert transport.requests == []


@pytest.mark.parametrize(
    ("messages", "parameters"),
    [
        ([{"role": "user"}], {}),
        ([{"role": "robot", "content": "x"}], {}),
        ("Hi", {"temprature": 1}),
    ],
)
async def test_wrong_arguments_are_refused_before_anything_is_sent(messages: Any, parameters: dict[str, Any]) -> None:
    asked, transport = client(by_host())
    with pytest.raises(ConfigurationError):
        await asked.complete("openai/gpt", messages, **parameters)
    assert transport.requests == []


async def test_no_key_and_no_relay_is_said_before_anything_is_sent() -> None:
    asked = Client([Provider("openai")], transport=MockTransport(by_host()))
    with pytest.raises(NoRoute, match="no key") as caught:
        await asked.complete("openai/gpt", "Hi")
    assert "Add the key" in caught.value.remedy


async def test_outside_a_browser_nothing_is_learned_of_cors() -> None:
    asked, _ = client(by_host(api=said("Hi")), page="")
    await asked.complete("openai/gpt", "Hi")
    assert asked.evidence.to_list(0) == []


async def test_no_error_holds_a_key() -> None:
    leaky = "zai-key-123 attic-token-123"
    for answer in (
        refused(401, {"error": {"message": f"bad key {leaky}"}}),
        refused(500, {"error": {"origin": "relay", "message": f"oops {leaky}"}}),
        MockResponse(200, {}, [sse({"error": {"message": leaky}})]),
    ):
        asked, _ = client(by_host(api=REJECTED, attic=answer), ATTIC)
        _, error = await collect(asked, "zai-coding/glm-4.6")
        assert error is not None
        shown = json.dumps(error.to_dict()) + str(error) + repr(error)
        assert "key-123" not in shown
        assert "token-123" not in shown


async def test_models_are_the_providers_own_or_else_the_catalogues() -> None:
    live = MockResponse(200, {}, [b'{"data": [{"id": "gpt-new"}]}'])
    asked, _ = client(by_host(api=live))
    listed = await asked.models("openai")
    assert (listed.source, [model.id for model in listed.models]) == ("live", ["gpt-new"])
    asked, transport = client(by_host(api=REJECTED))
    listed = await asked.models("openai")
    assert listed.source == "curated"
    assert "gpt-5.2" in [model.id for model in listed.models]
    assert isinstance(listed.error, RoutesFailed)
    assert (await asked.models("zai-coding")).source == "curated"
    assert hosts(transport) == ["api.openai.com"]


async def test_models_are_listed_through_the_relay_too() -> None:
    live = MockResponse(200, {}, [b'{"data": [{"id": "gpt-new"}]}'])
    asked, transport = client(by_host(api=REJECTED, attic=live), ATTIC)
    assert (await asked.models("openai")).source == "live"
    assert transport.requests[1].url == "https://attic.test/v1/models?provider=openai"


async def test_explain_sends_nothing() -> None:
    asked, transport = client(by_host(), ATTIC)
    assert [candidate.route.label for candidate in asked.explain("openai/gpt").included] == ["direct", "relay Attic"]
    assert transport.requests == []


async def test_a_relay_says_what_it_is() -> None:
    status = refused(200, {"version": "0.1.0", "providers": ["openai"]})
    asked, _ = client(by_host(attic=status))
    assert (await asked.check_relay(ATTIC)).version == "0.1.0"
    asked, _ = client(by_host(attic=MockResponse(200, {}, [b"<html>"])))
    with pytest.raises(UnexpectedResponse, match="Attic"):
        await asked.check_relay(ATTIC)
    asked, _ = client(by_host(attic=REJECTED))
    with pytest.raises(RelayUnreachable, match="does not answer"):
        await asked.check_relay(ATTIC)


async def test_silence_is_given_up_and_said() -> None:
    class Mute:
        async def send(self, request: HttpRequest) -> MockResponse:
            await asyncio.Event().wait()
            raise AssertionError

    asked = Client([OPENAI], transport=Mute(), silence=0.01)
    with pytest.raises(TransportTimeout, match=r"api\.openai\.com said nothing"):
        await asked.complete("openai/gpt", "Hi")


async def test_an_incomplete_answer_says_so() -> None:
    asked, _ = client(by_host(api=MockResponse(200, EVENT_STREAM, [sse(delta("a"), done=False)])))
    events, error = await collect(asked, "openai/gpt")
    assert isinstance(error, StreamIncomplete)
    assert not any(isinstance(event, Finished) for event in events)
