"""Every code that an error of the relay can have. Data: the OpenAPI document and docs/relay.md are written from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sidestep_relay.errors import KINDS

__all__ = ["ERROR_CODES", "ErrorCode", "list_codes", "write_table"]

_PAID = ("chat", "models")
_BODIES = ("chat", "probe")
_GUARDED = ("chat", "models", "probe", "relay", "ticks", "openapi", "metrics")
_ALL = (*_GUARDED, "sealed", "healthz", "readyz")
_SEALED = ("chat", "models", "sealed")
_ELSEWHERE: tuple[str, ...] = ()
"""At no address of the contract: what a wrong address or method is answered with."""


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """What one code means.

    Attributes:
        status: the HTTP status it comes with.
        operations: which calls can be answered with it, by their names in the OpenAPI document.
        meaning, remedy: what happened and what to do, each half a sentence.
        is_retryable: whether the same request may succeed later.
        is_provider: whether the provider said no; such an answer keeps the provider's own status if that is 4xx.
    """

    status: int
    operations: tuple[str, ...]
    meaning: str
    remedy: str
    is_retryable: bool = False
    is_provider: bool = False


_RELAY: Mapping[str, ErrorCode] = {
    # who asks
    "relay_token_missing": ErrorCode(401, _GUARDED, "no token of the relay was shown", "send `Authorization: Bearer`"),
    "relay_token_wrong": ErrorCode(401, _GUARDED, "nobody has that token", "pair the page again"),
    "relay_token_expired": ErrorCode(401, _GUARDED, "the token has ended", "ask the operator for another"),
    "provider_not_allowed": ErrorCode(
        403, (*_PAID, "probe"), "the token does not cover that provider or address", "ask the operator"
    ),
    "metrics_not_allowed": ErrorCode(403, ("metrics",), "the token is not for metrics", "ask the operator"),
    "own_key_not_allowed": ErrorCode(403, _PAID, "the relay lends its key to others only", "send `X-Provider-Key`"),
    # how much
    "rate_limited": ErrorCode(
        429, _GUARDED, "more than a limit of the relay allows", "wait for `Retry-After`", is_retryable=True
    ),
    "headers_too_large": ErrorCode(431, _GUARDED, "too many headers, or too long ones", "send fewer"),
    "http_413": ErrorCode(413, _BODIES, "the body is larger than `largest_body`", "send less"),
    "too_many_messages": ErrorCode(413, _BODIES, "more messages than a chat has", "send fewer"),
    "request_too_complex": ErrorCode(413, _BODIES, "the JSON has too many parts", "send less"),
    "request_too_deep": ErrorCode(400, _BODIES, "the JSON is nested too deeply", "send it flatter"),
    # what the request is
    "content_type_refused": ErrorCode(415, _BODIES, "the Content-Type is not JSON in UTF-8", "send `application/json`"),
    "content_encoding_refused": ErrorCode(415, _BODIES, "the body is packed", "send it as it is"),
    "request_truncated": ErrorCode(400, _BODIES, "the body ended too early, or its chunks are broken", "send it whole"),
    "request_too_slow": ErrorCode(408, _BODIES, "the body did not come in time", "send it again", is_retryable=True),
    "request_not_utf8": ErrorCode(400, _BODIES, "the body is not UTF-8", "encode it so"),
    "request_not_json": ErrorCode(400, _BODIES, "the body is not JSON", "send JSON, without a byte order mark"),
    "request_key_repeated": ErrorCode(400, _BODIES, "a field is there twice, `param` says which", "send it once"),
    "request_number_invalid": ErrorCode(400, _BODIES, "a number is none, or no double holds it", "send another"),
    "request_text_invalid": ErrorCode(400, _BODIES, "a text holds half of a surrogate pair", "send whole characters"),
    "request_invalid": ErrorCode(400, (*_BODIES, "ticks"), "a field is wrong, `param` says which", "change it"),
    # which provider, where, with whose key
    "provider_unknown": ErrorCode(400, _PAID, "the model's name begins with no provider's", "begin it with one"),
    "provider_base_missing": ErrorCode(400, _PAID, "that provider has no address of its own", "send `X-Provider-Base`"),
    "provider_key_missing": ErrorCode(400, _PAID, "that provider needs a key", "send `X-Provider-Key`"),
    "provider_key_invalid": ErrorCode(400, _PAID, "no key looks like that", "send one key, and nothing else"),
    "destination_invalid": ErrorCode(400, (*_PAID, "probe"), "that is no plain base URL", "send one"),
    "destination_refused": ErrorCode(
        403, (*_PAID, "probe"), "the relay does not connect there", "ask the operator for the setting that is named"
    ),
    "models_not_listed": ErrorCode(404, ("models",), "that provider has no list of models", "name the model by hand"),
    # what is sealed
    "sealed_invalid": ErrorCode(400, _SEALED, "what is sealed cannot be opened", "seal it anew"),
    "sealed_key_unknown": ErrorCode(
        400, _SEALED, "it is sealed to a key that this relay has not", "pair the page again"
    ),
    "sealed_expired": ErrorCode(400, _SEALED, "it was sealed too long ago, or in the future", "check the clock"),
    "sealed_replayed": ErrorCode(400, _SEALED, "it was taken before", "seal it anew"),
    "sealed_unsafe": ErrorCode(503, _SEALED, "several processes do not know of each other", "ask the operator"),
    "sealed_busy": ErrorCode(503, _SEALED, "too much was sealed at once", "try again", is_retryable=True),
    "sealing_off": ErrorCode(404, _SEALED, "this relay has no key to seal to", "send it open"),
    # how it goes on
    "deadline_exceeded": ErrorCode(504, ("chat",), "the answer took longer than any may", "ask for less"),
    "relay_stopping": ErrorCode(503, ("chat",), "the relay is being restarted", "ask again", is_retryable=True),
    "joined_too_slow": ErrorCode(
        503, ("chat",), "a shared answer was read too slowly to be held", "send it again", is_retryable=True
    ),
    "relay_misconfigured": ErrorCode(503, _ALL, "one of the relay's settings is wrong", "ask the operator"),
    # HTTP
    "http_400": ErrorCode(400, _ELSEWHERE, "the request is no proper HTTP", "send another"),
    "http_404": ErrorCode(404, _ELSEWHERE, "there is nothing at that address", "look at the path"),
    "http_405": ErrorCode(405, _ELSEWHERE, "not with that method", "use one of `Allow`"),
    "http_416": ErrorCode(416, _ELSEWHERE, "a file of the page is shorter than that", "ask for less"),
    "http_500": ErrorCode(500, _ALL, "the relay itself failed", "tell the operator the request's id"),
}

_PROVIDER: Mapping[str, tuple[str, str]] = {
    "authentication": ("the provider refused its key", "check the key"),
    "permission": ("the key may not do that", "look at the provider's console"),
    "quota": ("the plan or the money is used up", "look at the provider's billing"),
    "rate_limit": ("the provider asks for patience", "wait for `Retry-After`"),
    "model": ("the provider knows no such model", "choose another"),
    "request": ("the provider does not take the request", "read what it says"),
    "content": ("the provider does not answer that", "ask for something else"),
    "overloaded": ("the provider has too much to do", "try again later"),
    "server": ("the provider itself failed", "try again later"),
    "unreachable": ("the provider cannot be reached from the relay", "probe it"),
    "timeout": ("the provider did not answer in time", "try again"),
    "answer": ("what came is no answer", "check the base URL"),
    "redirect": ("the provider pointed elsewhere, and the relay does not follow", "check the base URL"),
    "incomplete": ("the answer broke off", "ask again, or go on from there"),
}

ERROR_CODES: Mapping[str, ErrorCode] = {
    **_RELAY,
    **{
        KINDS[kind].code: ErrorCode(
            KINDS[kind].status, _PAID, *said, is_retryable=KINDS[kind].is_retryable, is_provider=True
        )
        for kind, said in _PROVIDER.items()
    },
}


def list_codes(operation: str, status: int) -> list[str]:
    """Return the codes with which *operation* answers under *status*, sorted."""
    return sorted(code for code, row in ERROR_CODES.items() if operation in row.operations and row.status == status)


def write_table() -> str:
    """Return all codes as a table in Markdown."""
    rows = [
        f"| `{code}` | {row.status}{' or its own' if row.is_provider else ''} | {row.meaning} | {row.remedy} |"
        for code, row in ERROR_CODES.items()
    ]
    return "\n".join(["| code | status | what happened | what to do |", "|---|---|---|---|", *rows]) + "\n"
