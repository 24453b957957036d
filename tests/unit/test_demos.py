"""The demo provider: everything can be tried without a key, and nothing is sent."""

from collections.abc import Iterable

import pytest

import sidestep
from sidestep.transports.demo import DemoTransport
from sidestep.transports.mock import MockResponse, MockTransport
from sidestep.types import HttpRequest


class Network(MockTransport):
    """Fails the test if anything is sent."""

    def __init__(self) -> None:
        super().__init__(lambda request: AssertionError(f"sent to {request.url}"))


def make_client(slept: list[float] | None = None) -> sidestep.Client:
    async def sleep(seconds: float) -> None:
        if slept is not None:
            slept.append(seconds)

    return sidestep.Client([sidestep.Provider("demo")], transport=DemoTransport(Network(), sleep))


async def test_it_answers_without_a_key_or_a_network() -> None:
    slept: list[float] = []
    reply = await make_client(slept).complete("demo/tour", "Hello")
    assert "I am the **demo**" in reply.text
    assert reply.route is not None
    assert reply.route.route.label == "direct"
    assert reply.usage.output_tokens is not None
    assert sum(slept) > 1, "it comes at the pace of a model"
    assert [model.id for model in (await make_client().models("demo")).models] == ["tour", "tour-thinking"]


async def test_it_thinks_when_asked_to() -> None:
    events = [event async for event in make_client().stream("demo/tour", "Please think")]
    kinds = [type(event).__name__ for event in events]
    assert kinds.index("ReasoningDelta") < kinds.index("TextDelta")
    events = [event async for event in make_client().stream("demo/tour-thinking", "Show me a table")]
    assert any(isinstance(event, sidestep.ReasoningDelta) for event in events)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("wrong key", sidestep.AuthenticationError),
        ("Break off, please", sidestep.ConnectionLost),
        ("rate limit", sidestep.RateLimited),
    ],
)
async def test_it_fails_as_it_is_asked_to(question: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        await make_client().complete("demo/tour", question)


async def test_what_broke_off_can_be_gone_on_with() -> None:
    said = [
        {"role": "user", "content": "break off"},
        {"role": "assistant", "content": "This one breaks off right"},
        {"role": "user", "content": "Go on exactly where your last answer broke off."},
    ]
    reply = await make_client().complete("demo/tour", said)
    assert reply.text.startswith(" here")


@pytest.mark.parametrize("question", ["table", "code", "formula", "slow", [{"type": "text", "text": "a table"}]])
async def test_every_scene_is_said(question: str | Iterable[dict[str, str]]) -> None:
    reply = await make_client().complete("demo/tour", [{"role": "user", "content": question}])
    assert len(reply.text) > 100


async def test_everything_else_is_handed_on() -> None:
    network = MockTransport(lambda request: MockResponse(204))
    transport = DemoTransport(network)
    for url in ("https://api.example/v1/chat", "https://demo.sidestep.invalid.example/v1/models"):
        assert (await transport.send(HttpRequest("GET", url, {}, None))).status == 204
    assert len(network.requests) == 2


@pytest.mark.parametrize("body", [b"{}", b"[]", b"no json", None, b'{"messages": []}'])
async def test_a_request_that_asks_nothing_is_refused(body: bytes | None) -> None:
    request = HttpRequest("POST", "https://demo.sidestep.invalid/v1/chat/completions", {}, body)
    assert (await DemoTransport(Network()).send(request)).status == 400
