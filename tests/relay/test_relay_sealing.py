"""Sealed requests through the real relay: what is seen from outside, and what is refused. On both servers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from flask import Flask

import sidestep
from sidestep.envelopes import (
    KEY_HEADER,
    KEY_LABEL,
    LARGEST_DATA,
    PATH,
    PREFIX_SIZE,
    SealedKey,
    bind_key,
    decode_public_key,
    encode,
    find_key_id,
    make_info,
)
from sidestep.errors import ConnectionLost, RelayRefused, SealBroken, SidestepError
from sidestep.transports.hpke import HpkeSealer
from sidestep.transports.sealed import SealingTransport
from sidestep.types import HttpRequest
from sidestep_relay.replays import WINDOW
from sidestep_relay.sealing import SealingKeys, make_sealing_key
from sidestep_relay.sealing_keys import read_keys
from tests.fakes import Hold, OpenProvider, Stream, ZaiProvider
from tests.fakes.servers import Piece
from tests.fakes.wires import DONE, write_chunk
from tests.relay.calls import make_body, make_headers, read_stream
from tests.relay.conftest import PAGE
from tests.relay.envelopes import Envelope, make_envelope, open_answer, read_public_key, read_refusal, send
from tests.relay.hosts import Host
from tests.relay.servers import TOKEN, RunningRelay, run_relay

PROMPT = "a-prompt-that-nobody-else-may-see"
PATIENCE = 0.5
"""Seconds within which a provider must be let go after the client left."""


def ask(relay: RunningRelay, fake: ZaiProvider, host: Host, level: str, **changes: Any) -> sidestep.Reply:
    """Ask through *relay* with the real client, as a page does that cannot go directly."""
    pinned = changes.pop("public_key", None) or read_public_key(relay)
    clock = changes.pop("clock", time.time)
    way = sidestep.Relay(
        relay.url, token=changes.pop("token", relay.token), name="Attic", public_key=pinned, sealing=level
    )
    provider = sidestep.Provider("zai-coding", api_key=fake.key, base_url=fake.base_url, route="relay")
    client = sidestep.Client([provider], [way], transport=host, page_origin=PAGE, clock=clock)
    return asyncio.run(client.complete("zai-coding/glm-4.6", PROMPT))


@pytest.fixture
def public_key(relay: RunningRelay) -> str:
    return read_public_key(relay)


# What passes


def test_a_sealed_exchange_shows_the_host_neither_token_nor_key_nor_word(
    relay: RunningRelay, zai_provider: ZaiProvider
) -> None:
    host = Host()
    zai_provider.text = "an-answer-that-nobody-else-may-see"
    reply = ask(relay, zai_provider, host, "exchange")
    assert reply.text == zai_provider.text
    assert reply.route.route.label == "relay Attic"
    assert zai_provider.chats[-1].json["messages"][0]["content"] == PROMPT
    for secret in (zai_provider.key, relay.token, PROMPT, zai_provider.text, "glm-4.6", zai_provider.base_url):
        assert secret.encode() not in host.seen, secret
    assert {request.url for request in host.requests} <= {relay.url + PATH, relay.url + "/readyz"}
    line = relay.wait_for_log(event="chat", status=200)
    assert line["route"] == "/v1/chat/completions"


def test_a_sealed_key_is_all_that_the_host_does_not_see(relay: RunningRelay, zai_provider: ZaiProvider) -> None:
    host = Host()
    assert ask(relay, zai_provider, host, "key").text == zai_provider.text
    assert zai_provider.chats[-1].headers["authorization"] == f"Bearer {zai_provider.key}"
    assert zai_provider.key.encode() not in host.seen
    assert PROMPT.encode() in host.seen


def test_unsealed_the_host_sees_everything(relay: RunningRelay, zai_provider: ZaiProvider) -> None:
    host = Host()
    ask(relay, zai_provider, host, "off")
    for secret in (zai_provider.key, relay.token, PROMPT):
        assert secret.encode() in host.seen


def test_models_and_the_relay_itself_are_asked_sealed(
    relay: RunningRelay, open_provider: OpenProvider, public_key: str
) -> None:
    host = Host()
    way = sidestep.Relay(relay.url, token=relay.token, public_key=public_key)
    provider = sidestep.Provider("openai", api_key=open_provider.key, base_url=open_provider.base_url, route="relay")
    client = sidestep.Client([provider], [way], transport=host, page_origin=PAGE)
    status = asyncio.run(client.check_relay(way))
    assert status.version == sidestep.__version__
    assert not status.is_key_new
    listed = asyncio.run(client.models("openai"))
    assert listed.source == "live", listed.error
    assert {model.id for model in listed.models} >= set(open_provider.models)
    assert open_provider.key.encode() not in host.seen
    assert relay.token.encode() not in host.seen


def test_errors_come_inside_too(relay: RunningRelay, zai_provider: ZaiProvider) -> None:
    zai_provider.answers.append(zai_provider.zai_error(429, "1113", "Insufficient balance or no resource package."))
    host = Host()
    with pytest.raises(sidestep.QuotaExceeded):
        ask(relay, zai_provider, host, "exchange")
    assert b"balance" not in host.seen


def test_a_page_may_send_and_read_sealed(client: httpx.Client) -> None:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": f"content-type,{KEY_HEADER}"}
    answer = client.options(PATH, headers=asks)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert KEY_HEADER.lower() in answer.headers["Access-Control-Allow-Headers"].lower()
    refused = send(client, b"nothing")
    assert refused.headers["Access-Control-Allow-Origin"] == PAGE
    assert "X-Relay-Time" in refused.headers["Access-Control-Expose-Headers"]


def test_a_sealed_stream_comes_as_it_is_made(
    client: httpx.Client, relay: RunningRelay, zai_provider: ZaiProvider, public_key: str
) -> None:
    hold = Hold()
    pieces: list[Piece] = [
        write_chunk({"content": "Half "}),
        hold,
        write_chunk({"content": "whole"}),
        write_chunk(finish_reason="stop"),
    ]
    zai_provider.answers.append(Stream([*pieces, DONE]))
    envelope = make_envelope(public_key, token=relay.token, fake=zai_provider, stream=True)
    with client.stream("POST", PATH, content=envelope.data) as answer:
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        assert "Server-Timing" not in answer.headers
        chunks = answer.iter_raw()
        data = next(chunks)
        hold.wait_reached()
        hold.release()
        assert len(data) > 33, "the first half came while the provider was silent"
        data += b"".join(chunks)
    head, body = open_answer(data, envelope.sealed)
    assert head.status == 200
    assert head.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "upstream;dur=" in head.headers["server-timing"]
    assert read_stream(body).text == "Half whole"


@pytest.mark.alone
@pytest.mark.parametrize("is_begun", [True, False])
def test_the_provider_is_let_go_when_a_sealed_client_leaves(
    client: httpx.Client, relay: RunningRelay, zai_provider: ZaiProvider, public_key: str, is_begun: bool
) -> None:
    hold = Hold()
    zai_provider.answers.append(Stream([*([write_chunk({"content": "Half"})] if is_begun else []), hold]))
    envelope = make_envelope(public_key, token=relay.token, fake=zai_provider, stream=True)
    with httpx.Client(base_url=relay.url, trust_env=False, timeout=httpx.Timeout(20, read=0.3)) as leaving:
        with pytest.raises(httpx.ReadTimeout):
            leaving.post(PATH, content=envelope.data)
        hold.wait_reached()
    began = time.monotonic()
    assert zai_provider.chats[-1].wait_closed()
    assert time.monotonic() - began < PATIENCE
    assert relay.wait_for_log(event="chat", code="client_left")


# What is refused


@pytest.mark.parametrize(
    "changed",
    [
        (0, "sealed_invalid"),  # version
        (1, "sealed_key_unknown"),
        (9, "sealed_invalid"),  # the form of the point
        (10, "sealed_invalid"),  # the point
        (73, "sealed_invalid"),
        (77, "sealed_invalid"),  # the head's size
        (PREFIX_SIZE, "sealed_invalid"),  # the head
        (-1, "sealed_invalid"),  # the body's tag
    ],
)
def test_a_changed_envelope_is_refused(
    client: httpx.Client, relay: RunningRelay, open_provider: OpenProvider, public_key: str, changed: tuple[int, str]
) -> None:
    place, code = changed
    envelope = make_envelope(public_key, token=relay.token, fake=open_provider)
    data = bytearray(envelope.data)
    data[place] ^= 1
    status, error = read_refusal(send(client, bytes(data)), envelope)
    assert (status, error["code"], error["origin"]) == (400, code, "relay")
    assert open_provider.requests == []


@pytest.mark.parametrize("cut", ["nothing", "prefix", "head", "no body", "half a body", "more"])
def test_an_envelope_that_is_not_whole_is_refused(
    client: httpx.Client, relay: RunningRelay, open_provider: OpenProvider, public_key: str, cut: str
) -> None:
    envelope = make_envelope(public_key, token=relay.token, fake=open_provider)
    ends = {
        "nothing": 0,
        "prefix": PREFIX_SIZE - 1,
        "head": PREFIX_SIZE + envelope.head_size - 1,
        "no body": PREFIX_SIZE + envelope.head_size,
        "half a body": len(envelope.data) - 20,
    }
    data = envelope.data + b"x" if cut == "more" else envelope.data[: ends[cut]]
    status, error = read_refusal(send(client, data), envelope)
    assert (status, error["code"]) == (400, "sealed_invalid")
    assert open_provider.requests == []


def test_parts_of_two_envelopes_make_none(
    client: httpx.Client, relay: RunningRelay, open_provider: OpenProvider, public_key: str
) -> None:
    one, other = (make_envelope(public_key, token=relay.token, fake=open_provider) for _ in range(2))
    spliced = one.data[: PREFIX_SIZE + one.head_size] + other.data[PREFIX_SIZE + other.head_size :]
    status, error = read_refusal(send(client, spliced), one)
    assert (status, error["code"]) == (400, "sealed_invalid")
    assert open_provider.requests == []


def test_an_envelope_is_taken_once(
    client: httpx.Client, relay: RunningRelay, open_provider: OpenProvider, public_key: str
) -> None:
    envelope = make_envelope(public_key, token=relay.token, fake=open_provider)
    head, _ = open_answer(send(client, envelope.data).content, envelope.sealed)
    assert head.status == 200
    for _ in range(2):
        status, error = read_refusal(send(client, envelope.data), envelope)
        assert (status, error["code"]) == (400, "sealed_replayed")
    assert len(open_provider.chats) == 1


def test_a_sealed_key_is_taken_once(client: httpx.Client, relay: RunningRelay, zai_provider: ZaiProvider) -> None:
    host = Host()
    ask(relay, zai_provider, host, "key")
    again = host.requests[-1]
    headers = {**again.headers, "Origin": PAGE}
    answer = client.post("/v1/chat/completions", headers=headers, content=again.body or b"")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "sealed_replayed")
    assert len(zai_provider.chats) == 1


@pytest.mark.parametrize("off", [-WINDOW - 5, WINDOW + 5])
def test_an_old_envelope_is_refused_and_the_relays_time_told_inside(
    client: httpx.Client, relay: RunningRelay, open_provider: OpenProvider, public_key: str, off: float
) -> None:
    envelope = make_envelope(public_key, token=relay.token, fake=open_provider, moment=time.time() + off)
    answer = send(client, envelope.data)
    assert "X-Relay-Time" not in answer.headers
    head, body = open_answer(answer.content, envelope.sealed)
    assert (head.status, json.loads(body)["error"]["code"]) == (400, "sealed_expired")
    assert abs(float(head.headers["x-relay-time"]) - time.time()) < 5
    assert open_provider.requests == []


@pytest.mark.parametrize("level", ["exchange", "key"])
def test_a_client_with_a_wrong_clock_learns_the_time(
    relay: RunningRelay, zai_provider: ZaiProvider, level: str
) -> None:
    host = Host()
    reply = ask(relay, zai_provider, host, level, clock=lambda: time.time() - 7200)
    assert reply.text == zai_provider.text
    assert len([request for request in host.requests if request.method == "POST"]) == 2
    assert len(zai_provider.chats) == 1


def test_a_key_of_another_relay_is_refused(relay: RunningRelay, zai_provider: ZaiProvider) -> None:
    other = SealingKeys([read_keys(make_sealing_key()).current]).current
    with pytest.raises(RelayRefused) as caught:
        ask(relay, zai_provider, Host(), "exchange", public_key=encode(other.public))
    assert caught.value.code == "sealed_key_unknown"
    assert "pair again" in caught.value.remedy
    assert zai_provider.chats == []


def test_a_relay_that_shows_another_key_than_the_pinned_one_is_not_trusted(relay: RunningRelay) -> None:
    other = encode(read_keys(make_sealing_key()).current.public)
    way = sidestep.Relay(relay.url, token=relay.token, public_key=other, sealing="key", name="Attic")
    client = sidestep.Client([], [way], transport=Host(), page_origin=PAGE)
    with pytest.raises(SealBroken) as caught:
        asyncio.run(client.check_relay(way))
    assert way.fingerprint in caught.value.message


def test_a_wrong_token_is_told_inside_and_reads_no_further(
    client: httpx.Client, relay: RunningRelay, open_provider: OpenProvider, public_key: str
) -> None:
    envelope = make_envelope(public_key, token="wrong-" + relay.token, fake=open_provider)
    # The body is spoilt, and the right token stands outside, where it counts for nothing.
    for _ in range(2):
        answer = send(client, envelope.data[:-1] + b"!", **relay.headers)
        status, error = read_refusal(answer, envelope)
        assert (status, error["code"]) == (401, "relay_token_wrong"), "and its id was not remembered either"


def test_headers_outside_count_for_nothing(
    client: httpx.Client, relay: RunningRelay, open_provider: OpenProvider, public_key: str
) -> None:
    envelope = make_envelope(public_key, token=relay.token, fake=open_provider)
    outside = {"X-Provider-Base": "http://127.0.0.1:9/v1", "X-Provider-Key": "sk-of-the-host", KEY_HEADER: "abc"}
    head, _ = open_answer(send(client, envelope.data, **outside).content, envelope.sealed)
    assert head.status == 200
    assert open_provider.chats[-1].headers["authorization"] == f"Bearer {open_provider.key}"


@pytest.mark.parametrize(
    "wanted",
    [
        ("PUT", "/v1/relay", {}),
        ("GET", "/healthz", {}),
        ("GET", "//evil.example/v1/relay", {}),
        ("POST", PATH, {}),
        ("GET", "/v1/relay", {"host": "evil.example"}),
        ("GET", "/v1/relay", {"x-forwarded-for": "10.0.0.1"}),
        ("GET", "/v1/relay", {"x-request-id": "one\r\nx-two: 2"}),
    ],
)
def test_no_other_request_fits_into_an_envelope(
    client: httpx.Client, relay: RunningRelay, public_key: str, wanted: tuple[str, str, dict[str, str]]
) -> None:
    method, path, headers = wanted
    envelope = make_envelope(public_key, token=relay.token, method=method, path=path, headers=headers)
    status, error = read_refusal(send(client, envelope.data), envelope)
    assert (status, error["code"]) == (400, "sealed_invalid")


@pytest.mark.parametrize("change", ["body", "base", "path", "token", "beside", "value", "cut"])
def test_a_sealed_key_is_good_for_its_own_request_alone(
    client: httpx.Client, relay: RunningRelay, zai_provider: ZaiProvider, change: str
) -> None:
    def alter(request: HttpRequest) -> HttpRequest:
        headers, url, body = dict(request.headers), request.url, request.body or b""
        if "chat" not in url:
            return request
        sealed = headers[KEY_HEADER]
        changes: dict[str, Callable[[], object]] = {
            "base": lambda: headers.update({"X-Provider-Base": zai_provider.origin + "/elsewhere"}),
            "token": lambda: headers.update({"Authorization": headers["Authorization"].replace("Bearer ", "Bearer  ")}),
            "beside": lambda: headers.update({"X-Provider-Key": "sk-of-the-host"}),
            "value": lambda: headers.update({KEY_HEADER: sealed[:-1] + ("A" if sealed[-1] != "A" else "B")}),
            "cut": lambda: headers.update({KEY_HEADER: sealed[:80]}),
            "body": lambda: None,
            "path": lambda: None,
        }
        changes[change]()
        if change == "body":
            body = body.replace(PROMPT.encode(), b"another prompt")
        return HttpRequest("POST", url + ("?x=1" if change == "path" else ""), headers, body)

    if change == "token":
        # The same token written otherwise is the same token.
        assert ask(relay, zai_provider, Host(alter), "key").text == zai_provider.text
        return
    with pytest.raises(RelayRefused) as caught:
        ask(relay, zai_provider, Host(alter), "key")
    assert caught.value.code == "sealed_invalid"
    assert zai_provider.chats == []


def test_a_sealed_key_does_not_serve_another_token(
    client: httpx.Client, relay: RunningRelay, zai_provider: ZaiProvider
) -> None:
    point = decode_public_key(read_public_key(relay))
    body = json.dumps(make_body(zai_provider)).encode()
    binding = bind_key(
        method="POST", path="/v1/chat/completions", base_url=zai_provider.base_url, token="somebody-else's", body=body
    )
    text = SealedKey(time.time(), b"i" * 16, zai_provider.key).to_bytes()
    key_id = find_key_id(point)
    sealed = asyncio.run(HpkeSealer().seal(point, make_info(KEY_LABEL, key_id), [(binding, text)]))
    headers = make_headers(zai_provider)
    del headers["X-Provider-Key"]
    headers[KEY_HEADER] = SealedKey.pack(key_id, sealed.enc, sealed.ciphertexts[0])
    answer = client.post("/v1/chat/completions", headers=headers, content=body)
    assert answer.json()["error"]["code"] == "sealed_invalid"
    assert zai_provider.chats == []


# What the client refuses


def split_frames(data: bytes) -> list[bytes]:
    """Return an answer's prefix and its frames."""
    pieces, place = [data[:33]], 33
    while place < len(data):
        size = 5 + int.from_bytes(data[place + 1 : place + 5])
        pieces.append(data[place : place + size])
        place += size
    return pieces


def swap(pieces: list[bytes]) -> list[bytes]:
    return [*pieces[:2], pieces[3], pieces[2], *pieces[4:]]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda pieces: pieces[:-1], ConnectionLost),  # cut at the end of a frame
        (lambda pieces: [*pieces[:-2], pieces[-2][:-3]], ConnectionLost),  # and in one
        (lambda pieces: [*pieces[:3], *pieces[4:]], SealBroken),  # one left out
        (swap, SealBroken),
        (lambda pieces: [*pieces[:3], pieces[2], *pieces[3:]], SealBroken),  # one twice
        (lambda pieces: [*pieces[:3], pieces[-1]], SealBroken),  # ended early by the end of the same answer
        (lambda pieces: [*pieces[:2], b"\x02" + pieces[2][1:]], SealBroken),  # a piece said to be the end
        (lambda pieces: [*pieces[:2], pieces[2][:-1] + bytes([pieces[2][-1] ^ 1]), *pieces[3:]], SealBroken),
        (lambda pieces: [pieces[0], *pieces[2:]], SealBroken),  # no head
        (lambda pieces: [pieces[0], pieces[1], *pieces[1:]], SealBroken),  # two
        (lambda pieces: [b"\x01" + bytes(32), *pieces[1:]], SealBroken),  # another nonce
        (lambda pieces: [*pieces, pieces[-1]], None),  # what follows the end is not looked at
        (lambda pieces: [b"data: hello\n\n"], SealBroken),
        (lambda pieces: [], SealBroken),
        (lambda pieces: pieces, None),
    ],
)
def test_a_changed_answer_is_not_taken(
    relay: RunningRelay,
    zai_provider: ZaiProvider,
    change: Callable[[list[bytes]], list[bytes]],
    error: type[SidestepError] | None,
) -> None:
    # Three frames and the head and the end, whatever the pace.
    zai_provider.text = "x" * (2 * LARGEST_DATA + 1000)
    host = Host(change_answer=lambda data: b"".join(change(split_frames(data))))
    seal = sidestep.Relay(relay.url, public_key=read_public_key(relay)).seal
    headers = {**make_headers(zai_provider), **relay.headers, "Content-Type": "application/json"}
    url, body = f"{relay.url}/v1/chat/completions", json.dumps(make_body(zai_provider)).encode()

    async def fetch() -> bytes:
        response = await SealingTransport(host).send(HttpRequest("POST", url, headers, body, seal))
        return b"".join([chunk async for chunk in response.chunks()])

    if error is None:
        assert json.loads(asyncio.run(fetch()))["choices"][0]["message"]["content"] == zai_provider.text
        return
    with pytest.raises(error):
        asyncio.run(fetch())


def test_an_answer_of_another_request_does_not_open(relay: RunningRelay, zai_provider: ZaiProvider) -> None:
    recorded = Host()
    ask(relay, zai_provider, recorded, "exchange")
    answers: list[bytes] = []

    def keep(data: bytes) -> bytes:
        answers.append(data)
        return answers[0]

    ask(relay, zai_provider, Host(change_answer=keep), "exchange")
    with pytest.raises(SealBroken):
        ask(relay, zai_provider, Host(change_answer=keep), "exchange")


# In one process, without a server

Make = Callable[..., Flask]


@pytest.fixture
def keys() -> SealingKeys:
    return read_keys(make_sealing_key())


def post(app: Flask, envelope: Envelope, **overrides: Any) -> tuple[int, dict[str, Any]]:
    """Send *envelope* to *app*; return status and document, unsealed."""
    answer = app.test_client().post(PATH, data=envelope.data, environ_overrides=overrides)
    status, body = answer.status_code, answer.data
    if status == 200:
        head, body = open_answer(answer.data, envelope.sealed)
        status = head.status
    document: dict[str, Any] = json.loads(body)
    return status, document


def ask_relay(keys: SealingKeys, **changes: Any) -> Envelope:
    return make_envelope(encode(keys.current.public), token=TOKEN, method="GET", path="/v1/relay", **changes)


def test_a_body_beyond_the_limit_is_refused_unopened(make_app: Make, keys: SealingKeys) -> None:
    app = make_app(largest_body=1000, sealing=keys)
    key = encode(keys.current.public)
    fitting = make_envelope(key, token=TOKEN, body=b"{" + b" " * 998 + b"}")
    assert post(app, fitting)[1]["error"]["code"] == "request_invalid"
    status, document = post(app, make_envelope(key, token=TOKEN, body=b" " * 1001))
    assert (status, document["error"]["code"]) == (413, "http_413")


def test_several_processes_that_share_nothing_take_nothing_sealed(make_app: Make, keys: SealingKeys) -> None:
    app = make_app(sealing=keys)
    envelope = ask_relay(keys)
    status, document = post(app, envelope, **{"wsgi.multiprocess": True})
    assert (status, document["error"]["code"]) == (503, "sealed_unsafe")
    assert post(app, envelope, **{"wsgi.multiprocess": False})[0] == 200


def test_without_a_key_nothing_sealed_is_taken(make_app: Make, keys: SealingKeys) -> None:
    app = make_app()
    status, document = post(app, ask_relay(keys))
    assert (status, document["error"]["code"]) == (404, "sealing_off")
    described = app.test_client().get("/v1/relay", headers={"Authorization": f"Bearer {TOKEN}"}).json
    assert described is not None
    assert described["sealing"] is None


def test_what_is_older_than_the_relay_is_not_taken(make_app: Make, keys: SealingKeys) -> None:
    app = make_app(sealing=keys)
    status, document = post(app, ask_relay(keys, moment=time.time() - 30))
    assert (status, document["error"]["code"]) == (400, "sealed_expired"), "nobody remembers its id"


def test_a_size_that_is_not_said_is_refused(make_app: Make, keys: SealingKeys) -> None:
    envelope = ask_relay(keys)
    status, document = post(make_app(sealing=keys), envelope, CONTENT_LENGTH="")
    assert (status, document["error"]["code"]) == (400, "sealed_invalid")


def test_a_former_key_opens_until_its_end(make_app: Make) -> None:
    former, current = make_sealing_key(), make_sealing_key()
    now = datetime.now(UTC)
    for until, expected in ((now + timedelta(hours=1), 200), (now - timedelta(seconds=1), 400)):
        both = read_keys(f"{current}\n{former} until {until.isoformat()}")
        assert both.current.public == read_keys(current).current.public
        assert post(make_app(sealing=both), ask_relay(read_keys(former)))[0] == expected


# Several processes


def test_workers_take_an_envelope_once_together() -> None:
    with run_relay(server="gunicorn", arguments=["--workers", "2"]) as relay:
        key = read_public_key(relay)
        envelopes = [make_envelope(key, token=relay.token, method="GET", path="/v1/relay") for _ in range(8)]

        def send_alone(envelope: Envelope) -> int:
            # A connection of its own, so that either worker may get it.
            answer = httpx.post(relay.url + PATH, content=envelope.data, trust_env=False, timeout=20)
            return open_answer(answer.content, envelope.sealed)[0].status

        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(send_alone, [envelope for envelope in envelopes for _ in range(6)]))
    assert sorted(statuses) == [200] * 8 + [400] * 40
