"""Sealing as the client does it, over a cipher that is none: what is sealed, what is sent, what is taken."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from sidestep import Config, ConfigurationError, ConnectionLost, MockResponse, MockTransport, Relay, SealBroken
from sidestep.calls import make_chat_call, make_models_call
from sidestep.config import Provider
from sidestep.envelopes import (
    ANSWER_KEY_LABEL,
    ANSWER_NONCE_LABEL,
    DATA,
    HEAD,
    LAST,
    PATH,
    PREFIX_SIZE,
    AnswerHead,
    EnvelopeError,
    FrameSplitter,
    Prefix,
    RequestHead,
    SealedKey,
    decode,
    encode,
    find_key_id,
    make_answer_prefix,
    make_fingerprint,
    make_frame_prefix,
    split_key,
)
from sidestep.transports.sealed import SealingTransport
from sidestep.types import ChatRequest, HttpRequest

POINT = b"\x04" + bytes(range(64))
KEY = encode(POINT)
URL = "https://relay.test:8787/sub"
NONCE = b"n" * 32
NOW = 1_790_000_000.0


def hide(secret: bytes, aad: bytes, text: bytes) -> bytes:
    """Make *text* unreadable, not secret; what was changed is noticed."""
    return bytes(byte ^ 0x55 for byte in text) + hmac.digest(secret, aad + b"|" + text, "sha256")[:16]


def show(secret: bytes, aad: bytes, hidden: bytes) -> bytes:
    text = bytes(byte ^ 0x55 for byte in hidden[:-16])
    if hide(secret, aad, text) != hidden:
        raise SealBroken("changed")
    return text


class Sealer:
    """A sealer whose secrets can be had from what it was given."""

    def __init__(self) -> None:
        self.infos: list[bytes] = []

    async def seal(self, public_key: bytes, info: bytes, parts: Sequence[tuple[bytes, bytes]]) -> Sealed:
        assert public_key == POINT
        self.infos.append(info)
        return Sealed([hide(info, aad, text) for aad, text in parts])


class Sealed:
    """What `Sealer` sealed."""

    enc = b"e" * 65

    def __init__(self, ciphertexts: list[bytes]) -> None:
        self.ciphertexts = ciphertexts

    async def make_opener(self, key_context: bytes, nonce_context: bytes) -> Opener:
        return Opener(key_context + nonce_context)


class Opener:
    """Opens an answer."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._count = 0

    async def open(self, frames: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        opened = []
        for aad, text in frames:
            opened.append(show(self._secret + bytes([self._count]), aad, text))
            self._count += 1
        return opened


def write_answer(*frames: tuple[int, bytes], nonce: bytes = NONCE) -> bytes:
    """Seal an answer as a relay would that knew this cipher."""
    secret = ANSWER_KEY_LABEL + nonce + ANSWER_NONCE_LABEL + nonce
    rows = [
        make_frame_prefix(kind, len(text)) + hide(secret + bytes([count]), make_frame_prefix(kind, len(text)), text)
        for count, (kind, text) in enumerate(frames)
    ]
    return make_answer_prefix(nonce) + b"".join(rows)


def answer_head(status: int = 200, **headers: str) -> tuple[int, bytes]:
    return HEAD, AnswerHead(status, {name.replace("_", "-"): value for name, value in headers.items()}).to_bytes()


def chat(level: str = "exchange", **changes: Any) -> HttpRequest:
    seal = Relay(URL, name="Attic", public_key=KEY, sealing=level).seal
    headers = {
        "Authorization": "Bearer the-relay's-token",
        "X-Provider-Key": "sk-secret",
        "X-Provider-Base": "https://api.test/v1",
        "Content-Type": "application/json",
        "X-Other": "stays outside of nothing",
    }
    fields: dict[str, Any] = {"body": b'{"prompt": "a secret"}', "headers": headers, **changes}
    return HttpRequest("POST", f"{URL}/v1/chat/completions", seal=seal, **fields)


def make(
    *answers: MockResponse | bytes, sealer: Sealer | None = None, now: Callable[[], float] = lambda: NOW
) -> tuple[SealingTransport, MockTransport]:
    rows: Iterator[MockResponse | bytes] = iter(answers)

    def answer(_: HttpRequest) -> MockResponse:
        row = next(rows)
        return row if isinstance(row, MockResponse) else MockResponse(200, pieces=[row])

    mock = MockTransport(answer)
    sealing = SealingTransport(mock, sealer or Sealer(), clock=now, draw=lambda size: b"i" * size)
    return sealing, mock


async def read(response: Any) -> bytes:
    return b"".join([piece async for piece in response.chunks()])


async def test_a_request_without_a_seal_goes_as_it_is() -> None:
    transport, mock = make(MockResponse(200, pieces=[b"hello"]))
    request = HttpRequest("GET", f"{URL}/readyz")
    assert await read(await transport.send(request)) == b"hello"
    assert mock.requests == [request]


async def test_of_an_exchange_nothing_is_outside() -> None:
    sealer = Sealer()
    transport, mock = make(
        write_answer(answer_head(201, x="y"), (DATA, b"he"), (DATA, b"llo"), (LAST, b"")), sealer=sealer
    )
    response = await transport.send(chat())
    assert (response.status, response.headers) == (201, {"x": "y"})
    assert await read(response) == b"hello"
    (sent,) = mock.requests
    assert (sent.method, sent.url, sent.headers) == ("POST", URL + PATH, {"Content-Type": "application/octet-stream"})
    assert sent.body
    assert sent.seal is None
    prefix = Prefix.from_bytes(sent.body[:PREFIX_SIZE])
    assert prefix.key_id == find_key_id(POINT)
    end = PREFIX_SIZE + prefix.head_size
    head = RequestHead.from_bytes(show(sealer.infos[0], b"head", sent.body[PREFIX_SIZE:end]))
    assert (head.method, head.path, head.time, head.id) == ("POST", "/v1/chat/completions", NOW, b"i" * 16)
    assert head.headers == {
        "authorization": "Bearer the-relay's-token",
        "x-provider-key": "sk-secret",
        "x-provider-base": "https://api.test/v1",
        "content-type": "application/json",
    }
    assert show(sealer.infos[0], b"body", sent.body[end:]) == chat().body


async def test_a_get_has_no_body_inside_either() -> None:
    transport, mock = make(write_answer(answer_head(), (LAST, b"")))
    seal = Relay(URL, public_key=KEY).seal
    await transport.send(HttpRequest("GET", f"{URL}/v1/models?provider=zai", {}, seal=seal))
    sent = mock.requests[0].body
    assert sent
    assert len(sent) == PREFIX_SIZE + Prefix.from_bytes(sent[:PREFIX_SIZE]).head_size


@pytest.mark.parametrize("size", [1, 7, 33, 34, 60])
async def test_frames_may_be_cut_anywhere(size: int) -> None:
    data = write_answer(answer_head(), (DATA, b"he"), (DATA, b"llo"), (LAST, b""))
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    transport, _ = make(MockResponse(200, pieces=pieces))
    assert await read(await transport.send(chat())) == b"hello"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"data: hello\n\n",
        b'{"choices": []}',
        make_answer_prefix(NONCE),
        write_answer((DATA, b"hello"), (LAST, b"")),
        write_answer((LAST, b"")),
        write_answer((HEAD, b"not JSON"), (LAST, b"")),
        write_answer((HEAD, b'{"status": "200", "headers": {}}'), (LAST, b"")),
        write_answer(answer_head(), nonce=b"o" * 32)[:1] + NONCE + write_answer(answer_head(), nonce=b"o" * 32)[33:],
        make_answer_prefix(NONCE) + make_frame_prefix(HEAD, 2**31),
        make_answer_prefix(NONCE) + make_frame_prefix(9, 2) + bytes(18),
    ],
)
async def test_what_is_not_a_sealed_answer_is_not_taken(answer: bytes) -> None:
    response = MockResponse(200, pieces=[answer])
    transport, _ = make(response)
    with pytest.raises((SealBroken, ConnectionLost)) as caught:
        await transport.send(chat())
    assert response.is_closed
    # A cut before the head may be the network's.
    assert isinstance(caught.value, SealBroken) or answer == make_answer_prefix(NONCE)


@pytest.mark.parametrize(
    ("frames", "error"),
    [
        ([(DATA, b"hel")], ConnectionLost),
        ([(DATA, b"hel"), answer_head(), (LAST, b"")], SealBroken),
    ],
)
async def test_what_breaks_later_keeps_what_came(frames: list[tuple[int, bytes]], error: type[Exception]) -> None:
    whole = write_answer(answer_head(), *frames)
    first = len(write_answer(answer_head(), frames[0]))
    transport, _ = make(MockResponse(200, pieces=[whole[:first], whole[first:]]))
    pieces = (await transport.send(chat())).chunks()
    assert await anext(pieces) == b"hel"
    with pytest.raises(error):
        await anext(pieces)


async def test_a_refusal_of_the_relay_may_come_unsealed_and_tells_no_time() -> None:
    body = json.dumps({"error": {"message": "no", "code": "sealed_invalid", "origin": "relay"}}).encode()
    transport, mock = make(MockResponse(400, {"x-relay-time": "5.0"}, [body]))
    response = await transport.send(chat())
    assert (response.status, await read(response)) == (400, body)
    assert "x-relay-time" not in response.headers
    assert len(mock.requests) == 1


async def test_a_page_of_a_proxy_may_come_in_its_place() -> None:
    transport, _ = make(MockResponse(502, {}, [b"<html>Bad gateway"]))
    assert (await transport.send(chat())).status == 502


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (302, b""),
        (204, b""),
        (401, b'{"error": {"message": "wrong key", "origin": "provider"}}'),
        (429, b'{"error": {"message": "buy more at evil.test"}}'),
        (400, b'{"choices": [{"message": {"content": "hi"}}]}'),
    ],
)
async def test_an_unsealed_answer_is_not_taken(status: int, body: bytes) -> None:
    response = MockResponse(status, {}, [body])
    transport, _ = make(response)
    with pytest.raises(SealBroken, match="unsealed"):
        await transport.send(chat())
    assert response.is_closed


async def test_a_key_is_sealed_for_its_request_and_the_rest_goes_as_ever() -> None:
    sealer = Sealer()
    transport, mock = make(MockResponse(200, pieces=[b"hello"]), sealer=sealer)
    assert await read(await transport.send(chat("key"))) == b"hello"
    (sent,) = mock.requests
    assert (sent.url, sent.body) == (chat().url, chat().body)
    assert "X-Provider-Key" not in sent.headers
    key_id, enc, ciphertext = split_key(sent.headers["X-Sealed-Provider-Key"])
    assert (key_id, enc) == (find_key_id(POINT), b"e" * 65)
    token, body = hashlib.sha256(b"the-relay's-token").hexdigest(), hashlib.sha256(chat().body or b"").hexdigest()
    binding = f"POST\n/v1/chat/completions\nhttps://api.test/v1\n{token}\n{body}".encode()
    opened = SealedKey.from_bytes(show(sealer.infos[0], binding, ciphertext))
    assert (opened.key, opened.time) == ("sk-secret", NOW)


async def test_without_a_key_there_is_none_to_seal() -> None:
    transport, mock = make(MockResponse(200), sealer=Sealer())
    await transport.send(chat("key", headers={"Authorization": "Bearer t"}))
    assert dict(mock.requests[0].headers) == {"Authorization": "Bearer t"}


@pytest.mark.parametrize("level", ["key", "exchange"])
async def test_who_cannot_seal_sends_nothing(level: str) -> None:
    mock = MockTransport(lambda _: MockResponse(200))
    transport = SealingTransport(mock, None, choose=lambda: None)
    with pytest.raises(ConfigurationError) as caught:
        await transport.send(chat(level))
    assert caught.value.field == "sealing"
    assert mock.requests == []


async def test_the_relays_time_is_learned_once_and_kept() -> None:
    sealer = Sealer()
    expired = write_answer(answer_head(400, x_relay_time=str(NOW + 500)), (LAST, b""))
    good = write_answer(answer_head(), (LAST, b""))
    transport, mock = make(expired, good, good, sealer=sealer)
    assert (await transport.send(chat())).status == 200
    await transport.send(chat())
    assert len(mock.requests) == 3
    times = []
    for sent, info in zip(mock.requests, sealer.infos, strict=True):
        assert sent.body
        end = PREFIX_SIZE + Prefix.from_bytes(sent.body[:PREFIX_SIZE]).head_size
        times.append(RequestHead.from_bytes(show(info, b"head", sent.body[PREFIX_SIZE:end])).time)
    assert times == [NOW, NOW + 500, NOW + 500]


async def test_a_time_that_helps_nothing_is_asked_for_no_third_time() -> None:
    expired = write_answer(answer_head(400, x_relay_time=str(NOW + 500)), (LAST, b""))
    transport, mock = make(expired, expired)
    assert (await transport.send(chat())).status == 400
    assert len(mock.requests) == 2


# Settings


def test_a_relay_with_a_key_is_sealed_and_one_without_cannot_be() -> None:
    assert Relay(URL).seal is None
    paired = Relay(URL, public_key=KEY)
    assert paired.sealing == "exchange"
    assert paired.seal
    assert (paired.seal.level, paired.seal.public_key, paired.seal.base_url) == ("exchange", POINT, URL)
    assert Relay(URL, public_key=KEY, sealing="off").seal is None
    with pytest.raises(ConfigurationError) as caught:
        Relay(URL, sealing="key")
    assert caught.value.field == "sealing"


@pytest.mark.parametrize("key", ["x", "A" * 87, KEY[:-1], KEY + "A", "B" + "=" * 86])
def test_a_damaged_key_is_said_not_dropped(key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Relay(URL, public_key=key)
    assert caught.value.field == "public_key"


def test_the_document_keeps_how_a_relay_is_sealed() -> None:
    document = {"version": 1, "relays": [Relay(URL, public_key=KEY, sealing="key").to_dict()]}
    config, problems = Config.load(document)
    assert not problems
    assert config.to_dict()["relays"] == document["relays"]
    assert config.relays[0].fingerprint == make_fingerprint(POINT)
    # A level that is not known is never read as off.
    document["relays"] = [{**Relay(URL, public_key=KEY).to_dict(), "sealing": "everything"}]
    config, problems = Config.load(document)
    assert config.relays == ()
    assert problems[0].field == "sealing"


def test_a_document_of_before_has_relays_without_a_seal() -> None:
    config, problems = Config.load({"version": 1, "relays": [{"id": "attic", "name": "Attic", "url": URL}]})
    assert not problems
    assert config.relays[0].seal is None


def test_every_request_to_a_sealed_relay_carries_its_seal() -> None:
    relay = Relay(URL, token="t", public_key=KEY)
    provider = Provider("zai-coding", api_key="k")
    for call in (make_chat_call(provider, ChatRequest("glm", ())), make_models_call(provider)):
        assert call.encode_for_relay(relay).seal == relay.seal
        assert call.direct.seal is None


# Bytes


def test_a_fingerprint_is_short_and_of_the_whole_key() -> None:
    text = make_fingerprint(POINT)
    assert [len(group) for group in text.split("-")] == [4] * 8
    assert make_fingerprint(POINT[:-1] + b"x") != text
    assert text == "vth2-7bf3-fxug-5vla-lrqn-urkt-b7ut-aweb", "as openssl and base32 make it"


@pytest.mark.parametrize("text", ["a", "ab=", "a b", "ab\n", "+/", "ÿÿ", "B"])
def test_one_value_has_one_form(text: str) -> None:
    with pytest.raises(EnvelopeError):
        decode(text)


def test_a_splitter_holds_the_order() -> None:
    def frame(kind: int) -> bytes:
        return make_frame_prefix(kind, 1) + bytes(17)

    for kinds in ([DATA], [LAST], [HEAD, HEAD], [HEAD, DATA, HEAD], [HEAD, 7]):
        with pytest.raises(EnvelopeError):
            FrameSplitter().feed(b"".join(map(frame, kinds)))
    splitter = FrameSplitter()
    assert len(splitter.feed(b"".join(map(frame, [HEAD, DATA, LAST, DATA])))) == 3
    assert splitter.is_ended


@pytest.mark.parametrize("time", ["1" + "0" * 400, "-1e999", "true", '"1"', "null"])
def test_a_time_that_is_no_moment_is_refused(time: str) -> None:
    head = '{"time":%s,"id":"aWlpaWlpaWlpaWlpaWlpaQ","method":"GET","path":"/v1/relay","headers":{}}'
    RequestHead.from_bytes((head % "1").encode())
    with pytest.raises(EnvelopeError):
        RequestHead.from_bytes((head % time).encode())
