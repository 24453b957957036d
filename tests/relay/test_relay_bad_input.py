"""What is no proper request: each is refused with its own code, reaches no provider, leaks nothing, and ends no worker.

What the relay says is checked here over real servers; what alone decides (addresses, tokens, limits, fields) has tests
of its own beside this.
"""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
from flask import Flask

from sidestep_relay.bodies import parse_json
from sidestep_relay.destinations import Destinations
from sidestep_relay.errors import RelayError
from tests.fakes import OpenProvider, Reply
from tests.relay.calls import make_body, make_headers
from tests.relay.servers import TOKEN, RunningRelay

CANARY = "canary-4711"
WAIT_SECONDS = 10.0
GOOD = {"model": "openai/fake-small", "messages": [{"role": "user", "content": CANARY}]}
PLAIN = json.dumps(GOOD).encode()


@pytest.fixture
def fake(relay: RunningRelay, open_provider: OpenProvider) -> Iterator[OpenProvider]:
    """A provider that nothing may reach, and a relay that still works afterwards and has told nothing."""
    yield open_provider
    reached = len(open_provider.requests)
    answer = post(relay, open_provider, json.dumps(make_body(open_provider)).encode())
    assert answer.status_code == 200
    assert reached == 0
    assert len(open_provider.requests) == 1
    said = "\n".join(relay.stderr)
    assert CANARY not in said
    assert open_provider.key not in said
    assert TOKEN not in said
    assert '"event": "bug"' not in said


def post(relay: RunningRelay, fake: OpenProvider, body: bytes, **headers: str) -> httpx.Response:
    usual = {**relay.headers, **make_headers(fake), "Content-Type": "application/json"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(
        f"{relay.url}/v1/chat/completions", content=body, headers=usual | named, timeout=20, trust_env=False
    )


def read_refusal(answer: httpx.Response) -> tuple[int, str, str | None]:
    error = answer.json()["error"]
    assert error["origin"] == "relay"
    assert error["request_id"] == answer.headers["X-Request-Id"]
    assert CANARY not in answer.text
    return answer.status_code, error["code"], error["param"]


# bodies


def change(**fields: Any) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


INVALID = "request_invalid"
BODIES: Mapping[str, tuple[bytes, int, str, str | None]] = {
    "nothing": (b"", 400, "request_not_json", None),
    "no JSON": (b"model=openai/x", 400, "request_not_json", None),
    "cut JSON": (PLAIN[:-1], 400, "request_not_json", None),
    "two documents": (PLAIN * 2, 400, "request_not_json", None),
    "a byte order mark": (b"\xef\xbb\xbf" + PLAIN, 400, "request_not_json", None),
    "a comment": (PLAIN + b"//", 400, "request_not_json", None),
    "single quotes": (PLAIN.replace(b'"', b"'"), 400, "request_not_json", None),
    "a trailing comma": (PLAIN[:-1] + b",}", 400, "request_not_json", None),
    "a raw control character": (PLAIN.replace(b"canary", b"can\x01ry"), 400, "request_not_json", None),
    "UTF-16": (json.dumps(GOOD).encode("utf-16-le"), 400, "request_not_json", None),
    "UTF-16 with a mark": (json.dumps(GOOD).encode("utf-16"), 400, "request_not_utf8", None),
    "Latin-1": (PLAIN.replace(b"canary", b"can\xe4ry"), 400, "request_not_utf8", None),
    "an overlong form": (PLAIN.replace(b"canary", b"can\xc0\xaery"), 400, "request_not_utf8", None),
    "a raw surrogate": (PLAIN.replace(b"canary", b"can\xed\xa0\x80"), 400, "request_not_utf8", None),
    "half a pair": (PLAIN.replace(b"canary", rb"can\ud83dary"), 400, "request_text_invalid", None),
    "a pair the wrong way round": (PLAIN.replace(b"canary", rb"\ude00\ud83d"), 400, "request_text_invalid", None),
    "half a pair in a name": (change(x=1).replace(b'"x"', rb'"\uDC00"'), 400, "request_text_invalid", None),
    "two models": (b'{"model":"openai/other",' + PLAIN[1:], 400, "request_key_repeated", "model"),
    "two models, one escaped": (b'{"\\u006dodel":"openai/x",' + PLAIN[1:], 400, "request_key_repeated", "model"),
    "two contents": (
        PLAIN.replace(b'"content"', b'"content": "x", "content"'), 400, "request_key_repeated", "content",
    ),
    "NaN": (PLAIN[:-1] + b',"temperature":NaN}', 400, "request_number_invalid", None),
    "Infinity": (PLAIN[:-1] + b',"temperature":Infinity}', 400, "request_number_invalid", None),
    "-Infinity": (PLAIN[:-1] + b',"temperature":-Infinity}', 400, "request_number_invalid", None),
    "1e999": (PLAIN[:-1] + b',"temperature":1e999}', 400, "request_number_invalid", None),
    "400 digits": (PLAIN[:-1] + b',"seed":' + b"9" * 400 + b"}", 400, "request_number_invalid", None),
    "a million digits": (PLAIN[:-1] + b',"seed":' + b"9" * 1_000_000 + b"}", 400, "request_number_invalid", None),
    "309 nines": (PLAIN[:-1] + b',"x":' + b"9" * 309 + b"}", 400, "request_number_invalid", None),
    "more than 64 bits": (change(max_tokens=2**64), 400, INVALID, "max_tokens"),
    "a leading zero": (PLAIN[:-1] + b',"seed":01}', 400, "request_not_json", None),
    "too deep": (b'{"a":' * 65 + b"1" + b"}" * 65, 400, "request_too_deep", None),
    "a list": (b"[" + PLAIN + b"]", 400, INVALID, None),
    "null": (b"null", 400, INVALID, None),
    "no model": (b'{"messages":[{"role":"user","content":"x"}]}', 400, INVALID, "model"),
    "a model that is a number": (change(model=1), 400, INVALID, "model"),
    "a model of two lines": (change(model="openai/x\r\nX-Evil: 1"), 400, INVALID, "model"),
    "a model with a blank": (change(model="openai/x y"), 400, INVALID, "model"),
    "a model with a NUL": (change(model="openai/x\0"), 400, INVALID, "model"),
    "a model of nobody": (change(model="nobody/x"), 400, "provider_unknown", "model"),
    "no messages": (change(messages=[]), 400, INVALID, "messages"),
    "messages that are a text": (change(messages="hi"), 400, INVALID, "messages"),
    "messages that are an object": (change(messages={"role": "user"}), 400, INVALID, "messages"),
    "a message that is a text": (change(messages=["hi"]), 400, INVALID, "messages"),
    "a role that is a number": (change(messages=[{"role": 1}]), 400, INVALID, "messages"),
    "content that is a number": (change(messages=[{"role": "user", "content": 1}]), 400, INVALID, "messages"),
    "content that is an object": (change(messages=[{"role": "user", "content": {}}]), 400, INVALID, "messages"),
    "a part that is a list": (change(messages=[{"role": "user", "content": [[]]}]), 400, INVALID, "messages"),
    "stream as a text": (change(stream="true"), 400, INVALID, "stream"),
    "stream as a number": (change(stream=1), 400, INVALID, "stream"),
    "include_usage as a number": (change(stream_options={"include_usage": 1}), 400, INVALID, "include_usage"),
    "stream_options as a flag": (change(stream_options=False), 400, INVALID, "stream_options"),
    "temperature as a text": (change(temperature="hot"), 400, INVALID, "temperature"),
    "temperature as a flag": (change(temperature=True), 400, INVALID, "temperature"),
    "max_tokens as half": (change(max_tokens=1.5), 400, INVALID, "max_tokens"),
    "max_tokens as a flag": (change(max_tokens=True), 400, INVALID, "max_tokens"),
    "tools as an object": (change(tools={}), 400, INVALID, "tools"),
    "stop as a number": (change(stop=1), 400, INVALID, "stop"),
    "response_format as a text": (change(response_format="json"), 400, INVALID, "response_format"),
    "metadata as a list": (change(metadata=[]), 400, INVALID, "metadata"),
    "user as a number": (change(user=1), 400, INVALID, "user"),
    "a field that steers": (change(api_base="https://evil.example"), 400, INVALID, "api_base"),
    "fallbacks": (change(fallbacks=["openai/x"]), 400, INVALID, "fallbacks"),
    "a private field": (change(_skip_mcp_handler=False), 400, INVALID, "_skip_mcp_handler"),
    "a steering field of two lines": (change(**{"_x\ny": 1}), 400, INVALID, "_x\ny"),
    "an unknown field for Anthropic": (change(model="anthropic/x", unheard_of=1), 400, INVALID, "unheard_of"),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_refused(name: str, relay: RunningRelay, fake: OpenProvider) -> None:
    body, status, code, param = BODIES[name]
    assert read_refusal(post(relay, fake, body)) == (status, code, param)


@pytest.mark.parametrize("number", [b"1e308", b"-1e308", b"1" * 308, b"18446744073709551616", b"0.1e-400", b"-0"])
def test_a_number_that_a_double_holds_passes(number: bytes) -> None:
    assert float(parse_json(b'{"x":' + number + b"}")["x"]) == float(number)


def test_a_whole_pair_passes() -> None:
    assert parse_json(rb'{"x":"\ud83d\ude00","\u005cud800":"\\ud800"}') == {"x": "😀", "\\ud800": "\\ud800"}


def test_a_field_twice_among_many_is_found_at_once() -> None:
    names = b",".join(b'"%d":1' % number for number in range(200_000))
    with pytest.raises(RelayError) as caught:
        parse_json(b"{" + names + b',"199999":1}')
    assert caught.value.param == "199999"


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_that_is_too_large_is_refused(relay: RunningRelay, fake: OpenProvider, is_chunked: bool) -> None:
    # Its beginning is a whole request: nothing of it may count.
    body = PLAIN + b" " * (32 * 1024 * 1024)

    def cut() -> Iterator[bytes]:
        for start in range(0, len(body), 1 << 20):
            yield body[start : start + (1 << 20)]

    answer = post(relay, fake, cut() if is_chunked else body)  # type: ignore[arg-type]
    assert read_refusal(answer) == (413, "http_413", None)


# headers


HEADERS: Mapping[str, tuple[dict[str, str], int, str, str | None]] = {
    "a form": ({"Content-Type": "application/x-www-form-urlencoded"}, 415, "content_type_refused", None),
    "plain text": ({"Content-Type": "text/plain"}, 415, "content_type_refused", None),
    "almost JSON": ({"Content-Type": "application/json5"}, 415, "content_type_refused", None),
    "two types": ({"Content-Type": "application/json, text/html"}, 415, "content_type_refused", None),
    "another charset": ({"Content-Type": "application/json; charset=utf-16"}, 415, "content_type_refused", None),
    "gzip": ({"Content-Encoding": "gzip"}, 415, "content_encoding_refused", None),
    "two encodings": ({"Content-Encoding": "identity, gzip"}, 415, "content_encoding_refused", None),
    "a key with a blank": ({"X-Provider-Key": f"{CANARY} x"}, 400, "provider_key_invalid", None),
    "two keys in one": ({"X-Provider-Key": f"{CANARY},x"}, 400, "provider_key_invalid", None),
    "a key that is too long": ({"X-Provider-Key": "x" * 4097}, 400, "provider_key_invalid", None),
    "a base URL that is none": ({"X-Provider-Base": "x"}, 400, "destination_invalid", "X-Provider-Base"),
    "two base URLs in one": (
        {"X-Provider-Base": "http://127.0.0.1:1/v1,http://127.0.0.1:2/v1"}, 400, "destination_invalid",
        "X-Provider-Base",
    ),
    "no token": ({"Authorization": ""}, 401, "relay_token_missing", None),
    "a wrong token": ({"Authorization": "Bearer wrong"}, 401, "relay_token_wrong", None),
    "a token's beginning": ({"Authorization": f"Bearer {TOKEN[:-1]}"}, 401, "relay_token_wrong", None),
    "a token and more": ({"Authorization": f"Bearer {TOKEN}0"}, 401, "relay_token_wrong", None),
    "another scheme": ({"Authorization": f"Basic {TOKEN}"}, 401, "relay_token_missing", None),
    "too many headers": ({f"X-Number-{row}": "1" for row in range(81)}, 431, "headers_too_large", None),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_bad_headers_are_refused(name: str, relay: RunningRelay, fake: OpenProvider) -> None:
    headers, status, code, param = HEADERS[name]
    body = gzip.compress(PLAIN) if headers.get("Content-Encoding") == "gzip" else PLAIN
    answer = post(relay, fake, body, **headers)
    if "application/json, text/html" in headers.values() and answer.status_code == 400:
        # Some servers see two headers before the relay does.
        return
    assert read_refusal(answer) == (status, code, param)


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json;charset=utf-8", 'Application/JSON; charset="UTF-8"', ""]
)
def test_json_by_any_of_its_names_passes(make_app: Callable[..., Flask], content_type: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type}
    answer = make_app().test_client().post("/v1/chat/completions", headers=headers, data=b"{}")
    assert answer.json is not None
    assert answer.json["error"]["param"] == "model"


# raw bytes on the wire


def send(port: int, data: bytes, *, has_end: bool = False) -> tuple[int, bytes, bool]:
    """Send *data* and return the first answer's status, everything that came, and whether the server closed.

    With *has_end* the sending side is closed behind it.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_SECONDS) as connection:
        connection.sendall(data)
        if has_end:
            connection.shutdown(socket.SHUT_WR)
        came = b""
        try:
            while piece := connection.recv(65536):
                came += piece
        except ConnectionResetError:
            # It closed while something of the request was still unread.
            pass
        except TimeoutError:
            return read_status(came), came, False
    return read_status(came), came, True


def read_status(came: bytes) -> int:
    return int(came.split(b" ", 2)[1]) if came.startswith(b"HTTP/1.") else 0


def write_chunks(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def write_head(fake: OpenProvider, *lines: str, start: str = "POST /v1/chat/completions HTTP/1.1") -> bytes:
    usual = [
        start,
        "Host: relay.example",
        f"Authorization: Bearer {TOKEN}",
        f"X-Provider-Key: {fake.key}",
        f"X-Provider-Base: {fake.base_url}",
        "Content-Type: application/json",
    ]
    return ("\r\n".join([*usual, *lines]) + "\r\n\r\n").encode("latin-1")


LENGTH = f"Content-Length: {len(PLAIN)}"
CHUNKED = "Transfer-Encoding: chunked"
AMBIGUOUS: Mapping[str, tuple[tuple[str, ...], bytes]] = {
    "a length and chunks": ((LENGTH, CHUNKED), write_chunks(PLAIN)),
    "chunks and a length": ((CHUNKED, LENGTH), write_chunks(PLAIN)),
    "a length of 0 and chunks": (("Content-Length: 0", CHUNKED), write_chunks(PLAIN)),
    "two lengths": ((LENGTH, "Content-Length: 3"), PLAIN),
    "the same length twice": ((LENGTH, LENGTH), PLAIN),
    "a list of lengths": ((f"{LENGTH}, {len(PLAIN)}",), PLAIN),
    "a length with a sign": ((LENGTH.replace(": ", ": +"),), PLAIN),
    "a length below 0": (("Content-Length: -1",), PLAIN),
    "a length that is none": (("Content-Length: 0x10",), PLAIN),
    "a folded line": (("X-Long: a\r\n b", LENGTH), PLAIN),
    "a folded coding": (("Transfer-Encoding:\r\n chunked",), write_chunks(PLAIN)),
    "a blank before a colon": ((LENGTH.replace(":", " :"),), PLAIN),
    "no colon": (("X-Nothing", LENGTH), PLAIN),
    "an unknown coding": (("Transfer-Encoding: xchunked",), write_chunks(PLAIN)),
    "chunked, and not last": (("Transfer-Encoding: chunked, identity",), write_chunks(PLAIN)),
    "chunked twice": ((CHUNKED, CHUNKED), write_chunks(PLAIN)),
    "a vertical tab before chunked": (("Transfer-Encoding: \x0bchunked",), write_chunks(PLAIN)),
    "a lone CR in a value": (("X-Request-Id: abcdefgh\rX-Evil: 1", LENGTH), PLAIN),
    "a lone LF in a value": (("X-Request-Id: abcdefgh\nX-Evil: 1", LENGTH), PLAIN),
    "a NUL in a value": (("X-Request-Id: abcdefgh\0", LENGTH), PLAIN),
    "a lone LF in a key": (("X-Provider-Key: sk\nX-Evil: 1", LENGTH), PLAIN),
    "two hosts": (("Host: other.example", LENGTH), PLAIN),
    "bare LF behind a chunk's size": ((CHUNKED,), b"%x\n%b\r\n0\r\n\r\n" % (len(PLAIN), PLAIN)),
    "a chunk's size below 0": ((CHUNKED,), b"-5\r\nabc\r\n0\r\n\r\n"),
    "a chunk's size with 0x": ((CHUNKED,), b"0x" + write_chunks(PLAIN)),
    "a chunk that goes on": ((CHUNKED,), b"%x\r\n%bXX0\r\n\r\n" % (len(PLAIN), PLAIN)),
    "a chunk's size that is none": ((CHUNKED,), b"zz\r\n\r\n"),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_can_be_read_in_two_ways_is_not_read(name: str, relay: RunningRelay, fake: OpenProvider) -> None:
    lines, body = AMBIGUOUS[name]
    status, came, is_closed = send(relay.port, write_head(fake, *lines) + body)
    assert status in (400, 501)
    assert is_closed
    assert came.count(b"HTTP/1.") == 1
    assert CANARY.encode() not in came
    assert fake.key.encode() not in came


@pytest.mark.parametrize(
    "start",
    [
        "POST /v1/chat/completions",
        "POST /v1/chat/completions HTTP/2.0",
        "POST /v1/chat/completions HTTP/1.1 HTTP/1.1",
        "POST  /v1/chat/completions HTTP/1.1",
        "POST\0/v1/chat/completions HTTP/1.1",
        "P(ST /v1/chat/completions HTTP/1.1",
        "\x16\x03\x01\x02",
    ],
)
def test_what_is_no_http_1_is_not_answered_as_if(start: str, relay: RunningRelay, fake: OpenProvider) -> None:
    status, came, is_closed = send(relay.port, write_head(fake, LENGTH, start=start) + PLAIN)
    assert status == 400
    assert is_closed
    assert fake.key.encode() not in came


@pytest.mark.parametrize("lines", [(LENGTH,), (CHUNKED,)])
def test_a_truncated_body_does_not_count(lines: tuple[str, ...], relay: RunningRelay, fake: OpenProvider) -> None:
    # What came of it is a whole document, which must not matter.
    long = "Content-Length: 100000" if lines == (LENGTH,) else CHUNKED
    body = PLAIN if lines == (LENGTH,) else write_chunks(PLAIN).removesuffix(b"0\r\n\r\n")
    status, came, is_closed = send(relay.port, write_head(fake, long) + body, has_end=True)
    assert is_closed
    # Waitress hands over whole requests alone, and leaves without a word.
    assert (status, b"request_truncated" in came) in [(400, True), (0, False)]


def test_headers_with_underscores_do_not_count(relay: RunningRelay, fake: OpenProvider) -> None:
    head = write_head(fake, LENGTH.replace("-", "_"), LENGTH, "Connection: close")
    head = head.replace(b"Authorization:", b"X_Authorization:").replace(b"X-Provider-Key", b"Authorization_")
    status, came, _ = send(relay.port, head + PLAIN)
    assert (status, b"relay_token_missing" in came) == (401, True)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Authorization: Bearer x", b"relay_token_wrong"),
        ("X-Provider-Key: sk-other", b"provider_key_invalid"),
        ("X-Provider-Base: http://127.0.0.1:1/v1", b"destination_invalid"),
    ],
)
def test_a_header_twice_is_neither(line: str, code: bytes, relay: RunningRelay, fake: OpenProvider) -> None:
    status, came, _ = send(relay.port, write_head(fake, line, LENGTH, "Connection: close") + PLAIN)
    assert status in (400, 401)
    assert code in came


def test_a_second_request_hides_in_no_first(relay: RunningRelay, fake: OpenProvider) -> None:
    hidden = write_head(fake, LENGTH, "Connection: close").replace(TOKEN.encode(), b"none") + PLAIN
    length = f"Content-Length: {len(hidden)}"
    data = write_head(fake, length, "Connection: close", start="POST /v1/probe HTTP/1.1") + hidden
    status, came, is_closed = send(relay.port, data)
    assert (status, is_closed) == (400, True)
    assert came.count(b"HTTP/1.") == 1


def test_the_host_of_an_absolute_form_is_not_gone_to(relay: RunningRelay, fake: OpenProvider) -> None:
    # A server has to take this form (RFC 9112, 3.2.2); it changes nothing.
    with OpenProvider() as other:
        start = f"GET {other.origin}/v1/relay HTTP/1.1"
        status, came, _ = send(relay.port, write_head(fake, "Connection: close", start=start))
        assert (status, b'"uses_own_keys"' in came) == (200, True)
        assert other.requests == []


def test_another_way_to_write_a_path_opens_nothing(relay: RunningRelay, fake: OpenProvider) -> None:
    for path in (
        "//v1/relay",
        "/v1//relay",
        "/v1/relay/",
        "/v1/./relay",
        "/v1/../v1/relay",
        "/%2fv1/relay",
        "/V1/relay",
    ):
        data = write_head(fake, "Connection: close", start=f"GET {path} HTTP/1.1").replace(TOKEN.encode(), b"none")
        status, came, _ = send(relay.port, data)
        assert status in (401, 404), path
        assert b"uses_own_keys" not in came


# addresses: under the most generous rule there is

SPELLINGS = [
    "https://127.0.0.1", "https://2130706433", "https://0x7f000001", "https://0x7f.0.0.1", "https://0177.0.0.1",
    "https://017700000001", "https://127.1", "https://127.0.1", "https://0", "https://0.0.0.0", "https://127.0.0.1.",
    "https://[::1]", "https://[::]", "https://[::ffff:127.0.0.1]", "https://[::ffff:7f00:1]", "https://[::127.0.0.1]",
    "https://[0:0:0:0:0:ffff:127.0.0.1]", "https://[64:ff9b::127.0.0.1]", "https://[64:ff9b:1::7f00:1]",
    "https://[2002:7f00:1::]", "https://[2001:0:7f00:1::]", "https://[fe80::1%25lo]", "https://[fe80::1%lo]",
    "https://[::1%25lo]", "https://[fc00::1]", "https://[fec0::1]", "https://[::ffff:0:127.0.0.1]",
    "https://localhost", "https://localhost.", "https://LOCALHOST", "https://10.0.0.1", "https://172.16.0.1",
    "https://192.168.0.1", "https://169.254.169.254", "https://[fd00:ec2::254]", "https://100.100.100.200",
    "https://168.63.129.16", "https://192.0.0.192", "https://224.0.0.1", "https://255.255.255.255",
    "https://①②⑦.0.0.1", "https://127。0。0。1", "https://\uff11\uff12\uff17.0.0.1", "https://ⓛocalhost",
    "https://user@127.0.0.1", "https://api.openai.com@127.0.0.1", "https://127.0.0.1\\@api.openai.com",
    "https://api.openai.com\t@127.0.0.1", "https://api.openai.com%00@127.0.0.1", "https://127.0.0.1%2f@api.openai.com",
    "https:127.0.0.1", "https:/127.0.0.1", "https:///127.0.0.1", "//127.0.0.1", "127.0.0.1", "https://",
    "http://api.openai.com", "http://127.0.0.1", "file:///etc/passwd", "gopher://127.0.0.1", "ftp://api.openai.com",
    "dict://127.0.0.1", "javascript:alert(1)", "data:text/plain,x", "ws://api.openai.com", "unix:/run/x.sock",
    "https://api.openai.com:0", "https://api.openai.com:65536", "https://api.openai.com:-1", "https://api.openai.com:٣",
    "https://api.openai.com?x", "https://api.openai.com#x", "https://api.openai.com/../x", "https://[::1",
    "https://a..b@127.0.0.1", "https://0x7f.0x0.0x0.0x1", "https://00000177.0.0.1", "https://127.0.0.1:443",
]  # fmt: skip


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the relay tries to connect to, none of which succeeds."""
    tried: list[Any] = []

    def refuse(_: socket.socket, address: Any) -> None:
        tried.append(address)
        raise ConnectionRefusedError

    # Under whatever makes connections, so that none leaves this computer.
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tried


@pytest.mark.parametrize("call", ["chat", "models", "probe"])
@pytest.mark.parametrize("url", SPELLINGS)
def test_no_spelling_leads_inside(url: str, call: str, make_app: Callable[..., Flask], connected: list[Any]) -> None:
    client = make_app(destinations=Destinations(allows_any_public=True)).test_client()
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Provider-Key": "sk-x", "Content-Type": "application/json"}
    if call == "probe":
        asked = {"url": url, "method": "GET", "headers": [], "origin": "https://page.example"}
        answer = client.post("/v1/probe", headers=headers, json=asked)
        if "?" in url or "#" in url:
            # A probe leaves both away, since they can hold a key; the rest is an address that may be asked.
            return
    else:
        # WSGI's way of writing bytes of a header.
        headers["X-Provider-Base"] = url.encode().decode("latin-1")
        if call == "models":
            answer = client.get("/v1/models?provider=openai", headers=headers)
        else:
            answer = client.post("/v1/chat/completions", headers=headers, json=GOOD)
    assert answer.json is not None
    error = answer.json["error"]
    assert (answer.status_code, error["code"]) in [(400, "destination_invalid"), (403, "destination_refused")]
    assert error["param"] == ("url" if call == "probe" else "X-Provider-Base")
    assert connected == []


def test_a_name_is_looked_up_once_and_that_address_connected_to(
    make_app: Callable[..., Flask], connected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A name server that answers differently the second time (rebinding); no server here can be asked for names.
    answers = ["93.184.215.14"]

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        address = answers.pop() if answers else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    client = make_app(destinations=Destinations(allows_any_public=True)).test_client()
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Provider-Key": "sk-x"}
    for code in ("provider_unreachable", "destination_refused"):
        answer = client.post(
            "/v1/chat/completions", headers={**headers, "X-Provider-Base": "https://rebound.example/v1"}, json=GOOD
        )
        assert answer.json is not None
        assert answer.json["error"]["code"] == code
    answers.append("93.184.215.14")
    asked = {"url": "https://rebound.example", "method": "GET", "headers": [], "origin": "https://page.example"}
    assert client.post("/v1/probe", headers=headers, json=asked).status_code == 200
    assert {address for address, _ in connected} == {"93.184.215.14"}


def test_a_provider_leads_nobody_elsewhere(relay: RunningRelay, open_provider: OpenProvider) -> None:
    with OpenProvider() as other:
        for status in (301, 302, 303, 307, 308):
            open_provider.answers.append(Reply(status, b"", {"Location": f"{other.base_url}/chat/completions"}))
            answer = post(relay, open_provider, PLAIN)
            assert answer.json()["error"]["code"] == "provider_redirect"
        assert other.requests == []


# pages


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://page.example.evil.example", "file://"])
def test_a_foreign_page_reads_nothing(origin: str, relay: RunningRelay, open_provider: OpenProvider) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    url = f"{relay.url}/v1/chat/completions"
    preflight = httpx.options(url, headers={"Origin": origin, **asked}, trust_env=False)
    refused = post(relay, open_provider, b"{}", Origin=origin)
    for answer in (preflight, refused):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert open_provider.requests == []
