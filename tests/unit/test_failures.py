"""What a provider or a relay says when it says no."""

import json
from typing import Any

import pytest

from sidestep import (
    AuthenticationError,
    BadRequest,
    ModelNotFound,
    Overloaded,
    PermissionDenied,
    QuotaExceeded,
    RateLimited,
    RelayAuthenticationError,
    RelayRefused,
    ResponseError,
    ServerError,
    UnexpectedResponse,
)
from sidestep.catalogue import load_catalogue
from sidestep.dialects.failures import FailureReader

ZAI = FailureReader("Z.ai", load_catalogue()["zai-coding"].error_codes)
OPENAI = FailureReader("OpenAI", load_catalogue()["openai"].error_codes)
RELAY = FailureReader("Z.ai", load_catalogue()["zai-coding"].error_codes, relay="Attic")


def read(reader: FailureReader, status: int, error: Any, **headers: str) -> ResponseError:
    return reader.read_response(status, headers, json.dumps({"error": error}).encode())


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("1001", AuthenticationError),
        ("1113", QuotaExceeded),
        ("1211", ModelNotFound),
        ("1220", PermissionDenied),
        ("1302", RateLimited),
        ("1305", Overloaded),
        ("1308", QuotaExceeded),
        ("9999", RateLimited),
    ],
)
def test_a_vendor_code_goes_before_the_status(code: str, kind: type[ResponseError]) -> None:
    error = read(ZAI, 429, {"code": code, "message": "said Z.ai"})
    assert type(error) is kind
    assert error.code == code
    assert error.status == 429
    assert "said Z.ai" in error.message


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, AuthenticationError),
        (402, QuotaExceeded),
        (403, PermissionDenied),
        (404, ModelNotFound),
        (422, BadRequest),
        (429, RateLimited),
        (500, ServerError),
        (503, Overloaded),
        (529, Overloaded),
    ],
)
def test_without_a_known_code_the_status_decides(status: int, kind: type[ResponseError]) -> None:
    assert type(read(OPENAI, status, {"message": "no", "code": None})) is kind


def test_openai_quota_is_not_a_rate_limit() -> None:
    error = read(OPENAI, 429, {"code": "insufficient_quota", "message": "You exceeded your current quota"})
    assert type(error) is QuotaExceeded
    assert not error.is_retryable


def test_retry_after_and_the_request_id_are_kept() -> None:
    error = read(OPENAI, 429, {"message": "slow down"}, **{"retry-after": "7", "x-request-id": "req_1"})
    assert error.retry_after == 7.0
    assert error.request_id == "req_1"


def test_a_key_in_the_providers_words_is_blanked_out() -> None:
    reader = FailureReader("OpenAI", secrets=("my-own-secret-key",))
    error = read(reader, 401, {"message": "Incorrect API key provided: my-own-secret-key and sk-abcdefghijklmnop1234."})
    assert "secret" not in error.message
    assert "sk-" not in error.message
    assert "[key]" in error.message


def test_long_words_are_cut() -> None:
    assert len(read(OPENAI, 400, {"message": "x" * 10_000}).message) < 700


def test_a_web_page_instead_of_json_points_at_the_address() -> None:
    error = OPENAI.read_response(404, {"content-type": "text/html"}, b"<html>Not here</html>")
    assert type(error) is UnexpectedResponse
    assert "web page" in error.message
    assert "base URL" in error.remedy
    assert type(OPENAI.read_response(502, {"content-type": "text/html"}, b"<html>")) is ServerError


def test_plain_text_is_quoted() -> None:
    assert "upstream is away" in OPENAI.read_response(502, {}, b"upstream is away").message


@pytest.mark.parametrize("code", ["relay_token_wrong", "relay_token_missing", "relay_token_expired"])
def test_the_relays_token_and_the_providers_key_are_told_apart(code: str) -> None:
    token = read(RELAY, 401, {"origin": "relay", "code": code, "message": "no"})
    key = read(
        RELAY, 401, {"origin": "provider", "code": "provider_auth", "provider_code": "1001", "provider_status": 401}
    )
    assert type(token) is RelayAuthenticationError
    assert "Attic" in token.message
    assert token.origin == "relay"
    assert type(key) is AuthenticationError
    assert "Z.ai refused the key" in key.message
    assert key.origin == "provider"


def test_a_relays_other_refusals_name_it() -> None:
    error = read(RELAY, 403, {"origin": "relay", "code": "destination_refused", "message": "not on the list"})
    assert type(error) is RelayRefused
    assert "Attic" in error.message
    assert "not on the list" in error.message


@pytest.mark.parametrize("body", [b"<html>", b"garbage", b"", b"[1]"])
def test_a_relay_answering_garbage_is_named(body: bytes) -> None:
    error = RELAY.read_response(502, {}, body)
    assert type(error) is UnexpectedResponse
    assert "Attic" in error.message
    assert error.origin == "relay"
