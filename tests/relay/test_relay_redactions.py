"""A lent key is taken out of what passes by, however it is spelled and torn; everything else passes as it is."""

from __future__ import annotations

import gzip
import json
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidestep_relay.destinations import parse_destination
from sidestep_relay.redactions import KeyFilter
from sidestep_relay.upstreams import Upstream

KEY = 'abab/ab"c+d'
SPELLINGS = [KEY, json.dumps(KEY)[1:-1], json.dumps(KEY)[1:-1].replace("/", "\\/"), quote(KEY, safe="")]


def run(pieces: list[bytes], key: str = KEY) -> list[bytes]:
    key_filter = KeyFilter(key)
    return [*(key_filter.feed(piece) for piece in pieces), key_filter.flush()]


@given(st.lists(st.sampled_from([*SPELLINGS, "ab", "aba", "abab/", "x", "\n", "ü"])), st.data())
def test_pieces_do_not_matter(words: list[str], data: st.DataObject) -> None:
    whole = "".join(words).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)))))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    passed = b"".join(run(pieces))
    assert not any(spelling.encode() in passed for spelling in SPELLINGS)
    assert passed == b"".join(run([whole]))


@given(st.lists(st.binary()))
def test_what_holds_no_key_passes_untouched(pieces: list[bytes]) -> None:
    assert b"".join(run(pieces, "a-key-that-nobody-draws")) == b"".join(pieces)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_each_spelling_is_found(spelling: str) -> None:
    assert run([f"<{spelling}>\n".encode()]) == [b"<[key]>\n", b""]


def test_whole_lines_do_not_wait() -> None:
    assert run([b"data: abab\n\n", b"data: aba"]) == [b"data: abab\n\n", b"data: ", b"aba"]


@pytest.mark.parametrize("key", ["", "short"])
def test_without_a_key_nothing_is_looked_for(key: str) -> None:
    pieces = [b"short", b"sho"]
    assert run(pieces, key) == [*pieces, b""]


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("status", [200, 400])
def test_an_upstream_hides_its_secret(encoding: str, status: int) -> None:
    body = f"quoted: {KEY}".encode()
    packed = gzip.compress(body) if encoding == "gzip" else body
    answer = httpx.Response(status, stream=httpx.ByteStream(packed), headers={"content-encoding": encoding})
    place = parse_destination("https://provider.example/v1")
    upstream = Upstream(httpx.MockTransport(lambda _: answer), place, dialect="openai_chat", has_key=True, secret=KEY)
    response = upstream.handle_request(httpx.Request("POST", "https://provider.example/v1/chat/completions"))
    if status == 200:
        assert response.read() == b"quoted: [key]"
    else:
        assert KEY.encode() not in response.read() + upstream.error_body
