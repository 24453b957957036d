"""The fakes behave as they say, since every other test believes them."""

import http.client
import json
import socket
from typing import Any

import pytest

from tests.fakes import (
    CUT,
    AnthropicProvider,
    FakeServer,
    GeminiProvider,
    Hold,
    MistralProvider,
    OllamaProvider,
    OpenProvider,
    Reply,
    Stream,
    ZaiProvider,
)
from tests.fakes.wires import split_inside_characters


def call(
    fake: FakeServer, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", fake.port, timeout=5)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, None if body is None else json.dumps(body), sent)
    response = connection.getresponse()
    try:
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    finally:
        connection.close()


def test_open_provider_streams_with_usage_when_asked() -> None:
    with OpenProvider(key="k") as fake:
        body = {"model": "fake-small", "stream": True, "stream_options": {"include_usage": True}}
        status, headers, text = call(fake, "POST", "/v1/chat/completions", body, Authorization="Bearer k")
    assert status == 200
    assert headers["access-control-allow-origin"] == "*"
    events = [json.loads(line[6:]) for line in text.decode().splitlines() if line.startswith("data: {")]
    assert "".join(c["delta"].get("content", "") for e in events for c in e["choices"]) == fake.text
    assert events[-1]["choices"] == []
    assert events[-1]["usage"]["total_tokens"] == 12
    assert text.endswith(b"data: [DONE]\n\n")


def test_wrong_key_and_unknown_model_are_refused() -> None:
    with OpenProvider(key="k") as fake:
        assert call(fake, "POST", "/v1/chat/completions", {"model": "fake-small"})[0] == 401
        status, _, body = call(fake, "POST", "/v1/chat/completions", {"model": "x"}, Authorization="Bearer k")
    assert status == 404
    assert json.loads(body)["error"]["code"] == "model_not_found"


def test_zai_answers_preflight_without_cors() -> None:
    with ZaiProvider() as fake:
        asked = {"Access_Control_Request_Headers": "authorization", "Origin": "https://page.example"}
        status, headers, _ = call(fake, "OPTIONS", "/api/coding/paas/v4/chat/completions", **asked)
    assert status == 200
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize("asks", [True, False])
def test_anthropic_is_open_only_when_the_page_asks(asks: bool) -> None:
    wanted = "x-api-key, anthropic-dangerous-direct-browser-access" if asks else "x-api-key"
    with AnthropicProvider() as fake:
        _, headers, _ = call(fake, "OPTIONS", "/v1/messages", Access_Control_Request_Headers=wanted)
    assert ("access-control-allow-origin" in headers) is asks


@pytest.mark.parametrize(
    ("wanted", "status"),
    [("content-type, x-goog-api-key", 200), ("content-type,x-goog-api-client", 200), ("authorization", 403)],
)
def test_gemini_lets_three_headers_pass(wanted: str, status: int) -> None:
    with GeminiProvider() as fake:
        asked = {"Access_Control_Request_Headers": wanted, "Origin": "https://page.example"}
        path = "/v1beta/models/gemini-fake:streamGenerateContent"
        got, headers, _ = call(fake, "OPTIONS", path, **asked)
    assert got == status
    assert headers.get("access-control-allow-origin") == ("https://page.example" if status == 200 else None)


@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [("http://localhost:5173", True), ("http://127.0.0.1:80", True), ("https://page.example", False)],
)
def test_ollama_answers_pages_of_this_computer_only(method: str, origin: str, is_let_in: bool) -> None:
    with OllamaProvider() as fake:
        status, headers, _ = call(fake, method, "/api/tags", Origin=origin)
        assert (status < 300) is is_let_in
        assert headers.get("access-control-allow-origin") == (origin if is_let_in else None)
        fake.allowed_origins.add(origin)
        assert call(fake, method, "/api/tags", Origin=origin)[0] < 300


def test_ollama_streams_lines_unless_told_otherwise() -> None:
    with OllamaProvider() as fake:
        _, headers, text = call(fake, "POST", "/api/chat", {"model": "gull:1b", "messages": []})
        lines = [json.loads(line) for line in text.splitlines()]
        whole = json.loads(call(fake, "POST", "/api/chat", {"model": "gull:1b", "stream": False})[2])
        assert headers["content-type"] == "application/x-ndjson"
        assert "".join(line["message"]["content"] for line in lines) == whole["message"]["content"] == fake.text
        assert [line["done"] for line in lines] == [*[False] * (len(lines) - 1), True]


def test_mistral_names_the_field_that_it_does_not_know() -> None:
    with MistralProvider() as fake:
        body = {"model": "fake-small", "messages": [{"role": "user", "content": "Hi"}], "seed": 1}
        status, _, text = call(fake, "POST", "/v1/chat/completions", body, Authorization=f"Bearer {fake.key}")
    assert status == 422
    assert json.loads(text)["message"]["detail"][0]["loc"] == ["body", "seed"]


def test_answers_come_in_order_and_then_the_usual_one() -> None:
    with OpenProvider(key="k") as fake:
        fake.answers.extend([fake.error(429, "slow down", Retry_After="7"), Reply(200, "<html>hello</html>")])
        status, headers, _ = call(fake, "POST", "/v1/chat/completions", {})
        assert (status, headers["retry-after"]) == (429, "7")
        assert call(fake, "POST", "/v1/chat/completions", {})[2] == b"<html>hello</html>"
        assert call(fake, "POST", "/v1/chat/completions", {})[0] == 401
        assert len(fake.chats) == 3


def test_hold_waits_until_released() -> None:
    hold = Hold()
    with OpenProvider() as fake:
        fake.answers.append(Stream([b"one", hold, b"two"]))
        connection = http.client.HTTPConnection("127.0.0.1", fake.port, timeout=5)
        connection.request("POST", "/v1/chat/completions", "{}")
        response = connection.getresponse()
        assert response.read(3) == b"one"
        hold.wait_reached()
        hold.release()
        assert response.read() == b"two"
        connection.close()
        assert fake.requests[0].finished.wait(5)
        assert not fake.requests[0].closed_early.is_set()


def test_a_client_that_leaves_is_noticed_during_silence() -> None:
    with OpenProvider() as fake:
        fake.answers.append(Stream([b"one", hold := Hold(), b"two"]))
        with socket.create_connection(("127.0.0.1", fake.port)) as client:
            client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            hold.wait_reached()
        assert fake.requests[0].wait_closed()


def test_cut_ends_the_connection_inside_the_body() -> None:
    with OpenProvider() as fake:
        fake.answers.append(Stream([b"one", CUT]))
        with pytest.raises(http.client.IncompleteRead):
            call(fake, "POST", "/v1/chat/completions", {})


def test_stopping_a_fake_ends_kept_alive_and_silent_connections() -> None:
    with OpenProvider() as fake:
        fake.answers.append(Reply(200, {}, hold=Hold()))
        client = socket.create_connection(("127.0.0.1", fake.port))
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        fake.wait_for_request()
    with client:
        assert client.recv(1) == b""


def test_characters_are_split() -> None:
    pieces = list(split_inside_characters("aéb✓".encode()))
    assert b"".join(pieces).decode() == "aéb✓"
    with pytest.raises(UnicodeDecodeError):
        pieces[0].decode()
