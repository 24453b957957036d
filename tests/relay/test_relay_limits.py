"""How much one token and one address may ask for, and what is refused before it is parsed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from flask import Flask

from sidestep_relay.allowances import Allowance
from sidestep_relay.config import SettingError, load_config
from sidestep_relay.errors import RelayError
from sidestep_relay.limits import Limiter, name_address
from sidestep_relay.shapes import check_shape
from tests.fakes import Hold, OpenProvider, Reply, Stream
from tests.fakes.wires import DONE, write_chunk
from tests.relay.calls import Fake, make_body, make_headers
from tests.relay.clocks import Clock
from tests.relay.servers import TOKEN, RunningRelay, run_relay

PAIRED = {"Authorization": f"Bearer {TOKEN}"}
SERVERS = pytest.mark.parametrize("server", ["gunicorn", "waitress"])
NONE = Allowance(0, 0, 0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock()
    monkeypatch.setattr("time.time", stopped)
    return stopped


def read_refusal(answer: Any) -> tuple[int, str, str, bool]:
    error = json.loads(answer.text)["error"]
    return answer.status_code, error["code"], error["origin"], error["retryable"]


LIMITED = (429, "rate_limited", "relay", True)


# requests in a minute


@pytest.mark.parametrize("limited", ["per_token", "per_address"])
def test_requests_beyond_the_limit_wait(make_app: Callable[..., Flask], clock: Clock, limited: str) -> None:
    allowed = {"per_token": NONE, "per_address": NONE} | {limited: Allowance(2, 0, 0)}
    client = make_app(**allowed).test_client()
    assert [client.get("/v1/relay", headers=PAIRED).status_code for _ in range(2)] == [200, 200]
    refused = client.get("/v1/relay", headers=PAIRED)
    assert read_refusal(refused) == LIMITED
    # Without a token nothing is used up, and what needs none is never refused.
    assert client.get("/v1/relay").status_code == 401
    assert client.get("/healthz").status_code == 200
    clock.now += int(refused.headers["Retry-After"])
    assert client.get("/v1/relay", headers=PAIRED).status_code == 200


def test_a_wrong_token_uses_up_nothing(make_app: Callable[..., Flask], clock: Clock) -> None:
    client = make_app(per_token=Allowance(1, 0, 0), per_address=Allowance(1, 0, 0)).test_client()
    for _ in range(3):
        assert client.get("/v1/relay", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/v1/relay", headers=PAIRED).status_code == 200


def test_addresses_are_counted_apart(make_app: Callable[..., Flask], clock: Clock) -> None:
    client = make_app(per_token=NONE, per_address=Allowance(1, 0, 0)).test_client()
    for address, status in [("192.0.2.1", 200), ("192.0.2.1", 429), ("192.0.2.2", 200)]:
        answer = client.get("/v1/relay", headers=PAIRED, environ_base={"REMOTE_ADDR": address})
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_whom_an_address_stands_for(address: str | None, name: str) -> None:
    assert name_address(address) == name


# answers at a time


def test_answers_at_a_time_are_counted_and_let_go() -> None:
    limiter = Limiter()
    with limiter.hold_stream(("token", "a", 1), ("address", "x", 0)):
        with pytest.raises(RelayError, match="at a time"), limiter.hold_stream(("token", "a", 1)):
            pass
        with limiter.hold_stream(("token", "b", 1)):
            pass
    with limiter.hold_stream(("token", "a", 1)):
        pass


def open_stream(relay: RunningRelay, fake: OpenProvider) -> Any:
    headers, body = make_headers(fake) | relay.headers, make_body(fake, stream=True)
    url = f"{relay.url}/v1/chat/completions"
    return httpx.stream("POST", url, headers=headers, json=body, timeout=20, trust_env=False)


@SERVERS
def test_one_stream_too_many_is_refused_and_another_fits_after_the_end(
    server: str, open_provider: OpenProvider
) -> None:
    hold = Hold()
    events: list[Any] = [write_chunk({"content": "a"}), hold, write_chunk(finish_reason="stop"), DONE]
    open_provider.answers.append(Stream(events))
    settings = {"SIDESTEP_STREAMS": "1", "SIDESTEP_TOKENS_PER_MINUTE": "0"}
    with run_relay(server=server, destinations=["127.0.0.1"], settings=settings) as relay:
        with open_stream(relay, open_provider) as first:
            assert first.status_code == 200
            hold.wait_reached()
            with open_stream(relay, open_provider) as second:
                second.read()
            assert read_refusal(second) == LIMITED
            assert second.headers["Retry-After"] == "1"
            hold.release()
            first.read()
        relay.wait_for_log(event="chat", status=200)
        relay.wait_for_log(event="request", code="rate_limited", status=429)
        for _ in range(2):
            with open_stream(relay, open_provider) as third:
                assert third.status_code == 200
                third.read()
    assert len(open_provider.requests) == 3


# tokens in a minute


def test_model_tokens_are_estimated_and_put_right(clock: Clock) -> None:
    limiter = Limiter()
    budget = limiter.count_tokens("a", 60, 100)
    with pytest.raises(RelayError, match="model tokens") as caught:
        limiter.count_tokens("a", 60, 100)
    budget.settle(10)
    more = limiter.count_tokens("a", 60, 100)
    more.settle(90)
    with pytest.raises(RelayError):
        limiter.count_tokens("a", 1, 100)
    limiter.count_tokens("b", 60, 100)
    clock.now += int(caught.value.headers["Retry-After"])
    limiter.count_tokens("a", 60, 100)


def test_what_is_put_right_after_the_minute_gives_nothing_away(clock: Clock) -> None:
    limiter = Limiter()
    early = limiter.count_tokens("a", 50, 100)
    clock.now += 61
    limiter.count_tokens("a", 100, 100)
    early.settle(0)
    assert limiter_is_full(limiter)


def limiter_is_full(limiter: Limiter) -> bool:
    try:
        limiter.count_tokens("a", 1, 100)
    except RelayError as error:
        return error.code == "rate_limited"
    return False


def test_a_request_larger_than_the_limit_passes_alone(clock: Clock) -> None:
    limiter = Limiter()
    limiter.count_tokens("a", 1000, 100)
    with pytest.raises(RelayError):
        limiter.count_tokens("a", 1, 100)


@pytest.mark.parametrize(
    ("fixture", "is_stream"), [("open_provider", False), ("open_provider", True), ("anthropic_provider", True)]
)
def test_what_a_provider_counted_is_what_counts(request: pytest.FixtureRequest, fixture: str, is_stream: bool) -> None:
    fake: Fake = request.getfixturevalue(fixture)
    # 12 tokens by the provider's count; the estimate is 52.
    with run_relay(destinations=["127.0.0.1"], settings={"SIDESTEP_TOKENS_PER_MINUTE": "64"}) as relay:
        url = f"{relay.url}/v1/chat/completions"
        headers = make_headers(fake) | relay.headers
        options = {"stream": True, "stream_options": {"include_usage": True}} if is_stream else {}

        def post() -> httpx.Response:
            body = make_body(fake, max_tokens=50, **options)
            return httpx.post(url, headers=headers, json=body, timeout=30, trust_env=False)

        fake.answers.append(Reply(400, {"error": {"message": "no"}}))
        # The refused one costs nothing, the second 12; a third fits therefore, and a fourth does not.
        assert [post().status_code for _ in range(3)] == [400, 200, 200]
        assert read_refusal(post()) == LIMITED


# settings


@pytest.mark.parametrize("value", ["-1", "many", "1.5"])
@pytest.mark.parametrize(
    "name",
    [
        "SIDESTEP_REQUESTS_PER_MINUTE",
        "SIDESTEP_STREAMS",
        "SIDESTEP_TOKENS_PER_MINUTE",
        "SIDESTEP_ADDRESS_REQUESTS_PER_MINUTE",
        "SIDESTEP_ADDRESS_STREAMS",
    ],
)
def test_a_wrong_limit_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"^{name}: "):
        load_config({"SIDESTEP_TOKEN": TOKEN, name: value})


def test_limits_are_read() -> None:
    settings = {"SIDESTEP_STREAMS": "3", "SIDESTEP_ADDRESS_STREAMS": "0", "SIDESTEP_REQUESTS_PER_MINUTE": "5"}
    config = load_config({"SIDESTEP_TOKEN": TOKEN, **settings})
    assert (config.per_token.streams, config.per_token.requests_per_minute, config.per_address.streams) == (3, 5, 0)


# what is refused before it is parsed


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[" * 65, "request_too_deep"),
        (b'{"a":' * 65, "request_too_deep"),
        (b'{"messages":[' + b"{}," * 10_001, "too_many_messages"),
        (b'"",' * 1_000_001, "request_too_complex"),
    ],
)
def test_a_wrong_shape_is_refused_unparsed(make_app: Callable[..., Flask], body: bytes, code: str) -> None:
    # None of these is whole JSON: had it been parsed, that would have been said.
    answer = make_app().test_client().post("/v1/chat/completions", headers=PAIRED, data=body)
    assert answer.json is not None
    assert (answer.json["error"]["code"], answer.json["error"]["origin"]) == (code, "relay")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 64 + b"]" * 64,
        b'{"a":"' + b"[" * 1000 + b'"}',
        rb'{"a":"\"' + b"[" * 1000 + b'"}',
        rb'{"a":"\\","b":' + b"[" * 60,
        b'"' + b"[" * 1000,
        b'{"messages":[' + b"{}," * 10_000,
        b"[],[]," * 1000,
    ],
)
def test_what_only_looks_deep_passes(body: bytes) -> None:
    check_shape(body)


@pytest.mark.parametrize("headers", [{f"X-Number-{row}": "1" for row in range(81)}, {"X-Long": "x" * 33_000}])
def test_headers_beyond_measure_are_refused(make_app: Callable[..., Flask], headers: dict[str, str]) -> None:
    answer = make_app().test_client().get("/v1/relay", headers=PAIRED | headers)
    assert answer.json is not None
    assert (answer.status_code, answer.json["error"]["code"]) == (431, "headers_too_large")
