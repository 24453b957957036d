"""Trying every way to a provider, layer by layer."""

import sidestep
from sidestep.config import Config, Consent
from sidestep.transports.mock import MockResponse, MockSurroundings, MockTransport
from sidestep.trials import Step, TrialOutcome
from sidestep.types import HttpRequest
from tests.unit.answers import said

PAGE = "https://page.test"
MODELS = MockResponse(200, {}, [b'{"data": [{"id": "m1"}, {"id": "m2"}]}'])
NO_KEY = MockResponse(401, {}, [b'{"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}'])


def listing(request: HttpRequest) -> MockResponse:
    return MockResponse(200, {}, [b'{"data": [{"id": "m1"}, {"id": "m2"}]}']) if request.method == "GET" else said("H")


def relayed_only(request: HttpRequest) -> MockResponse | Exception:
    return listing(request) if "relay.test" in request.url else sidestep.FetchRejected("refused")


async def run(
    transport: MockTransport, provider: sidestep.Provider, config: Config | None = None
) -> tuple[list[Step], list[TrialOutcome]]:
    client = sidestep.Client(
        config=config or Config(), transport=transport, page_origin=PAGE, surroundings=MockSurroundings()
    )
    found = [one async for one in client.try_provider(provider)]
    return [one for one in found if isinstance(one, Step)], [one for one in found if isinstance(one, TrialOutcome)]


def say(steps: list[Step], kind: str = "direct") -> list[tuple[str, bool | None]]:
    return [(step.layer, step.is_good) for step in steps if step.route and step.route.kind == kind]


def make_provider(**more: str) -> sidestep.Provider:
    return sidestep.Provider("mine", api_key="sk-mine", base_url="https://api.test/v1", **more)  # type: ignore[arg-type]


async def test_a_way_that_works_says_so_layer_by_layer_and_asks_for_few_tokens() -> None:
    transport = MockTransport(listing)
    steps, outcomes = await run(transport, make_provider())
    assert say(steps) == [("reach", True), ("cors", True), ("key", True), ("models", True), ("chat", True)]
    assert [outcome.works for outcome in outcomes] == [True]
    assert [step.seconds is not None for step in steps] == [True, False, False, False, True]
    chat = transport.requests[-1]
    assert b'"model": "m1"' in (chat.body or b"") or b'"model":"m1"' in (chat.body or b"")
    assert b"16" in (chat.body or b"")


async def test_a_wrong_key_ends_it_at_the_key() -> None:
    steps, outcomes = await run(MockTransport(lambda _: NO_KEY), make_provider())
    assert say(steps) == [("reach", True), ("cors", True), ("key", False)]
    assert isinstance(outcomes[0].error, sidestep.AuthenticationError)
    assert "sk-mine" not in repr([step.to_dict() for step in steps])


async def test_a_list_that_is_not_there_does_not_end_it() -> None:
    def answer(request: HttpRequest) -> MockResponse:
        return MockResponse(404, {}, [b"nothing"]) if request.method == "GET" else said("Hello")

    provider = sidestep.Provider("mine", base_url="https://api.test/v1", models=["own"])
    steps, outcomes = await run(MockTransport(answer), provider)
    assert say(steps) == [("models", None), ("reach", True), ("cors", True), ("key", True), ("chat", True)]
    assert outcomes[0].works


async def test_each_way_is_tried_alone_and_a_relay_only_with_consent() -> None:
    relays = tuple(sidestep.Relay(f"https://{name}.relay.test", token="t" * 32, id=name) for name in ("one", "two"))
    config = Config((), relays, frozenset({Consent("one", "mine")}))
    transport = MockTransport(relayed_only)
    steps, outcomes = await run(transport, make_provider(), config)
    assert [(layer, good) for layer, good in say(steps) if good is False] == [("cors", False)]
    assert say([step for step in steps if step.route and step.route.relay_id == "one"], "relay") == [
        ("relay", True), ("key", True), ("models", True), ("chat", True),
    ]  # fmt: skip
    assert say([step for step in steps if step.route and step.route.relay_id == "two"], "relay") == [("relay", None)]
    assert [(outcome.route.relay_id, outcome.works) for outcome in outcomes] == [(None, False), ("one", True)]
    assert not [request for request in transport.requests if "two.relay.test" in request.url]


async def test_the_provider_s_own_policy_holds() -> None:
    relay = sidestep.Relay("https://one.relay.test", token="t" * 32, id="one")
    config = Config((), (relay,), frozenset({Consent("one", "mine")}))
    steps, _ = await run(MockTransport(listing), make_provider(route="direct"), config)
    assert {step.route.kind for step in steps if step.route} == {"direct"}
    steps, _ = await run(MockTransport(listing), make_provider(route="relay"), config)
    assert {step.route.kind for step in steps if step.route} == {"relay"}


async def test_a_relay_that_is_down_is_said() -> None:
    def answer(request: HttpRequest) -> MockResponse | Exception:
        return sidestep.FetchRejected("refused") if "relay.test" in request.url else listing(request)

    relay = sidestep.Relay("https://one.relay.test", token="t" * 32, id="one")
    config = Config((), (relay,), frozenset({Consent("one", "mine")}))
    steps, outcomes = await run(MockTransport(answer), make_provider(route="relay"), config)
    assert say(steps, "relay") == [("relay", False)]
    assert not outcomes[0].works


def test_a_key_is_sent_as_it_is_said_to_be() -> None:
    assert make_provider().credentials == {"Authorization": "Bearer sk-mine"}
    provider = make_provider(auth="x-api-key")
    assert provider.credentials == {"x-api-key": "sk-mine"}
    assert provider.to_dict()["auth"] == "x-api-key"
    assert "auth" not in make_provider().to_dict()
