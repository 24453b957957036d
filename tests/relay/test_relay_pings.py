"""A silent provider does not look like a dead connection."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from sidestep.envelopes import ANSWER_PREFIX_SIZE, PATH, FrameSplitter
from tests.fakes import Hold, OpenProvider, Reply, Stream
from tests.fakes.servers import Piece
from tests.fakes.wires import DONE, write_chunk
from tests.relay.calls import make_body, make_headers, read_stream
from tests.relay.conftest import start_loaded
from tests.relay.envelopes import make_envelope, open_answer, read_public_key
from tests.relay.servers import RunningRelay

PING = b": ping\n\n"


@pytest.fixture(scope="module", params=["gunicorn", "waitress"])
def pinging(request: pytest.FixtureRequest) -> Iterator[RunningRelay]:
    yield from start_loaded(request.param, SIDESTEP_PING_SECONDS="0.2")


def read_until(received: Iterator[bytes], wanted: bytes) -> bytes:
    read = b""
    while wanted not in read:
        read += next(received)
    return read


def test_silence_is_filled_with_comments(pinging: RunningRelay, open_provider: OpenProvider) -> None:
    hold = Hold()
    end = [write_chunk({"content": "b"}), write_chunk(finish_reason="stop"), DONE]
    open_provider.answers.append(Stream([write_chunk({"content": "a"}), hold, *end]))
    headers, body = make_headers(open_provider) | pinging.headers, make_body(open_provider, stream=True)
    url = f"{pinging.url}/v1/chat/completions"
    with httpx.stream("POST", url, headers=headers, json=body, timeout=10, trust_env=False) as answer:
        received = answer.iter_bytes()
        read = read_until(received, b'"a"')
        read += read_until(received, PING)
        hold.release()
        read += b"".join(received)
    assert read_stream(read).text == "ab"


def test_a_provider_that_thinks_before_its_first_byte(pinging: RunningRelay, open_provider: OpenProvider) -> None:
    hold = Hold()
    open_provider.answers.append(Reply(429, {"error": {"message": "busy", "code": "rate"}}, hold=hold))
    headers, body = make_headers(open_provider) | pinging.headers, make_body(open_provider, stream=True)
    url = f"{pinging.url}/v1/chat/completions"
    with httpx.stream("POST", url, headers=headers, json=body, timeout=10, trust_env=False) as answer:
        assert answer.status_code == 200
        received = answer.iter_bytes()
        read = read_until(received, PING)
        hold.release()
        read += b"".join(received)
    stream = read_stream(read)
    assert stream.error is not None
    assert (stream.error["code"], stream.error["provider_status"]) == ("provider_rate_limit", 429)
    assert not stream.is_done


def test_no_comment_is_put_into_an_event(pinging: RunningRelay, open_provider: OpenProvider) -> None:
    inside, beside = Hold(), Hold()
    event = write_chunk({"content": "whole"})
    end = [write_chunk(finish_reason="stop"), DONE]
    torn: list[Piece] = [write_chunk({"content": "a"}), event[:-1], inside, event[-1:], *end]
    open_provider.answers.extend([Stream(torn), Stream([write_chunk({"content": "b"}), beside, *end])])
    headers, body = make_headers(open_provider) | pinging.headers, make_body(open_provider, stream=True)
    with (
        httpx.Client(base_url=pinging.url, headers=headers, timeout=10, trust_env=False) as client,
        client.stream("POST", "/v1/chat/completions", json=body) as answer,
    ):
        inside.wait_reached()
        # While another silent stream gets several comments, this one gets none.
        with client.stream("POST", "/v1/chat/completions", json=body) as other:
            received = other.iter_bytes()
            for _ in range(4):
                read_until(received, PING)
            beside.release()
            assert read_stream(b"".join(received)).is_done
        inside.release()
        assert answer.read() == b"".join(piece for piece in torn if isinstance(piece, bytes))


def test_a_sealed_silence_is_filled_as_well(pinging: RunningRelay, open_provider: OpenProvider) -> None:
    hold = Hold()
    end = [write_chunk({"content": "b"}), write_chunk(finish_reason="stop"), DONE]
    open_provider.answers.append(Stream([write_chunk({"content": "a"}), hold, *end]))
    public_key = read_public_key(pinging)
    envelope = make_envelope(public_key, token=pinging.token, fake=open_provider, stream=True)
    with httpx.stream("POST", pinging.url + PATH, content=envelope.data, timeout=10, trust_env=False) as answer:
        received = answer.iter_raw()
        read = next(received)
        # Head, first event, and then what the silence is filled with.
        while len(FrameSplitter().feed(read[ANSWER_PREFIX_SIZE:])) < 4:
            read += next(received)
        hold.release()
        read += b"".join(received)
    head, body = open_answer(read, envelope.sealed)
    assert head.status == 200
    assert body.count(PING) >= 2
    assert read_stream(body).text == "ab"
