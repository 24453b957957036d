"""Answers that are kept for who asks the very same again: whose they are, which ones, for how long, who can read them.

What reaches the provider is counted by the fake.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from sidestep.catalogue import load_catalogue
from sidestep_relay.allowances import Allowance
from sidestep_relay.answer_keys import AnswerKey, derive_key
from sidestep_relay.app import create_app
from sidestep_relay.caches import Answer, MemoryCache, Recorder
from sidestep_relay.chats import ChatCall
from sidestep_relay.config import RelayConfig, SettingError, load_config
from sidestep_relay.destinations import Destinations, parse_destination
from sidestep_relay.loading import spawn_thread
from sidestep_relay.redis_links import RedisLink
from sidestep_relay.shared_caches import RedisCache
from sidestep_relay.telemetry import make_log
from sidestep_relay.tokens import Secret, Token, hash_token, save_tokens
from tests.fakes import CUT, AnthropicProvider, OpenProvider, Reply, Stream
from tests.fakes.wires import DONE, write_chunk, write_event
from tests.relay.calls import MESSAGES, Fake, make_body, make_headers
from tests.relay.clocks import Clock
from tests.relay.conftest import PAGE
from tests.relay.redis_servers import RunningRedis
from tests.relay.servers import TOKEN, RunningRelay

# LiteLLM's own pydantic models warn of themselves.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydantic")

CATALOGUE = load_catalogue()
HERE = Destinations(named=(parse_destination("127.0.0.1"),))
USE = {"X-Sidestep-Cache": "use"}
STREAMS = pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(tmp_path: Path, log: StringIO, clock: Clock) -> Iterator[Callable[..., Flask]]:
    """Makes an application that keeps answers; two that were made are as two processes are."""
    made: list[Flask] = []

    def make_it(*tokens: Token, **fields: Any) -> Flask:
        path = tmp_path / "tokens.json"
        save_tokens(path, tokens, CATALOGUE.keys())
        settings = {"token": TOKEN, "tokens_file": path, "destinations": HERE, "cache_seconds": 600, **fields}
        # Only the translate lane needs LiteLLM.
        spawn = spawn_thread if fields.get("lanes") else lambda _: None
        made.append(create_app(RelayConfig(**settings), log=make_log(log), spawn=spawn, clock=clock))
        return made[-1]

    yield make_it
    for app in made:
        app.extensions["sidestep_relay"].close()


def ask(app: Flask, fake: Fake, headers: Mapping[str, str] = USE, token: str = TOKEN, **fields: Any) -> Any:
    """Send a chat and return the whole answer."""
    sent = {"Authorization": f"Bearer {token}", **make_headers(fake), **headers}
    # Flask's own `json=` would sort the fields.
    return app.test_client().post("/v1/chat/completions", headers=sent, data=json.dumps(make_body(fake, **fields)))


def tell(answer: Any) -> str | None:
    """Return what *answer* says of where it comes from."""
    told: str | None = answer.headers.get("X-Sidestep-Cache")
    return told


# what a client gets


@pytest.fixture(params=["open_provider", "anthropic_provider"], ids=["pipe", "translate"])
def fake(request: pytest.FixtureRequest) -> Fake:
    """A provider of each lane."""
    chosen = request.getfixturevalue(request.param)
    assert isinstance(chosen, OpenProvider | AnthropicProvider)
    return chosen


@STREAMS
def test_the_same_request_is_answered_again_with_the_same_bytes(
    reusing: RunningRelay, fake: Fake, is_stream: bool
) -> None:
    headers = {**reusing.headers, **make_headers(fake), **USE, "Origin": PAGE}

    def post() -> httpx.Response:
        url = f"{reusing.url}/v1/chat/completions"
        body = make_body(fake, stream=is_stream)
        return httpx.post(url, headers=headers, json=body, timeout=20, trust_env=False)

    first, second = post(), post()
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.content == first.content
    assert len(fake.chats) == 1
    assert (tell(first), tell(second)) == ("miss", "hit")
    assert "Age" not in first.headers
    assert 0 <= int(second.headers["Age"]) < 60
    for name in ("Content-Type", "Cache-Control", "X-Accel-Buffering"):
        assert second.headers.get(name) == first.headers.get(name)
    assert "upstream;" in first.headers["Server-Timing"]
    assert second.headers["Server-Timing"].startswith("relay;dur=")
    assert "upstream;" not in second.headers["Server-Timing"]
    exposed = second.headers["Access-Control-Expose-Headers"]
    assert "X-Sidestep-Cache" in exposed
    assert "Age" in exposed
    line = reusing.wait_for_log(event="chat", cache="hit", request_id=second.headers["X-Request-Id"])
    assert (line["status"], line["bytes"]) == (200, len(first.content))


def test_a_page_may_send_the_wish(make: Callable[..., Flask]) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "x-sidestep-cache"
    answer = make(origins=(PAGE,)).test_client().options("/v1/chat/completions", headers=asked)
    assert "x-sidestep-cache" in answer.headers["Access-Control-Allow-Headers"].lower()


@pytest.mark.parametrize("wish", [{}, {"X-Sidestep-Cache": "off"}, {"X-Sidestep-Cache": ""}])
def test_without_the_wish_nothing_is_kept_and_nothing_kept_is_given(
    make: Callable[..., Flask], open_provider: OpenProvider, wish: dict[str, str]
) -> None:
    app = make()
    assert tell(ask(app, open_provider, wish)) is None
    assert tell(ask(app, open_provider)) == "miss"
    assert tell(ask(app, open_provider, wish)) is None
    assert len(open_provider.chats) == 3


def test_without_the_operator_nothing_is_kept(make: Callable[..., Flask], open_provider: OpenProvider) -> None:
    app = make(cache_seconds=0)
    assert [tell(ask(app, open_provider)) for _ in range(2)] == ["off", "off"]
    assert len(open_provider.chats) == 2


def test_a_client_can_have_a_new_answer_and_an_old_one_not(
    make: Callable[..., Flask], open_provider: OpenProvider, clock: Clock
) -> None:
    app = make()
    ask(app, open_provider)
    open_provider.text = "Something newer."
    assert "newer" in ask(app, open_provider, {"X-Sidestep-Cache": "renew"}).text
    clock.now += 100
    again = ask(app, open_provider, {"X-Sidestep-Cache": "use, max-age=100"})
    assert "newer" in again.text
    assert (tell(again), again.headers["Age"]) == ("hit", "100")
    assert tell(ask(app, open_provider, {"X-Sidestep-Cache": "use, max-age=99"})) == "miss"
    assert len(open_provider.chats) == 3


@pytest.mark.parametrize(
    "wish", ["maybe", "use, renew", "use, use-it", "max-age=5", "renew, max-age=5", "use, max-age=-1", "off, use"]
)
def test_a_wish_that_cannot_be_is_named(make: Callable[..., Flask], open_provider: OpenProvider, wish: str) -> None:
    answer = ask(make(), open_provider, {"X-Sidestep-Cache": wish})
    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "request_invalid", "X-Sidestep-Cache")
    assert not open_provider.requests


def test_a_kept_answer_costs_no_tokens_and_passes_when_none_are_left(
    make: Callable[..., Flask], open_provider: OpenProvider
) -> None:
    # The provider counts 12.
    app = make(per_token=Allowance(0, 0, 12))
    assert [tell(ask(app, open_provider)) for _ in range(3)] == ["miss", "hit", "hit"]
    assert ask(app, open_provider, {}).status_code == 429
    assert len(open_provider.chats) == 1


def test_a_kept_answer_counts_as_a_request(make: Callable[..., Flask], open_provider: OpenProvider) -> None:
    app = make(per_token=Allowance(2, 0, 0))
    assert [ask(app, open_provider).status_code for _ in range(3)] == [200, 200, 429]


# whose it is

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
TURNED = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "string"}}}
BASE: dict[str, Any] = {
    "temperature": 0.5,
    "seed": 1,
    "thinking": {"type": "enabled"},
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA}},
}
CHANGES: dict[str, dict[str, Any]] = {
    "another model": {"model": "openai/fake-large"},
    "another provider": {"model": "deepseek/fake-small"},
    "another message": {"messages": [{"role": "user", "content": "Say goodbye"}]},
    "another role": {"messages": [{"role": "system", "content": "Say hello"}]},
    "one more message": {"messages": [*MESSAGES, {"role": "user", "content": ""}]},
    "one more field of a message": {"messages": [{**MESSAGES[0], "name": "anna"}]},
    "parts in the place of text": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Say hello"}]}]},
    "another temperature": {"temperature": 0.50001},
    "another kind of number": {"seed": 1.0},
    "another kind of value": {"thinking": {"type": True}},
    "a vendor's field": {"thinking": {"type": "disabled"}},
    "one more in a vendor's field": {"thinking": {"type": "enabled", "budget": None}},
    "one more vendor's field": {"enable_search": False},
    "the order inside a schema": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": TURNED}}
    },
    "a limit": {"max_tokens": 50},
    "a tool": {"tools": [{"type": "function", "function": {"name": "f"}}]},
    "a stream": {"stream": True},
    "options of a stream": {"stream": True, "stream_options": {"include_usage": True}},
    "other options of a stream": {"stream": True, "stream_options": {"include_usage": True, "more": 1}},
    "a user": {"user": "anna"},
}


@pytest.fixture(params=["memory", "redis"])
def making(request: pytest.FixtureRequest, make: Callable[..., Flask]) -> Callable[..., Flask]:
    """Makes an application that keeps answers in memory, or in Redis."""
    if request.param == "memory":
        return make
    url = request.getfixturevalue("redis_server").url
    return lambda *tokens, **fields: make(*tokens, redis_url=url, **fields)


def test_each_part_of_a_request_makes_it_another(making: Callable[..., Flask], open_provider: OpenProvider) -> None:
    app = making()
    ask(app, open_provider, **BASE)
    # All but one part is the same as in one that was asked before, for each pair of them.
    for count, (part, change) in enumerate(CHANGES.items(), start=2):
        assert tell(ask(app, open_provider, **{**BASE, **change})) == "miss", part
        assert len(open_provider.chats) == count, part
    assert tell(ask(app, open_provider, **BASE)) == "hit"


def test_another_address_is_another_provider(making: Callable[..., Flask], open_provider: OpenProvider) -> None:
    app = making()
    ask(app, open_provider)
    with OpenProvider() as other:
        other.text = "I am another."
        assert "another" in ask(app, other).text
        assert len(other.chats) == 1
        # The same host, and another path.
        elsewhere = {"X-Provider-Base": f"{open_provider.origin}/v2", **USE}
        assert ask(app, open_provider, elsewhere).status_code == 404
    assert len(open_provider.chats) == 2
    assert tell(ask(app, open_provider, {**USE, "X-Provider-Base": open_provider.base_url + "/"})) == "hit"


def test_nobody_gets_what_another_key_got(making: Callable[..., Flask], open_provider: OpenProvider) -> None:
    app = making()
    ask(app, open_provider)
    refused = ask(app, open_provider, {**USE, "X-Provider-Key": open_provider.key + "x"})
    assert (refused.status_code, refused.json["error"]["code"]) == (401, "provider_auth")
    assert len(open_provider.chats) == 2
    assert tell(ask(app, open_provider)) == "hit"


def test_another_lane_makes_another_answer(
    make: Callable[..., Flask], redis_server: RunningRedis, open_provider: OpenProvider
) -> None:
    ways: list[dict[str, str]] = [{}, {"custom": "translate"}]
    piped, translated = (make(redis_url=redis_server.url, lanes=lanes) for lanes in ways)
    assert [tell(ask(app, open_provider)) for app in (piped, translated)] == ["miss", "miss"]
    assert len(open_provider.chats) == 2
    assert [tell(ask(app, open_provider)) for app in (piped, translated)] == ["hit", "hit"]


def name(token: str, *values: str) -> Token:
    until = datetime(2100, 1, 1, tzinfo=UTC)
    return Token(token, tuple(Secret(hash_token(value), until if row else None) for row, value in enumerate(values)))


ANNA, ANNAS_OLD, BERT = (
    "annas-token-0123456789-abcdef",
    "annas-old-token-0123456789-ab",
    "berts-token-0123456789-abcdef",
)


def test_one_tenant_never_sees_another_s_answer(making: Callable[..., Flask], open_provider: OpenProvider) -> None:
    app = making(name("anna", ANNA, ANNAS_OLD), name("bert", BERT))
    for count, value in enumerate((TOKEN, ANNA, ANNAS_OLD, BERT), start=1):
        assert tell(ask(app, open_provider, token=value)) == "miss"
        assert len(open_provider.chats) == count
    for value in (TOKEN, ANNA, ANNAS_OLD, BERT):
        assert tell(ask(app, open_provider, token=value)) == "hit"


def test_a_name_that_is_given_again_inherits_nothing(making: Callable[..., Flask], open_provider: OpenProvider) -> None:
    ask(making(name("anna", ANNA)), open_provider, token=ANNA)
    assert tell(ask(making(name("anna", BERT)), open_provider, token=BERT)) == "miss"
    # Nor does the value under another name.
    assert tell(ask(making(name("bert", ANNA)), open_provider, token=ANNA)) == "miss"


def make_call(**fields: Any) -> ChatCall:
    entry = CATALOGUE["openai"]
    return ChatCall(
        **{"entry": entry, "model": "m", "base_url": entry.base_url, "key": "k", "messages": MESSAGES, **fields}
    )


def derive(call: ChatCall | None = None, **parts: Any) -> AnswerKey:
    usual = {"token_name": "anna", "token_value": ANNA, "lane": "pipe", "salt": b""}
    return derive_key(call or make_call(), **{**usual, **parts})


def test_a_key_depends_on_all_and_shows_nothing() -> None:
    keys = [
        derive(),
        derive(make_call(key="l")),
        derive(make_call(entry=CATALOGUE["custom"])),
        derive(make_call(is_stream=True)),
        derive(token_name="bert"),
        derive(token_value=BERT),
        derive(lane="translate"),
        derive(salt=b"salt"),
        # Where the token ends and the key begins cannot be moved.
        derive(make_call(key=f"{ANNA[-1]}k"), token_value=ANNA[:-1]),
    ]
    assert len({key.name for key in keys}) == len({key.secret for key in keys}) == len(keys)
    assert derive() == keys[0]
    assert keys[0].secret.hex() not in repr(keys[0])


def test_spacing_order_and_what_is_not_sent_make_no_difference(
    make: Callable[..., Flask], open_provider: OpenProvider
) -> None:
    app = make()
    ask(app, open_provider, seed=1, user="ä")
    body = {"user": "ä", "seed": 1, "top_p": None, **make_body(open_provider)}
    headers = {"Authorization": f"Bearer {TOKEN}", **make_headers(open_provider), **USE}
    again = app.test_client().post("/v1/chat/completions", headers=headers, data=json.dumps(body, indent=4))
    assert tell(again) == "hit"


# which ones

GOOD_END = [write_chunk(finish_reason="stop"), DONE]


@pytest.mark.parametrize(
    "pieces",
    [
        [write_chunk({"content": "a"}), CUT],
        [write_chunk({"content": "a"})],
        [write_chunk({"content": "a"}), DONE],
        [write_chunk({"content": "a"}), write_event({"error": {"message": "no"}}), DONE],
        [write_chunk({"content": "a"}), write_event({"error": {"message": "no"}}), *GOOD_END],
        [write_chunk({"content": "a"}), write_chunk(finish_reason="network_error"), DONE],
        [write_chunk({"content": "a"}), write_chunk(finish_reason="content_filter"), DONE],
    ],
    ids=["cut", "unfinished", "no reason", "error", "error and end", "network error", "filtered"],
)
def test_a_stream_that_is_not_whole_and_good_is_not_kept(
    make: Callable[..., Flask], open_provider: OpenProvider, pieces: list[Any]
) -> None:
    app = make()
    for _ in range(2):
        open_provider.answers.append(Stream(pieces))
        assert tell(ask(app, open_provider, stream=True)) == "miss"
    assert len(open_provider.chats) == 2


@pytest.mark.parametrize(
    "reply",
    [
        Reply(429, {"error": {"message": "busy"}}),
        Reply(200, {"error": {"message": "no"}}),
        Reply(200, {"choices": [{"index": 0, "message": {}, "finish_reason": "network_error"}]}),
        Reply(200, {"choices": [{"index": 0, "message": {}, "finish_reason": None}]}),
        Reply(200, {"choices": []}),
    ],
)
def test_a_document_that_is_not_whole_and_good_is_not_kept(
    make: Callable[..., Flask], open_provider: OpenProvider, reply: Reply
) -> None:
    app = make()
    for _ in range(2):
        open_provider.answers.append(reply)
        assert tell(ask(app, open_provider)) != "hit"
    assert len(open_provider.chats) == 2


def test_every_choice_must_have_ended() -> None:
    one = write_chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
    two = write_chunk(choices=[{"index": 1, "delta": {}, "finish_reason": "length"}])
    call = make_call(fields={"n": 2})
    assert record(call, one, DONE) is None
    assert record(call, one, two, DONE) == one + two + DONE


def record(call: ChatCall, *pieces: bytes) -> bytes | None:
    recorder = Recorder(call, is_stream=True)
    for piece in pieces:
        recorder.feed(piece)
    return recorder.finish()


def test_what_is_too_long_is_not_kept() -> None:
    large = write_chunk({"content": "x" * 1_000_000})
    assert record(make_call(), *[large] * 8, *GOOD_END)
    assert record(make_call(), *[large] * 9, *GOOD_END) is None


def test_a_document_in_the_place_of_a_stream_is_kept_as_that(
    make: Callable[..., Flask], open_provider: OpenProvider
) -> None:
    app = make()
    open_provider.answers.append(Reply(200, open_provider.write_whole("fake-small")))
    first, second = (ask(app, open_provider, stream=True) for _ in range(2))
    assert (tell(first), tell(second)) == ("miss", "hit")
    assert (second.data, second.mimetype) == (first.data, "application/json")


def test_an_answer_whose_client_left_is_not_kept(reusing: RunningRelay, open_provider: OpenProvider) -> None:
    events = [write_chunk({"content": "x" * 100_000}) for _ in range(100)]
    headers, body = {**reusing.headers, **make_headers(open_provider), **USE}, make_body(open_provider, stream=True)
    url = f"{reusing.url}/v1/chat/completions"
    for _ in range(2):
        open_provider.answers.append(Stream([*events, *GOOD_END]))
        with httpx.stream("POST", url, headers=headers, json=body, timeout=20, trust_env=False) as answer:
            assert tell(answer) == "miss"
            next(answer.iter_bytes())


# for how long


def keep(cache: Any, key: str, body: bytes, made_at: float) -> None:
    cache.keep(AnswerKey(key, b"k" * 32), Answer(body, is_stream=False, made_at=made_at))


def find(cache: Any, key: str) -> bytes | None:
    answer = cache.find(AnswerKey(key, b"k" * 32))
    return answer.body if answer else None


def test_an_old_answer_is_gone(clock: Clock) -> None:
    cache = MemoryCache(60, 10_000, clock)
    keep(cache, "a", b"1", clock.now)
    clock.now += 59.9
    assert find(cache, "a") == b"1"
    clock.now += 0.1
    assert find(cache, "a") is None


def test_memory_is_bounded_and_what_was_not_asked_for_goes_first(clock: Clock) -> None:
    cache = MemoryCache(60, 6000, clock)
    for key in ("a", "b", "c"):
        keep(cache, key, b"x" * 1200, clock.now)
    assert find(cache, "a")
    keep(cache, "d", b"x" * 1200, clock.now)
    assert [bool(find(cache, key)) for key in "abcd"] == [True, False, True, True]
    # In the place of one, not beside it.
    for _ in range(5):
        keep(cache, "d", b"y" * 1200, clock.now)
    assert [bool(find(cache, key)) for key in "acd"] == [True, True, True]
    keep(cache, "e", b"x" * 6000, clock.now)
    assert [bool(find(cache, key)) for key in "acde"] == [True, True, True, False]


# in Redis


@STREAMS
def test_what_one_process_kept_another_finds_and_nobody_else_can_read(
    make: Callable[..., Flask], redis_server: RunningRedis, open_provider: OpenProvider, is_stream: bool
) -> None:
    one, two = (make(name("anna", ANNA), redis_url=redis_server.url) for _ in range(2))
    first = ask(one, open_provider, token=ANNA, stream=is_stream)
    second = ask(two, open_provider, token=ANNA, stream=is_stream)
    assert (tell(first), tell(second)) == ("miss", "hit")
    assert second.data == first.data
    assert len(open_provider.chats) == 1
    with redis_server.client as client:
        (key,) = client.keys("sidestep:answers:*")
        assert 0 < client.ttl(key) <= 600
        raw = key.encode() + read_raw(redis_server, key)
    secrets = ("Say hello", "fake-small", open_provider.text, "chatcmpl", open_provider.key, ANNA, "anna", "127.0.0.1")
    for secret in secrets:
        assert secret.encode() not in raw


def read_raw(redis_server: RunningRedis, key: str) -> bytes:
    with redis_server.client as client:
        client.get_encoder().decode_responses = False
        value = client.execute_command("GET", key, NEVER_DECODE=True)
    assert isinstance(value, bytes)
    return value


def test_a_changed_or_moved_answer_is_none(redis_server: RunningRedis, log: StringIO, clock: Clock) -> None:
    link = RedisLink(redis_server.url, make_log(log))
    cache = RedisCache(link, 60, 10_000, clock)
    keep(cache, "a", b"one", clock.now)
    assert find(cache, "a") == b"one"
    sealed = read_raw(redis_server, "sidestep:answers:a")
    with redis_server.client as client:
        # Under another name, with another's key, shortened, and with one bit turned.
        client.set("sidestep:answers:b", sealed)
        assert find(cache, "b") is None
        assert cache.find(AnswerKey("a", b"l" * 32)) is None
        for wrong in (sealed[:5], sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1]), b""):
            client.set("sidestep:answers:a", wrong)
            assert find(cache, "a") is None
        # An old one that was put back.
        client.set("sidestep:answers:a", sealed)
        clock.now += 60
        assert find(cache, "a") is None
    link.close()


def test_redis_is_bounded_and_the_oldest_goes_first(redis_server: RunningRedis, log: StringIO, clock: Clock) -> None:
    link = RedisLink(redis_server.url, make_log(log))
    cache = RedisCache(link, 60, 6000, clock)
    with redis_server.client as client:
        for key in "abcd":
            keep(cache, key, b"x" * 1200, clock.now)
            # Their ends differ, whatever the time it took.
            client.zadd("sidestep:answers-by-end", {f"sidestep:answers:{key}": 2e12 + ord(key)})
        assert [bool(find(cache, key)) for key in "abcd"] == [False, True, True, True]
        for _ in range(5):
            keep(cache, "d", b"y" * 1200, clock.now)
        assert [bool(find(cache, key)) for key in "bcd"] == [True, True, True]
        keep(cache, "e", b"x" * 6000, clock.now)
        assert [bool(find(cache, key)) for key in "bcde"] == [True, True, True, False]
        # What has ended by itself takes no room.
        for key in "bc":
            client.delete(f"sidestep:answers:{key}")
            client.zadd("sidestep:answers-by-end", {f"sidestep:answers:{key}": 1})
        keep(cache, "f", b"x" * 3500, clock.now)
        assert [bool(find(cache, key)) for key in "df"] == [True, True]
        assert 0 < client.ttl("sidestep:answer-sizes") <= 60
    link.close()


def test_without_redis_the_provider_is_asked(
    make: Callable[..., Flask], redis_server: RunningRedis, open_provider: OpenProvider
) -> None:
    app = make(redis_url=redis_server.url)
    redis_server.stop()
    assert [tell(ask(app, open_provider)) for _ in range(2)] == ["miss", "miss"]
    assert [ask(app, open_provider).status_code for _ in range(2)] == [200, 200]
    assert len(open_provider.chats) == 4


# settings


@pytest.mark.parametrize("setting", ["SIDESTEP_CACHE_SECONDS", "SIDESTEP_CACHE_BYTES", "SIDESTEP_JOIN"])
def test_a_wrong_setting_is_named(setting: str) -> None:
    with pytest.raises(SettingError, match=f"^{setting}: "):
        load_config({"SIDESTEP_TOKEN": TOKEN, setting: "-1"})


def test_nothing_is_kept_or_shared_unless_it_is_set() -> None:
    config = load_config({"SIDESTEP_TOKEN": TOKEN})
    assert (config.cache_seconds, config.can_join) == (0, False)
