"""Each provider's own way of writing an error, mapped to what it means."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sidestep import (
    AuthenticationError,
    BadRequest,
    ContentRefused,
    ModelNotFound,
    Overloaded,
    PermissionDenied,
    QuotaExceeded,
    RateLimited,
    RelayRefused,
    ResponseError,
    ServerError,
)
from sidestep.catalogue import load_catalogue
from sidestep.dialects.failures import FailureReader

NOW = datetime(2026, 9, 4, 10, 0, 0, tzinfo=UTC).timestamp()
RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}
FIELD = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": "contents[0].parts"}]}
BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
PER_DAY = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}


def read(provider: str, status: int, document: Any, *, relay: str = "", **headers: str) -> ResponseError:
    entry = load_catalogue()[provider]
    reader = FailureReader(entry.name, entry.error_codes, ("a-very-secret-key",), relay, NOW)
    return reader.read_response(status, headers, json.dumps(document).encode())


def google(code: int, status: str, *details: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": "said Google", "status": status, "details": list(details)}}


@pytest.mark.parametrize(
    "row",
    [
        # OpenAI
        ("openai", 401, {"error": {"message": "Incorrect", "code": "invalid_api_key"}}, AuthenticationError,
         "invalid_api_key", "Incorrect"),
        ("openai", 429, {"error": {"message": "over", "code": "insufficient_quota"}}, QuotaExceeded,
         "insufficient_quota", "over"),
        ("openai", 429, {"error": {"message": "Rate", "type": "tokens", "code": "rate_limit_exceeded"}}, RateLimited,
         "rate_limit_exceeded", "Rate"),
        ("openai", 429, {"error": {"message": "hard", "code": "billing_hard_limit_reached"}}, QuotaExceeded,
         "billing_hard_limit_reached", "hard"),
        ("openai", 400, {"error": {"message": "no", "code": "content_policy_violation"}}, ContentRefused,
         "content_policy_violation", "no"),
        ("openai", 404, {"error": {"message": "no model", "code": "model_not_found"}}, ModelNotFound,
         "model_not_found", "no model"),
        ("openai", 403, {"error": {"message": "country", "code": "unsupported_country"}}, PermissionDenied,
         "unsupported_country", "country"),
        ("openai", 500, {"error": {"message": "oh", "type": "server_error"}}, ServerError, None, "oh"),
        ("openai", 503, {"error": {"message": "slow down"}}, Overloaded, None, "slow down"),
        # Anthropic
        ("anthropic", 529, {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, Overloaded,
         None, "busy"),
        ("anthropic", 413, {"type": "error", "error": {"type": "request_too_large", "message": "big"}}, BadRequest,
         None, "big"),
        # Gemini
        ("gemini", 429, google(429, "RESOURCE_EXHAUSTED", RETRY_INFO), RateLimited, "RESOURCE_EXHAUSTED",
         "said Google"),
        ("gemini", 429, [google(429, "RESOURCE_EXHAUSTED", RETRY_INFO)], RateLimited, "RESOURCE_EXHAUSTED",
         "said Google"),
        ("gemini", 400, google(400, "INVALID_ARGUMENT", BAD_KEY), AuthenticationError, "INVALID_ARGUMENT",
         "said Google"),
        ("custom", 400, [google(400, "INVALID_ARGUMENT", BAD_KEY)], AuthenticationError, "INVALID_ARGUMENT",
         "said Google"),
        ("gemini", 400, google(400, "INVALID_ARGUMENT"), BadRequest, "INVALID_ARGUMENT", "said Google"),
        ("gemini", 400, google(400, "FAILED_PRECONDITION"), PermissionDenied, "FAILED_PRECONDITION", "said Google"),
        ("gemini", 503, google(503, "UNAVAILABLE"), Overloaded, "UNAVAILABLE", "said Google"),
        # Mistral
        ("mistral", 422, {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}, BadRequest,
         None, "Extra inputs are not permitted"),
        ("mistral", 400, {"object": "error", "message": "Invalid model", "type": "invalid_model", "code": "1500"},
         BadRequest, "1500", "Invalid model"),
        ("mistral", 422, {"object": "error", "message": {"detail": [{"loc": ["body", "n"], "msg": "wrong"}]}},
         BadRequest, None, "wrong"),
        ("mistral", 429, {"object": "error", "message": "Rate limit exceeded", "code": "1300"}, RateLimited, "1300",
         "Rate limit"),
        ("mistral", 401, {"detail": "Unauthorized"}, AuthenticationError, None, "Unauthorized"),
        # Cohere, Ollama, Hugging Face, NVIDIA, xAI
        ("cohere", 401, {"id": "1", "message": "invalid api token"}, AuthenticationError, None, "invalid api token"),
        ("ollama", 404, {"error": "model 'x' not found"}, ModelNotFound, None, "model 'x' not found"),
        ("huggingface", 401, {"error": "Invalid username or password."}, AuthenticationError, None, "Invalid username"),
        ("huggingface", 422, {"error": ["one", "two"]}, BadRequest, None, "one; two"),
        ("nvidia", 403, {"status": 403, "title": "Forbidden", "detail": "Authorization failed"}, PermissionDenied, None,
         "Authorization failed"),
        ("xai", 404, {"code": "Some requested entity was not found", "error": "The model x does not exist"},
         ModelNotFound, "Some requested entity was not found", "The model x does not exist"),
        # OpenRouter
        ("openrouter", 402, {"error": {"code": 402, "message": "Insufficient credits"}}, QuotaExceeded, "402",
         "Insufficient credits"),
        ("openrouter", 403, {"error": {"code": 403, "message": "flagged", "metadata": {"flagged_input": "x"}}},
         ContentRefused, "403", "flagged"),
        ("openrouter", 429,
         {"error": {"code": 429, "message": "Provider returned error",
                    "metadata": {"raw": "{\"error\": {\"message\": \"too hot\"}}", "provider_name": "Kiln"}}},
         RateLimited, "429", "Kiln: too hot"),
        ("openrouter", 502,
         {"error": {"code": 502, "message": "Provider returned error", "metadata": {"raw": "error code: 1015"}}},
         ServerError, "502", "error code: 1015"),
        # DeepSeek, Fireworks, Together, Groq, Moonshot
        ("deepseek", 402, {"error": {"message": "Insufficient Balance", "code": "invalid_request_error"}},
         QuotaExceeded, "invalid_request_error", "Insufficient Balance"),
        ("deepseek", 401, {"error": {"message": "fails", "type": "authentication_error"}}, AuthenticationError, None,
         "fails"),
        ("fireworks", 404, {"error": {"object": "error", "type": "invalid_request_error", "message": "gone"}},
         ModelNotFound, None, "gone"),
        ("together", 401, {"id": "1", "error": {"message": "Invalid key", "code": "invalid_api_key"}},
         AuthenticationError, "invalid_api_key", "Invalid key"),
        ("groq", 413, {"error": {"message": "too large", "type": "tokens", "code": "rate_limit_exceeded"}}, BadRequest,
         "rate_limit_exceeded", "too large"),
        ("groq", 400, {"error": {"message": "tool", "code": "tool_use_failed"}}, BadRequest, "tool_use_failed", "tool"),
        ("moonshot", 429, {"error": {"message": "busy", "type": "engine_overloaded_error"}}, Overloaded, None, "busy"),
        ("azure", 400, {"error": {"message": "filtered", "code": "content_filter"}}, ContentRefused, "content_filter",
         "filtered"),
        # Z.ai
        ("zai-coding", 429, {"error": {"code": "1302", "message": "concurrency"}}, RateLimited, "1302", "concurrency"),
        ("zai-coding", 429, {"error": {"code": "1305", "message": "busy"}}, Overloaded, "1305", "busy"),
        ("zai-coding", 429, {"error": {"code": "1113", "message": "no package"}}, QuotaExceeded, "1113", "no package"),
        ("zai-anthropic", 429,
         {"type": "error", "error": {"type": "rate_limit_error",
                                     "message": "[1308][Usage limit reached][2026-09-04 19:01:25]"}},
         QuotaExceeded, "1308", "Usage limit"),
    ],
)  # fmt: skip
def test_each_shape_is_read(row: tuple[str, int, Any, type[ResponseError], str | None, str]) -> None:
    provider, status, document, kind, code, words = row
    error = read(provider, status, document)
    assert type(error) is kind
    assert error.code == code
    assert error.status == status
    assert words in error.message
    assert error.remedy


@pytest.mark.parametrize(
    ("provider", "status", "document", "param"),
    [
        ("openai", 400, {"error": {"message": "no", "param": "temperature"}}, "temperature"),
        ("mistral", 422, {"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "no"}]}, "messages.0.role"),
        ("mistral", 422, {"object": "error", "message": {"detail": [{"loc": ["body", "n"], "msg": "no"}]}}, "n"),
        ("gemini", 400, google(400, "INVALID_ARGUMENT", FIELD), "contents[0].parts"),
        (
            "anthropic",
            400,
            {"type": "error", "error": {"type": "invalid_request_error", "message": "max_tokens: Field required"}},
            "max_tokens",
        ),
    ],
)
def test_the_offending_field_is_named_and_the_remedy_names_it_too(
    provider: str, status: int, document: Any, param: str
) -> None:
    error = read(provider, status, document)
    assert error.param == param
    assert f"“{param}”" in error.remedy
    assert error.to_dict()["param"] == param


@pytest.mark.parametrize("words", ["prompt is too long: 3 tokens", "Oh: no", "https://x.test: no", "max_tokens"])
def test_words_that_name_no_field_are_not_taken_for_one(words: str) -> None:
    said = {"type": "error", "error": {"type": "invalid_request_error", "message": words}}
    assert read("anthropic", 400, said).param is None


def test_a_wait_is_read_with_the_moment_that_it_ends() -> None:
    error = read("openai", 429, {"error": {"message": "slow"}}, **{"retry-after": "20"})
    assert (error.retry_after, error.resets_at) == (20.0, NOW + 20)
    assert error.to_dict()["retry_after_seconds"] == 20.0
    assert error.to_dict()["resets_at"] == "2026-09-04T10:00:20Z"
    assert read("gemini", 429, google(429, "RESOURCE_EXHAUSTED", RETRY_INFO)).retry_after == 34.0
    plain = read("openai", 400, {"error": {"message": "no"}}, **{"retry-after": "20"})
    assert (plain.retry_after, plain.resets_at, plain.to_dict()["resets_at"]) == (None, None, None)


def test_a_plans_reset_is_a_quota_with_a_moment_and_no_wait() -> None:
    words = "Usage limit reached for 5 hour. Your limit will reset at 2026-09-04 19:01:25"
    for code in ("1308", "1310", "1302"):
        error = read("zai-coding", 429, {"error": {"code": code, "message": words}})
        assert type(error) is QuotaExceeded
        assert not error.is_retryable
        assert error.retry_after is None
        assert error.to_dict()["resets_at"] == "2026-09-04T11:01:25Z"
    relayed = {"error": {"origin": "provider", "provider_code": "1308", "provider_status": 429, "message": words}}
    assert read("zai-coding", 429, relayed, relay="Attic").to_dict()["resets_at"] == "2026-09-04T11:01:25Z"


def test_a_daily_limit_of_google_is_a_quota() -> None:
    assert type(read("custom", 429, google(429, "RESOURCE_EXHAUSTED", PER_DAY, RETRY_INFO))) is QuotaExceeded


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 502, "message": "away"}, ServerError),
        ({"code": 429, "message": "slow"}, RateLimited),
        ({"code": "overloaded_error", "message": "busy"}, Overloaded),
        ({"type": "invalid_request_error", "message": "no"}, BadRequest),
        ({"code": 7, "message": "?"}, ServerError),
        ("text", ServerError),
    ],
)
def test_inside_a_stream_the_error_itself_tells_its_kind(error: Any, kind: type[ResponseError]) -> None:
    assert type(FailureReader("X").read_document({"error": error})) is kind


def test_the_relays_words_for_a_kind_are_known() -> None:
    def relayed(code: str, **fields: Any) -> ResponseError:
        envelope = {"origin": "provider", "code": code, "message": "said", **fields}
        return read("openai", 429, {"error": envelope}, relay="Attic")

    assert type(relayed("provider_quota")) is QuotaExceeded
    assert type(relayed("provider_rate_limit")) is RateLimited
    assert relayed("provider_rate_limit", retryable=True).is_retryable
    assert not relayed("provider_answer", retryable=False).is_retryable
    refusal = read("openai", 400, {"error": {"origin": "relay", "code": "bad", "param": "model"}}, relay="Attic")
    assert type(refusal) is RelayRefused
    assert refusal.param == "model"


def test_request_ids_are_found_in_body_and_headers() -> None:
    assert read("anthropic", 500, {"type": "error", "error": {}, "request_id": "req_b"}).request_id == "req_b"
    assert read("openai", 500, {"error": {}}, **{"x-request-id": "req_h"}).request_id == "req_h"
    assert read("mistral", 500, {}, **{"mistral-correlation-id": "req_m"}).request_id == "req_m"


@pytest.mark.parametrize(
    "document",
    [
        {"error": {"message": {"a": {"b": 1}}, "code": [], "param": 3, "details": {"x": 1}, "metadata": "m"}},
        {"error": {"code": True, "type": None, "status": {}, "details": [None, {"violations": "v", "reason": 4}]}},
        {"detail": [[[[["deep"]]]]]},
        {"detail": [{"loc": "body", "msg": None}]},
        {"error": False},
        {},
        [],
        [1],
    ],
)
def test_nonsense_becomes_an_error_all_the_same(document: Any) -> None:
    error = read("openai", 400, document)
    assert type(error) is BadRequest
    json.dumps(error.to_dict())


def test_no_part_of_an_error_holds_a_key() -> None:
    secret = "a-very-secret-key"
    fields = {"message": secret, "code": secret, "param": secret, "request_id": secret, "metadata": {"raw": secret}}
    error = read("openai", 400, {"error": fields})
    assert secret not in json.dumps(error.to_dict()) + repr(error)
