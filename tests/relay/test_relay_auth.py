"""The token and CORS: judged before anything of the request is read, on every answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO

import pytest
from flask import Flask

from sidestep_relay.auth import is_strong_token
from sidestep_relay.tokens import make_token
from tests.relay.conftest import PAGE
from tests.relay.servers import TOKEN

MakeApp = Callable[..., Flask]
PAIRED = {"Authorization": f"Bearer {TOKEN}", "Origin": PAGE}


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "relay_token_missing"),
        ("", "relay_token_missing"),
        ("Bearer ", "relay_token_missing"),
        (f"Basic {TOKEN}", "relay_token_missing"),
        ("Bearer wrong", "relay_token_wrong"),
        (f"Bearer {TOKEN}x", "relay_token_wrong"),
        (f"Bearer {TOKEN[:-1]}", "relay_token_wrong"),
        (f"Bearer {TOKEN.upper()}", "relay_token_wrong"),
    ],
)
def test_a_wrong_token_is_refused_by_the_relay(make_app: MakeApp, authorization: str | None, code: str) -> None:
    headers = {"Origin": PAGE} | ({"Authorization": authorization} if authorization is not None else {})
    answer = make_app().test_client().post("/v1/chat/completions", headers=headers, data=b"{broken")
    assert answer.status_code == 401
    assert answer.json is not None
    error = answer.json["error"]
    # A body that is no JSON shows that it was not looked at.
    assert (error["code"], error["origin"], error["retryable"]) == (code, "relay", False)
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/v1/relay", "/v1/models", "/v1/anything", "/v1/chat/completions"])
def test_everything_under_v1_needs_the_token(make_app: MakeApp, path: str) -> None:
    assert make_app().test_client().get(path).status_code == 401


def test_the_right_token_passes_in_any_case_of_its_scheme(make_app: MakeApp) -> None:
    client = make_app().test_client()
    for scheme in ("Bearer", "bearer"):
        answer = client.get("/v1/relay", headers={"Authorization": f"{scheme} {TOKEN}"})
        assert answer.status_code == 200
        assert answer.json is not None
        assert {"version", "providers", "name", "limits"} <= answer.json.keys()


def test_preflight_is_answered_without_a_token(make_app: MakeApp) -> None:
    asked = "authorization, content-type, x-provider-key, x-provider-base, x-request-id"
    headers = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": asked,
    }
    answer = make_app().test_client().options("/v1/chat/completions", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().replace(" ", "").split(",")
    assert set(allowed) == set(asked.replace(" ", "").split(","))
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Max-Age"] == "7200"
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    ["https://other.example", "https://page.example.evil.example", "http://page.example", "null", PAGE + ":444"],
)
def test_another_origin_gets_no_permission_and_the_log_names_it(make_app: MakeApp, log: StringIO, origin: str) -> None:
    client = make_app().test_client()
    for answer in (
        client.options("/v1/relay", headers={"Origin": origin}),
        client.get("/healthz", headers={"Origin": origin}),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Origin" in answer.headers["Vary"]
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert {line["event"] for line in lines} == {"origin_refused"}
    assert lines[0]["detail"] == f"To let this page read answers set SIDESTEP_ORIGINS={origin}"


def test_an_origin_with_an_ipv6_address_is_compared_exactly(make_app: MakeApp) -> None:
    client = make_app(origins=("http://[::1]:8787",)).test_client()
    answer = client.get("/healthz", headers={"Origin": "http://[::1]:8787"})
    assert answer.headers["Access-Control-Allow-Origin"] == "http://[::1]:8787"
    assert "Access-Control-Allow-Origin" not in client.get("/healthz", headers={"Origin": "http://1:8787"}).headers


def test_a_request_without_origin_is_told_no_origin(make_app: MakeApp) -> None:
    assert "Access-Control-Allow-Origin" not in make_app().test_client().get("/healthz").headers


def break_on_purpose() -> str:
    raise RuntimeError("canary-in-an-exception")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("POST", "/healthz", 405),
        ("POST", "/v1/chat/completions", 413),
        ("GET", "/v1/broken", 500),
    ],
)
def test_errors_carry_cors_and_the_envelope(
    make_app: MakeApp, log: StringIO, method: str, path: str, status: int
) -> None:
    app = make_app(largest_body=100)
    app.get("/v1/broken")(break_on_purpose)
    answer = app.test_client().open(path, method=method, headers=PAIRED, data=b"x" * 101)
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]
    assert answer.json is not None
    error = answer.json["error"]
    assert (error["code"], error["origin"]) == (f"http_{status}", "relay")
    assert error["request_id"] == answer.headers["X-Request-Id"]
    assert "canary" not in answer.text + log.getvalue()


def test_a_sane_request_id_is_kept_and_another_replaced(make_app: MakeApp) -> None:
    client = make_app().test_client()
    assert client.get("/healthz", headers={"X-Request-Id": "abc-12345"}).headers["X-Request-Id"] == "abc-12345"
    assert client.get("/healthz", headers={"X-Request-Id": "a b"}).headers["X-Request-Id"] != "a b"


@pytest.mark.parametrize(
    ("token", "is_strong"),
    [
        # Its name must be the same in every process that runs tests.
        pytest.param(make_token(), True, id="made"),
        ("0123456789abcdef" * 2, True),
        ("0123456789abcdef" * 2 + "0", True),
        ("0123456789abcdef0123456789abcde", False),
        ("Zm9vYmFyYmF6cXV4MTIzNA", True),
        ("Zm9vYmFyYmF6cXV4MTIzN", False),
        ("a" * 64, False),
        ("", False),
        ("correct horse battery staple", False),
    ],
)
def test_a_token_has_128_bits(token: str, is_strong: bool) -> None:
    assert is_strong_token(token) is is_strong
