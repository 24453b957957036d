"""What `/v1/probe` tells of providers that behave and misbehave, and what it cannot be talked into."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from sidestep.catalogue import load_catalogue
from sidestep_relay.app import create_app
from sidestep_relay.config import RelayConfig
from sidestep_relay.destinations import Destinations, parse_destination
from sidestep_relay.errors import RelayError
from sidestep_relay.probes import Prober, read_probe
from tests.fakes import AnthropicProvider, HidesErrorsProvider, Hold, OpenProvider, Reply, Stream
from tests.fakes.providers import BaseProvider, ZaiProvider
from tests.fakes.servers import Answer, Recorded
from tests.relay.calls import chat
from tests.relay.certificates import Authority
from tests.relay.conftest import PAGE
from tests.relay.servers import TOKEN, RunningRelay

MakeApp = Callable[..., Flask]
HERE = Destinations(named=(parse_destination("127.0.0.1"),))
STEPS = {"url", "dns", "tcp", "tls", "preflight", "answer", "elapsed_ms"}
PREFLIGHT = {"ok", "status", "allow_origin", "allow_methods", "allow_headers", "missing", "max_age", "ms"}
ANSWER = {"status", "allow_origin", "is_readable", "content_type", "ms"}
CONFIRMED = {"ok": True, "error": None}


def make_body(url: str, **fields: Any) -> dict[str, Any]:
    return {"url": url, "method": "POST", "headers": ["Content-Type", "authorization"], "origin": PAGE, **fields}


def find_url(fake: BaseProvider) -> str:
    return f"{fake.base_url}{fake.chat_path}"


def ask(client: httpx.Client, fake: BaseProvider, **fields: Any) -> dict[str, Any]:
    answer = client.post("/v1/probe", json=make_body(find_url(fake), **fields))
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    assert report.keys() == STEPS
    return report


def look(url: str, *, rules: Destinations = HERE, context: ssl.SSLContext | None = None, **fields: Any) -> Any:
    """Probe without a relay around it; *fields* are `Prober`'s."""
    prober = Prober(rules, context or ssl.create_default_context(), load_catalogue(), **fields)
    return prober.run(read_probe(make_body(url), rules))


def get_outcome(step: dict[str, Any]) -> dict[str, Any]:
    return {name: step[name] for name in ("ok", "error")}


def greet(listener: socket.socket, words: bytes, times: int = 1, *, is_last: bool = False) -> None:
    """Say *words* to as many connections whatever they ask for; if *is_last*, nobody else gets through."""
    for _ in range(times):
        connection, _address = listener.accept()
        with connection:
            connection.recv(65536)
            if is_last:
                listener.close()
            connection.sendall(words)


# what it tells


def test_an_open_provider(client: httpx.Client, open_provider: OpenProvider) -> None:
    report = ask(client, open_provider)
    assert report["url"] == find_url(open_provider)
    assert get_outcome(report["dns"]) == get_outcome(report["tcp"]) == CONFIRMED
    assert report["tls"] is None
    assert report["preflight"].keys() == PREFLIGHT
    assert report["preflight"] == {
        "ok": True,
        "status": 204,
        "allow_origin": "*",
        "allow_methods": ["GET", "POST", "OPTIONS"],
        "allow_headers": ["authorization", "content-type"],
        "missing": {"origin": False, "method": False, "headers": []},
        "max_age": None,
        "ms": report["preflight"]["ms"],
    }
    assert report["answer"].keys() == ANSWER
    assert (report["answer"]["status"], report["answer"]["is_readable"]) == (401, True)
    assert report["answer"]["content_type"] == "application/json"
    took = [report[step]["ms"] for step in ("dns", "tcp", "preflight", "answer")]
    assert min(took) >= 0
    assert sum(took) <= report["elapsed_ms"] + 1
    assert open_provider.requests[0].peer == open_provider.requests[1].peer, "one connection is enough"
    asked = open_provider.requests[0].headers
    assert asked["origin"] == PAGE
    assert asked["access-control-request-method"] == "POST"
    assert asked["access-control-request-headers"] == "authorization,content-type"


def test_a_provider_that_answers_no_page(client: httpx.Client, zai_provider: ZaiProvider) -> None:
    report = ask(client, zai_provider)
    preflight = report["preflight"]
    assert (preflight["ok"], preflight["status"], preflight["allow_origin"]) == (False, 200, None)
    assert preflight["missing"] == {"origin": True, "method": False, "headers": ["authorization", "content-type"]}
    assert (report["answer"]["status"], report["answer"]["is_readable"]) == (401, False)


class ListsHeaders(OpenProvider):
    """Allows the headers that its vendor thought of."""

    def preflight(self, request: Recorded) -> Answer:
        allow = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "Authorization, Content-Type"}
        return Reply(200, headers={**allow, "Access-Control-Max-Age": "600"})


def test_one_header_too_many(client: httpx.Client) -> None:
    with ListsHeaders() as fake:
        report = ask(client, fake, headers=["authorization", "content-type", "x-title"])
        assert report["preflight"]["missing"] == {"origin": False, "method": False, "headers": ["x-title"]}
        assert (report["preflight"]["ok"], report["preflight"]["max_age"]) == (False, 600)
        assert ask(client, fake)["preflight"]["ok"]


def test_errors_that_no_page_can_read(client: httpx.Client, hides_errors_provider: HidesErrorsProvider) -> None:
    report = ask(client, hides_errors_provider)
    assert report["preflight"]["ok"]
    assert (report["answer"]["status"], report["answer"]["is_readable"]) == (401, False)


def test_a_provider_that_wants_a_header_of_the_catalogue(
    client: httpx.Client, anthropic_provider: AnthropicProvider
) -> None:
    headers = ["x-api-key", "content-type", "anthropic-version"]
    shy = ask(client, anthropic_provider, headers=headers)
    assert (shy["preflight"]["ok"], shy["answer"]["is_readable"]) == (False, False)
    bold = ask(client, anthropic_provider, headers=[*headers, "anthropic-dangerous-direct-browser-access"])
    assert (bold["preflight"]["ok"], bold["answer"]["is_readable"]) == (True, True)
    assert anthropic_provider.chats[-1].headers["anthropic-version"] == "2023-06-01"


def test_a_list_of_models_is_asked_for_without_a_body(client: httpx.Client, open_provider: OpenProvider) -> None:
    body = make_body(f"{open_provider.base_url}/models", method="GET", headers=["authorization"])
    report = client.post("/v1/probe", json=body).json()
    assert (report["answer"]["status"], report["answer"]["is_readable"]) == (401, True)
    preflight, listing = open_provider.requests
    assert preflight.headers["access-control-request-method"] == "GET"
    assert (listing.method, listing.body) == ("GET", b"")
    assert "content-type" not in listing.headers


def test_a_port_where_nobody_listens(client: httpx.Client) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        report = client.post("/v1/probe", json=make_body(f"http://127.0.0.1:{taken.getsockname()[1]}/v1")).json()
    assert get_outcome(report["dns"]) == CONFIRMED
    assert get_outcome(report["tcp"]) == {"ok": False, "error": "refused"}
    assert [report[step] for step in ("tls", "preflight", "answer")] == [None] * 3


def test_a_name_that_nobody_has(make_app: MakeApp) -> None:
    url = "https://nobody.invalid/v1/chat/completions"
    app = make_app(destinations=Destinations(allows_any_public=True))
    answer = app.test_client().post("/v1/probe", headers={"Authorization": f"Bearer {TOKEN}"}, json=make_body(url))
    assert answer.status_code == 200
    assert answer.json is not None
    # A computer without any name server cannot tell an unknown name from a silent server.
    assert answer.json["dns"]["error"] in ("unknown host", "failed")
    assert [answer.json[step] for step in ("tcp", "tls", "preflight", "answer")] == [None] * 4


@pytest.mark.parametrize(
    ("failure", "word"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "unknown host"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), "failed"),
        (UnicodeError("label empty or too long"), "failed"),
    ],
)
def test_a_name_that_cannot_be_looked_up(failure: Exception, word: str) -> None:
    def fail(_host: str, _port: int) -> list[str]:
        raise failure

    report = look("http://127.0.0.1/v1", resolver=fail)
    assert get_outcome(report["dns"]) == {"ok": False, "error": word}
    assert report["tcp"] is None


class Redirects(OpenProvider):
    """Sends every request elsewhere."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target

    def preflight(self, request: Recorded) -> Answer:
        allow = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "authorization, content-type"}
        return Reply(307, headers={**allow, "Location": self.target})

    def respond(self, request: Recorded) -> Answer:
        return Reply(307, headers={"Location": self.target})


def test_a_redirect_is_not_followed_and_not_ok(client: httpx.Client, open_provider: OpenProvider) -> None:
    with Redirects(find_url(open_provider)) as fake:
        report = ask(client, fake)
    assert (report["preflight"]["ok"], report["preflight"]["status"]) == (False, 307)
    assert report["preflight"]["missing"] == {"origin": False, "method": False, "headers": []}
    assert (report["answer"]["status"], report["answer"]["is_readable"]) == (307, False)
    assert open_provider.requests == []


# certificates


class TlsProvider(OpenProvider):
    """An open provider behind TLS."""

    def __init__(self, chain: Path) -> None:
        super().__init__()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chain)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def origin(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def test_a_certificate_that_no_authority_signed(client: httpx.Client, authority: Authority) -> None:
    with TlsProvider(authority.issue("own", is_self_signed=True)) as fake:
        report = ask(client, fake)
    assert get_outcome(report["tcp"]) == CONFIRMED
    assert get_outcome(report["tls"]) == {"ok": False, "error": "self-signed"}
    assert (report["preflight"], report["answer"]) == (None, None)


def test_a_good_certificate(authority: Authority) -> None:
    with TlsProvider(authority.issue("good")) as fake:
        report = look(find_url(fake), context=ssl.create_default_context(cafile=authority.file))
    assert get_outcome(report["tls"]) == CONFIRMED
    assert report["preflight"]["ok"]
    assert report["answer"]["is_readable"]


@pytest.mark.parametrize(
    ("word", "is_trusted", "fields"),
    [
        ("expired", True, {"days": -1}),
        ("wrong host", True, {"address": "127.0.0.2"}),
        ("untrusted", False, {}),
    ],
)
def test_a_bad_certificate(authority: Authority, word: str, is_trusted: bool, fields: dict[str, Any]) -> None:
    context = ssl.create_default_context(cafile=authority.file if is_trusted else None)
    with TlsProvider(authority.issue(word, **fields)) as fake:
        report = look(find_url(fake), context=context)
    assert get_outcome(report["tls"]) == {"ok": False, "error": word}
    assert (report["preflight"], report["answer"]) == (None, None)


def test_a_server_that_speaks_no_tls_is_asked_once(client: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        greeter = threading.Thread(target=greet, args=(listener, b"SSH-2.0-OpenSSH_9.9\r\n"))
        greeter.start()
        report = client.post("/v1/probe", json=make_body(f"https://127.0.0.1:{listener.getsockname()[1]}")).json()
        greeter.join(10)
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert get_outcome(report["tcp"]) == CONFIRMED
    assert get_outcome(report["tls"]) == {"ok": False, "error": "failed"}
    assert (report["preflight"], report["answer"]) == (None, None)


def test_a_server_that_speaks_no_http(client: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        greeter = threading.Thread(target=greet, args=(listener, b"SSH-2.0-OpenSSH_9.9\r\n", 2))
        greeter.start()
        report = client.post("/v1/probe", json=make_body(f"http://127.0.0.1:{listener.getsockname()[1]}")).json()
        greeter.join(10)
    assert get_outcome(report["tcp"]) == CONFIRMED
    assert (report["preflight"], report["answer"]) == (None, None)


def test_a_server_that_goes_away_in_between(client: httpx.Client) -> None:
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n."
    with socket.create_server(("127.0.0.1", 0)) as listener:
        greeter = threading.Thread(target=greet, args=(listener, said), kwargs={"is_last": True})
        greeter.start()
        report = client.post("/v1/probe", json=make_body(f"http://127.0.0.1:{listener.getsockname()[1]}")).json()
        greeter.join(10)
    assert get_outcome(report["tcp"]) == CONFIRMED
    assert (report["preflight"]["status"], report["answer"]) == (200, None)


# time, and what is left behind


class Silent(OpenProvider):
    """Falls silent before it answers a preflight."""

    def __init__(self) -> None:
        super().__init__()
        self.hold = Hold()

    def preflight(self, request: Recorded) -> Answer:
        return Reply(204, hold=self.hold)


def test_a_slow_server_is_given_up() -> None:
    config = RelayConfig(token=TOKEN, destinations=HERE)
    app = create_app(config, spawn=lambda _: None, probe_seconds=0.4)
    with Silent() as fake:
        fake.answers.append(Reply(401, hold=Hold()))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = app.test_client().post("/v1/probe", headers=headers, json=make_body(find_url(fake)))
        assert answer.json is not None
        assert get_outcome(answer.json["tcp"]) == CONFIRMED
        assert (answer.json["preflight"], answer.json["answer"]) == (None, None)
        assert 300 < answer.json["elapsed_ms"] < 5000
        assert all(request.wait_closed() for request in fake.requests)


def test_silence_to_a_preflight_leaves_time_for_the_second_question() -> None:
    with Silent() as fake:
        report = look(find_url(fake), seconds=2.0)
    assert report["preflight"] is None
    assert (report["answer"]["status"], report["answer"]["is_readable"]) == (401, True)


def test_drops_do_not_stretch_the_time() -> None:
    is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            with listener.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 204 No Content\r\n")
                try:
                    while not is_over.wait(0.05):
                        connection.sendall(b"X-Drop: 1\r\n")
                except OSError:
                    # The relay has hung up, as it should.
                    return

        dripper = threading.Thread(target=drip)
        dripper.start()
        try:
            report = look(f"http://127.0.0.1:{listener.getsockname()[1]}", seconds=0.5)
            dripper.join(10)
            assert not dripper.is_alive(), "the connection was left open"
        finally:
            is_over.set()
    assert (get_outcome(report["tcp"]), report["preflight"]) == (CONFIRMED, None)
    assert report["elapsed_ms"] < 5000


def test_a_name_server_that_is_silent(open_provider: OpenProvider) -> None:
    is_answering = threading.Event()
    before = {*threading.enumerate()}

    def wait(_host: str, _port: int) -> list[str]:
        is_answering.wait(10)
        return ["127.0.0.1"]

    report = look(find_url(open_provider), seconds=0.2, resolver=wait)
    assert get_outcome(report["dns"]) == {"ok": False, "error": "timed out"}
    assert report["tcp"] is None
    is_answering.set()
    for thread in {*threading.enumerate()} - before:
        thread.join(10)
    assert open_provider.requests == []


@pytest.mark.parametrize("status", [200, 400])
def test_a_body_without_end_is_not_read(client: httpx.Client, open_provider: OpenProvider, status: int) -> None:
    open_provider.answers.append(Stream([b"x" * 6000, Hold()], status=status))
    report = ask(client, open_provider)
    assert (report["answer"]["status"], report["answer"]["content_type"]) == (status, "text/event-stream")
    assert report["elapsed_ms"] < 4000
    assert open_provider.chats[-1].wait_closed()


def test_the_provider_is_let_go_when_the_page_leaves(client: httpx.Client) -> None:
    with Silent() as fake:
        with pytest.raises(httpx.ReadTimeout):
            client.post("/v1/probe", json=make_body(find_url(fake)), timeout=0.5)
        assert fake.wait_for_request().wait_closed(3.0)
        assert fake.chats == []


# what it cannot be talked into


def test_no_key_and_no_cookie_is_sent(client: httpx.Client, relay: RunningRelay, open_provider: OpenProvider) -> None:
    secret = "sk-canary-0123456789"
    headers = {"X-Provider-Key": secret, "X-Api-Key": secret, "Cookie": f"session={secret}"}
    body = make_body(f"{find_url(open_provider)}?key={secret}#{secret}", headers=["authorization", "x-api-key"])
    report = client.post("/v1/probe", headers=headers, json=body).json()
    assert report["url"] == find_url(open_provider)
    assert [request.method for request in open_provider.requests] == ["OPTIONS", "POST"]
    for request in open_provider.requests:
        assert not {"authorization", "x-api-key", "cookie", "x-provider-key"} & request.headers.keys()
        assert secret not in f"{request.path}{request.query}{request.headers}"
        assert TOKEN not in str(request.headers)
    assert open_provider.chats[0].body == b"{}"
    assert secret not in "\n".join(relay.stderr)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1/chat/completions",
        "http://api.openai.com/v1/chat/completions",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1:22/",
        "https://localhost",
        "https://api.openai.com.evil.example/v1",
        "https://evil.example?https://api.openai.com",
        "https://evil.example#@api.openai.com",
    ],
)
def test_a_destination_that_no_chat_reaches_is_refused_alike(client: httpx.Client, url: str) -> None:
    answer = client.post("/v1/probe", json=make_body(url))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (403, "destination_refused", "url")
    base = url.partition("#")[0].partition("?")[0]
    headers = {"X-Provider-Key": "k", "X-Provider-Base": base}
    body = {"model": "openai/x", "messages": [{"role": "user", "content": "x"}]}
    refused = client.post("/v1/chat/completions", headers=headers, json=body).json()["error"]
    assert (error["code"], error["message"]) == (refused["code"], refused["message"])


def test_a_name_that_leads_inside_is_refused_and_its_address_kept(open_provider: OpenProvider) -> None:
    rules = Destinations(allows_any_public=True)
    for addresses in (["10.20.30.40"], ["93.184.215.14", "10.20.30.40"], ["127.0.0.1"]):
        with pytest.raises(RelayError) as caught:
            look(
                f"https://inside.example:{open_provider.port}", rules=rules, resolver=lambda *_, found=addresses: found
            )
        assert (caught.value.status, caught.value.code) == (403, "destination_refused")
        assert caught.value.param == "url"
        assert not any(address in caught.value.message for address in addresses)
    assert open_provider.requests == []


class Wordy(OpenProvider):
    """Answers a preflight with words, so that its connection is not used again."""

    def preflight(self, request: Recorded) -> Answer:
        return Reply(200, "Welcome!")


def test_a_name_is_looked_up_once_for_all_its_connections() -> None:
    asked: list[str] = []

    def find(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    rules = Destinations(named=(parse_destination("inside.example"),))
    with Wordy() as fake:
        report = look(f"http://inside.example:{fake.port}/v1", rules=rules, resolver=find)
        assert fake.requests[0].peer != fake.requests[1].peer
    assert report["answer"]["status"] == 401
    assert fake.requests[0].headers["host"] == f"inside.example:{fake.port}"
    assert asked == ["inside.example"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"url": None}, "url"),
        ({"url": ""}, "url"),
        ({"url": ["https://api.openai.com"]}, "url"),
        ({"url": "https://api.openai.com/" + "a" * 2000}, "url"),
        ({"url": "https://key@api.openai.com/v1"}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "https://api.openai.com/../v1"}, "url"),
        ({"method": "DELETE"}, "method"),
        ({"method": "post"}, "method"),
        ({"method": ["POST"]}, "method"),
        ({"method": None}, "method"),
        ({"headers": "authorization"}, "headers"),
        ({"headers": ["authorization: Bearer x"]}, "headers"),
        ({"headers": ["x\r\nHost: evil"]}, "headers"),
        ({"headers": [""]}, "headers"),
        ({"headers": ["x" * 101]}, "headers"),
        ({"headers": [1]}, "headers"),
        ({"headers": ["x"] * 33}, "headers"),
        ({"headers": {"authorization": "x"}}, "headers"),
        ({"origin": None}, "origin"),
        ({"origin": "null"}, "origin"),
        ({"origin": "*"}, "origin"),
        ({"origin": "https://page.example/"}, "origin"),
        ({"origin": "https://page.example/path"}, "origin"),
        ({"origin": "https://PAGE.example"}, "origin"),
        ({"origin": "https://page.example:443"}, "origin"),
        ({"origin": "https://me@page.example"}, "origin"),
        ({"origin": "https://page.example\r\nX: y"}, "origin"),
        ({"origin": "ftp://page.example"}, "origin"),
        ({"api_key": "sk-x"}, "api_key"),
        ({"body": {}}, "body"),
    ],
)
def test_anything_else_is_refused_by_name(make_app: MakeApp, fields: dict[str, Any], param: str) -> None:
    body = make_body("https://api.openai.com/v1/chat/completions") | fields
    answer = make_app().test_client().post("/v1/probe", headers={"Authorization": f"Bearer {TOKEN}"}, json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json is not None
    error = answer.json["error"]
    assert (error["param"], error["origin"], error["type"]) == (param, "relay", "invalid_request_error")


@pytest.mark.parametrize("origin", ["http://localhost:8000", "http://[::1]:8000", "https://page.example:8443"])
def test_an_origin_with_a_port_is_an_origin(origin: str) -> None:
    assert read_probe(make_body("http://127.0.0.1", origin=origin), HERE).origin == origin


@pytest.mark.parametrize("missing", ["url", "method", "headers", "origin"])
def test_every_field_must_be_there(make_app: MakeApp, missing: str) -> None:
    body = make_body("https://api.openai.com/v1")
    del body[missing]
    answer = make_app().test_client().post("/v1/probe", headers={"Authorization": f"Bearer {TOKEN}"}, json=body)
    assert answer.json is not None
    assert (answer.status_code, answer.json["error"]["param"]) == (400, missing)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"https://api.openai.com"'])
def test_what_is_no_object_is_refused(make_app: MakeApp, body: bytes) -> None:
    answer = make_app().test_client().post("/v1/probe", headers={"Authorization": f"Bearer {TOKEN}"}, data=body)
    assert answer.json is not None
    wanted = "request_not_json" if body in {b"", b"{"} else "request_invalid"
    assert (answer.status_code, answer.json["error"]["code"]) == (400, wanted)


def test_a_wrong_token_probes_nothing(client: httpx.Client, open_provider: OpenProvider) -> None:
    for authorization, code in (("Bearer wrong", "relay_token_wrong"), ("", "relay_token_missing")):
        answer = client.post(
            "/v1/probe", headers={"Authorization": authorization}, json=make_body(find_url(open_provider))
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    assert open_provider.requests == []


def test_answers_and_errors_carry_the_usual_headers(client: httpx.Client, open_provider: OpenProvider) -> None:
    good = client.post("/v1/probe", headers={"X-Request-Id": "abc-12345"}, json=make_body(find_url(open_provider)))
    assert good.headers["Cache-Control"] == "no-store"
    assert good.headers["Server-Timing"].startswith("relay;dur=")
    assert ", upstream;dur=" in good.headers["Server-Timing"]
    bad = client.post("/v1/probe", headers={"X-Request-Id": "abc-12345"}, json={})
    assert bad.status_code == 400
    for answer in (good, bad):
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
        assert answer.headers["X-Request-Id"] == "abc-12345"


def test_a_probe_takes_nothing_from_a_chat_at_the_same_place(client: httpx.Client, open_provider: OpenProvider) -> None:
    assert chat(client, open_provider).status_code == 200
    assert ask(client, open_provider)["answer"]["status"] == 401
    assert chat(client, open_provider).status_code == 200
