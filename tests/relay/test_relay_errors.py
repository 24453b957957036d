"""Providers' errors: told apart by their own codes, passed on without keys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sidestep.catalogue import load_catalogue
from sidestep_relay.errors import KINDS, RelayError, read_provider_error

CATALOGUE = load_catalogue()


def read(body: Any, status: int | None = 400, provider: str = "zai-coding", **more: Any) -> RelayError:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    codes = CATALOGUE[provider].error_codes
    return read_provider_error(encoded, name="Z.ai", status=status, error_codes=codes, **more)


@pytest.mark.parametrize(
    ("status", "code", "expected", "is_retryable"),
    [
        (429, "1113", "provider_quota", False),
        (429, "1302", "provider_rate_limit", True),
        (429, "1305", "provider_overloaded", True),
        (429, "1308", "provider_quota", False),
        (401, "1000", "provider_auth", False),
        (400, "1211", "provider_model", False),
        (400, "1301", "provider_content", False),
        (429, "9999", "provider_rate_limit", True),
    ],
)
def test_the_vendors_code_goes_before_the_status(status: int, code: str, expected: str, is_retryable: bool) -> None:
    error = read({"error": {"code": code, "message": "why"}}, status)
    assert (error.code, error.is_retryable, error.origin) == (expected, is_retryable, "provider")
    assert (error.provider_status, error.provider_code, error.status) == (status, code, status)
    assert error.message == f"Z.ai answered {status}: why"


@pytest.mark.parametrize(
    ("status", "expected", "answered"),
    [
        (401, "provider_auth", 401),
        (402, "provider_quota", 402),
        (403, "provider_permission", 403),
        (404, "provider_answer", 404),
        (418, "provider_request", 418),
        (429, "provider_rate_limit", 429),
        (500, "provider_server", 502),
        (503, "provider_overloaded", 503),
        (529, "provider_overloaded", 503),
    ],
)
def test_without_a_code_the_status_decides(status: int, expected: str, answered: int) -> None:
    error = read(b"<html>no JSON</html>", status)
    assert (error.code, error.status, error.provider_status) == (expected, answered, status)
    assert "<html>" not in error.message


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ({"error": {"message": "m", "type": "t", "code": "c"}}, "c", "m"),
        ({"error": {"message": "m", "type": "t", "code": None}}, "t", "m"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, "overloaded_error", "m"),
        ({"error": "m"}, None, "m"),
        ({"message": "m", "code": 17}, "17", "m"),
        ({"detail": [{"loc": ["x"]}]}, None, '[{"loc": ["x"]}]'),
        ([], None, ""),
        ({}, None, ""),
    ],
)
def test_the_shapes_that_providers_use(body: Any, code: str | None, text: str) -> None:
    error = read(body)
    assert error.provider_code == code
    assert error.message.endswith(text or "without saying why.")


def test_keys_are_taken_out_of_the_providers_words() -> None:
    key = "my.secret-key-value"
    body = {"error": {"message": f"Bad key {key}, or sk-abcdefghijklmnop", "code": f"x{key}"}}
    error = read(body, 401, secrets=(key,))
    shown = json.dumps(error.to_dict("id"))
    assert key not in shown
    assert "abcdefghijklmnop" not in shown


def test_retry_after_is_passed_on() -> None:
    assert read({}, 429, headers={"retry-after": "7"}).headers == {"Retry-After": "7"}
    assert read({}, 429, headers={}).headers == {}


def test_every_kind_of_the_catalogue_has_an_answer() -> None:
    used = {kind for entry in CATALOGUE.values() for kind in entry.error_codes.values()}
    assert used <= KINDS.keys()
    assert len({kind.code for kind in KINDS.values()}) == len(KINDS)


def test_an_error_that_stands_in_a_list_is_read() -> None:
    error = read(b'[{"error": {"code": 404, "message": "models/x is not found", "status": "NOT_FOUND"}}]', 404)
    assert "models/x is not found" in error.message
